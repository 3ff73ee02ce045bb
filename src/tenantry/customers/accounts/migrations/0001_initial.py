import django.db.models.functions.text
import tenantry.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail')),
                ('name', models.CharField(blank=True, max_length=100, verbose_name='name')),
                ('language', models.CharField(default='en', max_length=5, verbose_name='language')),
                ('operator_role', models.CharField(blank=True, choices=[('', 'not an operator'), ('reviewer', 'reviewer'), ('operator', 'operator'), ('superuser', 'superuser')], default='', max_length=10, verbose_name='operator role')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(editable=False, verbose_name='created')),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='accounts_user_email_once')],
            },
        ),
    ]
