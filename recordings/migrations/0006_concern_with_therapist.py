from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0005_rating_calibration_and_clips")]

    operations = [
        migrations.AddField(
            model_name="concern",
            name="with_therapist",
            field=models.BooleanField(default=True, help_text="The recording's therapist may read it too."),
        ),
    ]
