import django.db.models.deletion
import tenantry.core.ids
from django.db import migrations, models

from tenantry.core.tenancy import protect

# A row and what it points to belong to one tenant, whoever writes them.
SAME_TENANT = """
ALTER TABLE automation_job ADD CONSTRAINT automation_job_connection
    FOREIGN KEY (connection_id, tenant_id) REFERENCES automation_connection (id, tenant_id);
ALTER TABLE automation_attempt ADD CONSTRAINT automation_attempt_job
    FOREIGN KEY (job_id, tenant_id) REFERENCES automation_job (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE automation_evidence ADD CONSTRAINT automation_evidence_job
    FOREIGN KEY (job_id, tenant_id) REFERENCES automation_job (id, tenant_id) ON DELETE CASCADE;
"""
UNDO = """
ALTER TABLE automation_evidence DROP CONSTRAINT automation_evidence_job;
ALTER TABLE automation_attempt DROP CONSTRAINT automation_attempt_job;
ALTER TABLE automation_job DROP CONSTRAINT automation_job_connection;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('product', models.CharField(max_length=20, verbose_name='product')),
                ('connector', models.CharField(max_length=40, verbose_name='connector')),
                ('account', models.CharField(max_length=120, verbose_name='account')),
                ('label', models.CharField(blank=True, max_length=80, verbose_name='label')),
                ('session_state', models.CharField(choices=[('PENDING', 'signing in'), ('HEALTHY', 'healthy'), ('EXPIRING', 'expires soon'), ('EXPIRED', 'expired'), ('CHALLENGE_REQUIRED', 'needs you on the site'), ('ERROR', 'error')], default='PENDING', max_length=20, verbose_name='session')),
                ('session_expires_at', models.DateTimeField(null=True, verbose_name='session expires')),
                ('session_checked_at', models.DateTimeField(null=True, verbose_name='session last checked')),
                ('session_code', models.CharField(blank=True, max_length=20, verbose_name='session error code')),
                ('session_reason', models.CharField(blank=True, max_length=500, verbose_name='session detail')),
                ('session_deadline', models.DateTimeField(null=True, verbose_name='sign-in must end by')),
                ('session_secret_id', models.UUIDField(editable=False, null=True)),
                ('credentials_secret_id', models.UUIDField(editable=False, null=True)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('removed_at', models.DateTimeField(null=True, verbose_name='removed')),
            ],
            options={
                'verbose_name': 'connection',
                'verbose_name_plural': 'connections',
                'indexes': [models.Index(condition=models.Q(('session_state', 'PENDING')), fields=['session_deadline'], name='automation_connection_pending'), models.Index(condition=models.Q(('session_state__in', ['EXPIRING', 'HEALTHY'])), fields=['session_expires_at'], name='automation_connection_ageing')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('tenant_id', 'product', 'connector', 'account'), name='automation_connection_account'), models.UniqueConstraint(fields=('id', 'tenant_id'), name='automation_connection_tenant'), models.CheckConstraint(condition=models.Q(('session_state__in', ['PENDING', 'HEALTHY', 'EXPIRING', 'EXPIRED', 'CHALLENGE_REQUIRED', 'ERROR'])), name='automation_connection_state'), models.CheckConstraint(condition=models.Q(('session_deadline__isnull', False), models.Q(('session_state', 'PENDING'), _negated=True), _connector='XOR'), name='automation_connection_deadline'), models.CheckConstraint(condition=models.Q(('removed_at__isnull', True), models.Q(('credentials_secret_id__isnull', True), ('session_secret_id__isnull', True)), _connector='OR'), name='automation_connection_removed')],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('state', models.CharField(choices=[('QUEUED', 'queued'), ('RUNNING', 'running'), ('SUBMITTING', 'submitting'), ('SUCCESS', 'success'), ('FAILED', 'failed'), ('UNKNOWN', 'outcome unknown'), ('HELD', 'held'), ('CANCELLED', 'cancelled')], default='QUEUED', max_length=20, verbose_name='state')),
                ('content_id', models.UUIDField(null=True)),
                ('content_digest', models.CharField(blank=True, max_length=128)),
                ('moment', models.DateTimeField(null=True, verbose_name='for the moment')),
                ('zone', models.CharField(blank=True, max_length=64, verbose_name='zone')),
                ('subject', models.UUIDField(null=True, unique=True)),
                ('debug', models.BooleanField(default=False, verbose_name='debug')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('looks', models.PositiveSmallIntegerField(default=0, verbose_name='looks for the outcome')),
                ('run_after', models.DateTimeField(verbose_name='not before')),
                ('lease_token', models.UUIDField(editable=False, null=True)),
                ('lease_until', models.DateTimeField(editable=False, null=True)),
                ('error_code', models.CharField(blank=True, max_length=20, verbose_name='error code')),
                ('error_message', models.CharField(blank=True, max_length=500, verbose_name='error detail')),
                ('submitted', models.JSONField(editable=False, null=True)),
                ('published_id', models.CharField(max_length=200, null=True)),
                ('result', models.JSONField(default=dict, verbose_name='result')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('submitted_at', models.DateTimeField(null=True, verbose_name='submitted')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('trace_id', models.CharField(max_length=32, verbose_name='trace')),
                ('connection', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='automation.connection')),
            ],
            options={
                'verbose_name': 'job',
                'verbose_name_plural': 'jobs',
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('attempt_number', models.PositiveSmallIntegerField(verbose_name='attempt')),
                ('kind', models.CharField(choices=[('screenshot', 'screenshot'), ('html', 'page source'), ('trace', 'browser trace'), ('article', 'published article')], max_length=20, verbose_name='kind')),
                ('object_key', models.CharField(blank=True, max_length=300)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('size', models.PositiveIntegerField(default=0, verbose_name='bytes')),
                ('media_type', models.CharField(blank=True, max_length=60, verbose_name='media type')),
                ('lost', models.CharField(blank=True, max_length=300, verbose_name='lost because')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('job', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='automation.job')),
            ],
            options={
                'verbose_name': 'evidence',
                'verbose_name_plural': 'evidence',
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('number', models.PositiveSmallIntegerField(verbose_name='number')),
                ('mode', models.CharField(choices=[('pageless', 'without a browser'), ('headless', 'headless browser'), ('headless_trace', 'headless browser with trace'), ('headed_trace', 'visible browser with trace')], default='headless', max_length=20, verbose_name='mode')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('phase', models.CharField(blank=True, max_length=20, verbose_name='phase')),
                ('error_code', models.CharField(blank=True, max_length=20, verbose_name='error code')),
                ('message', models.CharField(blank=True, max_length=500, verbose_name='detail')),
                ('job', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='automation.job')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
            },
        ),
        migrations.CreateModel(
            name='ProcessBeat',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=20, verbose_name='process')),
                ('host', models.CharField(max_length=120, verbose_name='host')),
                ('pid', models.PositiveIntegerField(verbose_name='pid')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('beat_at', models.DateTimeField(verbose_name='last sign of life')),
                ('version', models.CharField(blank=True, max_length=40, verbose_name='version')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
            ],
            options={
                'verbose_name': 'process',
                'verbose_name_plural': 'processes',
                'constraints': [models.UniqueConstraint(fields=('kind', 'host', 'pid'), name='automation_processbeat_process')],
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'QUEUED')), fields=['connection', 'run_after'], name='automation_job_ready'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ['SUBMITTING', 'UNKNOWN'])), fields=['connection', 'run_after'], name='automation_job_unresolved'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ['RUNNING', 'SUBMITTING'])), fields=['lease_until'], name='automation_job_lease'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['connection', '-created_at'], name='automation_job_history'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(fields=('id', 'tenant_id'), name='automation_job_tenant'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(fields=('connection', 'published_id'), name='automation_job_published'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['QUEUED', 'RUNNING', 'SUBMITTING', 'SUCCESS', 'FAILED', 'UNKNOWN', 'HELD', 'CANCELLED'])), name='automation_job_state'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('error_code__in', ['', 'AUTH_EXPIRED', 'AUTH_INVALID', 'LOGIN_FAILED', 'CHALLENGE_REQUIRED', 'RATE_LIMIT', 'UI_CHANGED', 'UPLOAD_FAILED', 'NETWORK_ERROR', 'TIMEOUT', 'BROWSER_ERROR', 'PERMISSION_DENIED', 'TARGET_NOT_FOUND', 'VALIDATION_ERROR', 'OUTCOME_UNKNOWN', 'UNKNOWN'])), name='automation_job_code'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(('state__in', ['RUNNING', 'SUBMITTING']), _negated=True), _connector='OR'), name='automation_job_leased'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('submitted_at__isnull', False), models.Q(('state__in', ['SUBMITTING', 'UNKNOWN']), _negated=True), _connector='OR'), name='automation_job_submitted'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at__isnull', False), models.Q(('state__in', ['CANCELLED', 'FAILED', 'SUCCESS']), _negated=True), _connector='XOR'), name='automation_job_ended'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'FAILED'), _negated=True), models.Q(('error_code', ''), _negated=True), _connector='OR'), name='automation_job_failed'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('object_key', ''), ('lost', ''), _connector='XOR'), name='automation_evidence_stored'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(fields=('job', 'number'), name='automation_attempt_number'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('error_code__in', ['', 'AUTH_EXPIRED', 'AUTH_INVALID', 'LOGIN_FAILED', 'CHALLENGE_REQUIRED', 'RATE_LIMIT', 'UI_CHANGED', 'UPLOAD_FAILED', 'NETWORK_ERROR', 'TIMEOUT', 'BROWSER_ERROR', 'PERMISSION_DENIED', 'TARGET_NOT_FOUND', 'VALIDATION_ERROR', 'OUTCOME_UNKNOWN', 'UNKNOWN'])), name='automation_attempt_code'),
        ),
        migrations.RunSQL(SAME_TENANT, UNDO),
        protect("automation_connection"),
        protect("automation_job"),
        protect("automation_attempt"),
        protect("automation_evidence"),
    ]
