import django.db.models.deletion
import tenantry.core.ids
from django.db import migrations, models
from tenantry.core.tenancy import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Condition',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('type', models.CharField(choices=[('alive', 'Process alive'), ('canonical_host', 'Own host name answers'), ('log_in', 'Log-in works'), ('route', 'Gateway serves it'), ('mail', 'Mail can leave')], max_length=20, verbose_name='condition')),
                ('status', models.CharField(choices=[('true', 'yes'), ('false', 'no'), ('unknown', 'not known')], default='unknown', max_length=10, verbose_name='status')),
                ('reason', models.CharField(blank=True, max_length=30, verbose_name='reason')),
                ('message', models.CharField(blank=True, max_length=500, verbose_name='detail')),
                ('facts', models.JSONField(default=dict, verbose_name='facts')),
                ('last_transition_at', models.DateTimeField(verbose_name='since')),
                ('checked_at', models.DateTimeField(verbose_name='checked')),
            ],
            options={
                'verbose_name': 'condition',
                'verbose_name_plural': 'conditions',
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'type'), name='provisioning_condition_type'), models.CheckConstraint(condition=models.Q(('type__in', ['alive', 'canonical_host', 'log_in', 'route', 'mail'])), name='provisioning_condition_known'), models.CheckConstraint(condition=models.Q(('status__in', ['true', 'false', 'unknown'])), name='provisioning_condition_status')],
            },
        ),
        migrations.CreateModel(
            name='Instance',
            fields=[
                ('tenant_id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=40, unique=True, verbose_name='label')),
                ('recipe', models.CharField(max_length=40, verbose_name='recipe')),
                ('version', models.CharField(blank=True, max_length=60, verbose_name='version')),
                ('host_id', models.UUIDField(db_index=True, null=True, verbose_name='host')),
                ('database', models.CharField(blank=True, max_length=63, verbose_name='database')),
                ('port', models.PositiveIntegerField(null=True, verbose_name='port')),
                ('upstream', models.CharField(blank=True, max_length=100, verbose_name='address on the host')),
                ('desired', models.CharField(blank=True, choices=[('running', 'running'), ('stopped', 'stopped'), ('removed', 'removed')], max_length=10, verbose_name='wanted')),
                ('observed', models.CharField(choices=[('unknown', 'not seen yet'), ('starting', 'starting'), ('running', 'running'), ('dead', 'dead'), ('stopped', 'stopped'), ('removed', 'removed')], default='unknown', max_length=10, verbose_name='seen')),
                ('pid', models.PositiveIntegerField(null=True, verbose_name='process')),
                ('starts', models.PositiveIntegerField(default=0, verbose_name='starts')),
                ('observed_at', models.DateTimeField(null=True, verbose_name='seen at')),
                ('looked_at', models.DateTimeField(null=True, verbose_name='probed at')),
                ('admin_secret_id', models.UUIDField(editable=False, null=True)),
                ('owner_secret_id', models.UUIDField(editable=False, null=True)),
                ('database_secret_id', models.UUIDField(editable=False, null=True)),
                ('created_at', models.DateTimeField(verbose_name='created')),
            ],
            options={
                'verbose_name': 'instance',
                'verbose_name_plural': 'instances',
                'constraints': [models.CheckConstraint(condition=models.Q(('desired__in', ['', 'running', 'stopped', 'removed'])), name='provisioning_instance_desired'), models.CheckConstraint(condition=models.Q(('observed__in', ['unknown', 'starting', 'running', 'dead', 'stopped', 'removed'])), name='provisioning_instance_observed')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('kind', models.CharField(choices=[('create', 'set up'), ('suspend', 'suspend'), ('resume', 'resume'), ('archive', 'archive')], max_length=10, verbose_name='kind')),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('waiting', 'waiting'), ('succeeded', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10, verbose_name='state')),
                ('subject', models.UUIDField(editable=False, null=True)),
                ('region', models.CharField(blank=True, max_length=40, verbose_name='region')),
                ('recipe', models.CharField(max_length=40, verbose_name='recipe')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('actor', models.CharField(max_length=120, verbose_name='asked for by')),
                ('cancel_asked', models.BooleanField(default=False, verbose_name='cancel asked')),
                ('cancel_reason', models.CharField(blank=True, max_length=500, verbose_name='reason to cancel')),
                ('attempts', models.PositiveIntegerField(default=1, verbose_name='attempts')),
                ('error_code', models.CharField(blank=True, max_length=30, verbose_name='error code')),
                ('trace_id', models.CharField(db_index=True, max_length=32, verbose_name='trace')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
            ],
            options={
                'verbose_name': 'run',
                'verbose_name_plural': 'runs',
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='provisioning_run_recent')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'running', 'waiting'])), fields=('tenant_id',), name='provisioning_run_live'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'])), name='provisioning_run_state'), models.CheckConstraint(condition=models.Q(('error_code__in', ['', 'NO_CAPACITY', 'HOST_NOT_VISIBLE', 'REGION_UNKNOWN', 'TEMPLATE_MISSING', 'TEMPLATE_LOCKED', 'DATABASE_UNREACHABLE', 'DISK_FULL', 'PORT_TAKEN', 'HOST_UNREACHABLE', 'INSTANCE_STARTING', 'INSTANCE_DEAD', 'INSTANCE_GONE', 'INSTANCE_STOPPING', 'HOST_NAME_TAKEN', 'HOST_NOT_ANSWERING', 'WRONG_IDENTITY', 'LOG_IN_REFUSED', 'ROUTE_NOT_SERVING', 'MAIL_REFUSED', 'NOT_PROVEN', 'DRIVER_TIMEOUT', 'DRIVER_FAILED', 'UNEXPECTED'])), name='provisioning_run_code'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', False), models.Q(('state__in', ['cancelled', 'failed', 'succeeded']), _negated=True), _connector='XOR'), name='provisioning_run_ended'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error_code', ''), _negated=True), _connector='OR'), name='provisioning_run_failed')],
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('name', models.CharField(max_length=30, verbose_name='step')),
                ('state', models.CharField(choices=[('pending', 'to do'), ('running', 'running'), ('waiting', 'waiting'), ('succeeded', 'done'), ('failed', 'failed'), ('compensated', 'undone'), ('skipped', 'not needed')], max_length=12, verbose_name='state')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('since', models.DateTimeField(editable=False, null=True)),
                ('lease_token', models.UUIDField(editable=False, null=True)),
                ('lease_until', models.DateTimeField(editable=False, null=True)),
                ('next_try_at', models.DateTimeField(null=True, verbose_name='next try')),
                ('error_code', models.CharField(blank=True, max_length=30, verbose_name='error code')),
                ('message', models.CharField(blank=True, max_length=500, verbose_name='detail')),
                ('intent', models.JSONField(default=dict, verbose_name='intent')),
                ('result', models.JSONField(default=dict, verbose_name='result')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='provisioning.run')),
            ],
            options={
                'verbose_name': 'step',
                'verbose_name_plural': 'steps',
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='LogLine',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('at', models.DateTimeField(verbose_name='at')),
                ('level', models.CharField(choices=[('info', 'info'), ('warning', 'warning'), ('error', 'error')], default='info', max_length=10, verbose_name='level')),
                ('text', models.CharField(max_length=500, verbose_name='line')),
                ('step', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='provisioning.step')),
            ],
            options={
                'verbose_name': 'log line',
                'verbose_name_plural': 'log lines',
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('run', 'position'), name='provisioning_step_position'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'running', 'waiting', 'succeeded', 'failed', 'compensated', 'skipped'])), name='provisioning_step_state'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('error_code__in', ['', 'NO_CAPACITY', 'HOST_NOT_VISIBLE', 'REGION_UNKNOWN', 'TEMPLATE_MISSING', 'TEMPLATE_LOCKED', 'DATABASE_UNREACHABLE', 'DISK_FULL', 'PORT_TAKEN', 'HOST_UNREACHABLE', 'INSTANCE_STARTING', 'INSTANCE_DEAD', 'INSTANCE_GONE', 'INSTANCE_STOPPING', 'HOST_NAME_TAKEN', 'HOST_NOT_ANSWERING', 'WRONG_IDENTITY', 'LOG_IN_REFUSED', 'ROUTE_NOT_SERVING', 'MAIL_REFUSED', 'NOT_PROVEN', 'DRIVER_TIMEOUT', 'DRIVER_FAILED', 'UNEXPECTED'])), name='provisioning_step_code'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(('state', 'running'), _negated=True), _connector='OR'), name='provisioning_step_leased'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('next_try_at__isnull', False), ('lease_token__isnull', False), models.Q(('state', 'waiting'), _negated=True), _connector='OR'), name='provisioning_step_waiting'),
        ),
        protect("provisioning_run"),
        protect("provisioning_step"),
        protect("provisioning_logline"),
        protect("provisioning_instance"),
        protect("provisioning_condition"),
    ]
