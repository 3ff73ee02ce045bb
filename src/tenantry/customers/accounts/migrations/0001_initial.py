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
                'verbose_name': 'person',
                'verbose_name_plural': 'people',
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='accounts_user_email_once')],
            },
        ),
        migrations.CreateModel(
            name='SignInCode',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(editable=False, max_length=20)),
                ('identity_hash', models.BinaryField(max_length=32)),
                ('browser_hash', models.BinaryField(max_length=32)),
                ('code_hash', models.BinaryField(max_length=32)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('state', models.CharField(choices=[('live', 'live'), ('spent', 'spent'), ('superseded', 'replaced by a newer one')], default='live', max_length=10)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'sign-in code',
                'verbose_name_plural': 'sign-in codes',
                'indexes': [models.Index(fields=['identity_hash', 'code_hash'], name='accounts_signincode_known'), models.Index(fields=['expires_at'], name='accounts_signincode_age')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'live')), fields=('purpose', 'identity_hash'), name='accounts_signincode_one_live')],
            },
        ),
    ]
