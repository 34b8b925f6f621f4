from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0010_certification_end")]

    operations = [
        migrations.AddField(
            model_name="sentinterval",
            name="clip",
            field=models.PositiveIntegerField(blank=True, help_text="Number of the teaching clip, where it was one.", null=True),
        ),
    ]
