import django.db.models.functions.datetime
from django.db import migrations, models
from tenantry.core.tenancy import protect

APPEND_ONLY = """
CREATE FUNCTION policies_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is refused: % is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Set the policy to another value instead.';
END
$$;
CREATE TRIGGER policies_append_only BEFORE UPDATE OR DELETE ON policies_policy
    FOR EACH STATEMENT EXECUTE FUNCTION policies_refuse();
"""
UNDO = """
DROP TRIGGER policies_append_only ON policies_policy;
DROP FUNCTION policies_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('pk', models.CompositePrimaryKey('key', 'window', blank=True, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(editable=False, null=True)),
                ('key', models.TextField()),
                ('window', models.TextField()),
                ('used', models.IntegerField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'counter',
                'verbose_name_plural': 'counters',
                'indexes': [models.Index(fields=['created_at'], name='policies_counter_age')],
                'constraints': [models.CheckConstraint(condition=models.Q(('used__gte', 0)), name='policies_counter_used')],
            },
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('version', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='version')),
                ('key', models.CharField(max_length=60, verbose_name='policy')),
                ('value', models.JSONField(verbose_name='value')),
                ('set_by', models.CharField(max_length=60, verbose_name='set by')),
                ('set_at', models.DateTimeField(verbose_name='set at')),
                ('reason', models.TextField(verbose_name='reason')),
            ],
            options={
                'verbose_name': 'policy',
                'verbose_name_plural': 'policies',
                'indexes': [models.Index(fields=['key', '-version'], name='policies_policy_current')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO),
        protect("policies_counter"),
    ]
