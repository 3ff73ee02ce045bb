import django.contrib.postgres.fields
import django.db.models.deletion
import tenantry.core.ids
from django.db import migrations, models
from tenantry.core.tenancy import protect

SAME_TENANT = """
ALTER TABLE schedules_schedule ADD CONSTRAINT schedules_schedule_connection
    FOREIGN KEY (connection_id, tenant_id) REFERENCES automation_connection (id, tenant_id);
"""
UNDO = "ALTER TABLE schedules_schedule DROP CONSTRAINT schedules_schedule_connection"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('automation', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('product', models.CharField(max_length=20, verbose_name='product')),
                ('kind', models.CharField(editable=False, max_length=60)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('content_id', models.UUIDField(verbose_name='content')),
                ('content_digest', models.CharField(blank=True, editable=False, max_length=128)),
                ('approved_digest', models.CharField(blank=True, editable=False, max_length=128)),
                ('zone', models.CharField(max_length=64, verbose_name='time zone')),
                ('weekdays', models.SmallIntegerField(default=127, verbose_name='weekdays')),
                ('times', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=5), size=24, verbose_name='times')),
                ('daily_limit', models.SmallIntegerField(verbose_name='daily limit')),
                ('user_enabled', models.BooleanField(default=True, verbose_name='turned on')),
                ('admin_status', models.CharField(choices=[('NEEDS_REVIEW', 'awaits approval'), ('APPROVED', 'approved'), ('SUSPENDED', 'suspended'), ('BANNED', 'banned')], default='APPROVED', max_length=20, verbose_name='approval')),
                ('admin_reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('suspended_at', models.DateTimeField(null=True, verbose_name='suspended')),
                ('next_due_at', models.DateTimeField(null=True, verbose_name='next run')),
                ('watermark_at', models.DateTimeField(verbose_name='decided up to')),
                ('consecutive_failures', models.SmallIntegerField(default=0, verbose_name='failures in a row')),
                ('version', models.IntegerField(default=1, verbose_name='version')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('connection', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='schedules', to='automation.connection')),
            ],
            options={
                'verbose_name': 'schedule',
                'verbose_name_plural': 'schedules',
            },
        ),
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(editable=False)),
                ('nominal_at', models.DateTimeField(verbose_name='due')),
                ('origin', models.CharField(choices=[('clock', 'by the schedule'), ('run_now', 'run now')], default='clock', max_length=10, verbose_name='origin')),
                ('decided_at', models.DateTimeField(verbose_name='decided')),
                ('outcome', models.CharField(choices=[('DISPATCHED', 'dispatched'), ('SKIPPED', 'skipped'), ('BLOCKED', 'blocked'), ('HELD', 'held')], max_length=10, verbose_name='outcome')),
                ('code', models.CharField(max_length=40, verbose_name='reason')),
                ('verdicts', models.JSONField(verbose_name='gates')),
                ('policy_version', models.BigIntegerField(verbose_name='policy version')),
                ('local_day', models.DateField(verbose_name='local day')),
                ('job_outcome', models.CharField(blank=True, choices=[('SUCCESS', 'success'), ('FAILED', 'failed'), ('CANCELLED', 'cancelled'), ('UNKNOWN', 'outcome unknown')], max_length=10, verbose_name='job')),
                ('trace_id', models.CharField(max_length=32, verbose_name='trace')),
                ('job', models.OneToOneField(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='slot', to='automation.job')),
                ('schedule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='slots', to='schedules.schedule')),
            ],
            options={
                'verbose_name': 'slot',
                'verbose_name_plural': 'slots',
            },
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['next_due_at', 'id'], name='schedules_schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('admin_status', 'NEEDS_REVIEW')), fields=['created_at'], name='schedules_schedule_review'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('admin_status__in', ['NEEDS_REVIEW', 'APPROVED', 'SUSPENDED', 'BANNED'])), name='schedules_schedule_admin'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('weekdays__gt', 0), ('weekdays__lte', 127)), name='schedules_schedule_weekdays'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('daily_limit__gte', 1), ('daily_limit__lte', 100)), name='schedules_schedule_limit'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('next_due_at__isnull', True), ('next_due_at__gt', models.F('watermark_at')), _connector='OR'), name='schedules_schedule_forward'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('admin_reason', ''), _negated=True), models.Q(('admin_status__in', ['SUSPENDED', 'BANNED']), _negated=True), _connector='OR'), name='schedules_schedule_reason'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('consecutive_failures__gte', 0)), name='schedules_schedule_failures'),
        ),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(fields=['tenant_id', '-nominal_at'], name='schedules_slot_log'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(fields=('schedule', 'nominal_at'), name='schedules_slot_once'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['DISPATCHED', 'SKIPPED', 'BLOCKED', 'HELD'])), name='schedules_slot_outcome'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['clock', 'run_now'])), name='schedules_slot_origin'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('job__isnull', False), ('outcome', 'DISPATCHED')), models.Q(models.Q(('outcome', 'DISPATCHED'), _negated=True), ('job__isnull', True)), _connector='OR'), name='schedules_slot_job'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('job_outcome', ''), models.Q(('job__isnull', False), ('job_outcome__in', ['SUCCESS', 'FAILED', 'CANCELLED', 'UNKNOWN'])), _connector='OR'), name='schedules_slot_job_outcome'),
        ),
        migrations.RunSQL(SAME_TENANT, UNDO),
        protect("schedules_schedule"),
        protect("schedules_slot"),
    ]
