import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0011_sent_clips"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            model_name="consent",
            name="ended_purposes",
            field=models.JSONField(blank=True, default=list, help_text="Taken back by themselves; see PurposeWithdrawal."),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("conflict", "I know this family or am too close to this therapist"),
                    ("sound", "The sound cannot be rated"),
                    ("unsuitable", "This session is not one that the instrument is for"),
                    ("no_time", "I cannot do it in time"),
                    ("gone", "The recording is gone"),
                    ("taken_off", "Taken off by the team"),
                    ("not_agreed", "The family no longer agrees to it"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="withdrawallink",
            name="revoked_at",
            field=models.DateTimeField(blank=True, help_text="When somebody ended all links given out.", null=True),
        ),
        migrations.CreateModel(
            name="PurposeWithdrawal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("record", "The session is recorded"),
                            ("review", "The supervisor and the consultant listen"),
                            ("transcribe", "A computer in the service writes down what is said"),
                            ("train_raters", "Raters train with it"),
                            ("teach", "Short clips are used in teaching"),
                            ("research", "Figures about the session, without words or names, are used in research"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("in_person", "In person"),
                            ("telephone", "By telephone"),
                            ("writing", "In writing"),
                            ("link", "By the family, through its own link"),
                            ("other", "Another way"),
                        ],
                        max_length=20,
                    ),
                ),
                ("withdrawn_at", models.DateTimeField()),
                (
                    "items",
                    models.JSONField(
                        default=list, help_text="What was destroyed: kind, size and SHA-256 of sealed objects; counts of texts."
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        blank=True, help_text="When all of it was destroyed; until then `manage.py tick` goes on.", null=True
                    ),
                ),
                (
                    "consent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="purpose_withdrawals", to="recordings.consent"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recordings.consentperson"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Nobody of ours when the family used its link.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("consent", "purpose"), name="unique_purpose_withdrawal")]},
        ),
    ]
