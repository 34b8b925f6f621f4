"""What was sent to browsers, beside what was played; and warnings are kept by person. No warning has been given yet."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0003_consent_keeping_uploads_and_edits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SentInterval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start_ms", models.PositiveIntegerField()),
                ("end_ms", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "recording",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sent", to="recordings.recording"),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("end_ms__gt", models.F("start_ms"))), name="sent_interval_has_length")
                ],
            },
        ),
        migrations.DeleteModel(name="RetentionWarning"),
        migrations.CreateModel(
            name="RetentionWarning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_on", models.DateField()),
                ("sent_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "recording",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="warnings", to="recordings.recording"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("recording", "due_on", "person"), name="unique_retention_warning"),
                ],
            },
        ),
    ]
