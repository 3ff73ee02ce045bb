import django.db.models.deletion
import tenantry.core.ids
from django.conf import settings
from django.db import migrations, models
from tenantry.core.tenancy import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('short_id', models.CharField(default=tenantry.core.ids.short_id, editable=False, max_length=10, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('zone', models.CharField(max_length=60, verbose_name='time zone')),
                ('language', models.CharField(max_length=5, verbose_name='language')),
                ('state', models.CharField(choices=[('requested', 'requested'), ('placed', 'placed'), ('provisioning', 'being set up'), ('verifying', 'being verified'), ('active', 'active'), ('degraded', 'degraded'), ('suspended', 'suspended'), ('archived', 'archived'), ('purging', 'being erased'), ('purged', 'erased'), ('failed', 'failed')], default='active', max_length=12, verbose_name='state')),
                ('created_at', models.DateTimeField(editable=False, verbose_name='created')),
            ],
            options={
                'verbose_name': 'tenant',
                'verbose_name_plural': 'tenants',
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('owner', 'owner'), ('admin', 'administrator'), ('member', 'member'), ('viewer', 'viewer')], max_length=10, verbose_name='role')),
                ('created_at', models.DateTimeField(editable=False, verbose_name='created')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'membership',
                'verbose_name_plural': 'memberships',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'user'), name='tenants_membership_once')],
            },
        ),
        protect("tenants_tenant", column="id"),
        protect("tenants_membership"),
    ]
