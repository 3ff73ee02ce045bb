from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='mail',
            name='trace_id',
            field=models.CharField(db_index=True, default='', max_length=32, verbose_name='trace'),
        ),
    ]
