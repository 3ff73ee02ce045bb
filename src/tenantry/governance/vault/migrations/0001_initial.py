import tenantry.core.ids
from django.db import migrations, models
from tenantry.core.tenancy import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('purpose', models.CharField(editable=False, max_length=60, verbose_name='purpose')),
                ('sealed', models.BinaryField(null=True)),
                ('key_id', models.CharField(max_length=60, verbose_name='key')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('replaced_at', models.DateTimeField(null=True, verbose_name='replaced')),
                ('destroyed_at', models.DateTimeField(null=True, verbose_name='destroyed')),
            ],
            options={
                'verbose_name': 'secret',
                'verbose_name_plural': 'secrets',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('destroyed_at__isnull', False), ('sealed__isnull', True)), models.Q(('destroyed_at__isnull', True), ('sealed__isnull', False)), _connector='OR'), name='vault_secret_destroyed')],
            },
        ),
        protect("vault_secret"),
    ]
