import django.db.models.functions.datetime
import tenantry.core.ids
from django.db import migrations, models
from tenantry.core.tenancy import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Captured',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('recipient', models.EmailField(db_index=True, max_length=254, verbose_name='recipient')),
                ('sealed', models.BinaryField()),
                ('captured_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True, verbose_name='received')),
            ],
            options={
                'verbose_name': 'captured mail',
                'verbose_name_plural': 'mailbox',
            },
        ),
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False, null=True)),
                ('recipient', models.EmailField(max_length=254, verbose_name='recipient')),
                ('language', models.CharField(max_length=5, verbose_name='language')),
                ('template', models.CharField(max_length=60, verbose_name='template')),
                ('dedupe_key', models.CharField(editable=False, max_length=400, unique=True)),
                ('state', models.CharField(choices=[('QUEUED', 'waiting'), ('SENDING', 'being sent'), ('SENT', 'sent'), ('FAILED', 'given up')], default='QUEUED', max_length=10, verbose_name='state')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
                ('sealed', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent')),
            ],
            options={
                'verbose_name': 'mail',
                'verbose_name_plural': 'mails',
                'indexes': [models.Index(fields=['state', '-created_at'], name='notices_mail_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'SENT'), _negated=True), ('sealed__isnull', True), _connector='OR'), name='notices_mail_erased')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=tenantry.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(db_index=True, editable=False)),
                ('code', models.CharField(max_length=60, verbose_name='notice')),
                ('facts', models.JSONField(verbose_name='facts')),
                ('link', models.CharField(blank=True, max_length=200, verbose_name='link')),
                ('dedupe_key', models.CharField(default='', editable=False, max_length=120)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('read_at', models.DateTimeField(null=True, verbose_name='read')),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='notices_notice_recent')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('dedupe_key', ''), _negated=True), fields=('tenant_id', 'dedupe_key'), name='notices_notice_once')],
            },
        ),
        protect("notices_notice"),
        protect("notices_mail"),
    ]
