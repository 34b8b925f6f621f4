from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('supervision', '0002_people_and_requirements'),
    ]

    operations = [
        migrations.AddField(
            model_name='requirement',
            name='valid_months',
            field=models.PositiveSmallIntegerField(default=0, help_text='For a one-off: calendar months that it lasts; 0 means for good.'),
        ),
    ]
