import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0008_contest_answered_by")]

    operations = [
        migrations.AddField(
            model_name="clip",
            name="words",
            field=models.ForeignKey(
                blank=True,
                help_text="What is said in it; see clipwords.py.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="recordings.sealedtext",
            ),
        ),
    ]
