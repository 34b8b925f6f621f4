import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0012_one_purpose_taken_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="method",
            field=models.CharField(
                choices=[
                    ("signed_paper", "Signed on paper"),
                    ("signed_screen", "Signed on the therapist's device"),
                    ("typed", "Typed on the therapist's device, with a witness"),
                    ("spoken", "Spoken, with a witness or at the start of the recording"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="filed_at",
            field=models.CharField(blank=True, help_text="On paper: where the signed form is kept.", max_length=120),
        ),
        migrations.AddField(
            model_name="consent",
            name="submission",
            field=models.UUIDField(
                editable=False, help_text="Of the form that was sent: sent twice, it still makes one consent.", null=True, unique=True
            ),
        ),
        migrations.CreateModel(
            name="EarlierConsent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("replaced_at", models.DateTimeField()),
                (
                    "consent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="earlier_recordings", to="recordings.consent"
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="earlier_consents", to="recordings.recording"
                    ),
                ),
                (
                    "replaced_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("recording", "consent"), name="unique_earlier_consent")],
            },
        ),
    ]
