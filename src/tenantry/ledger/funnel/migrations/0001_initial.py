"""The append-only table, made by SQL: Django knows no trigger, and must not flush it."""

from django.db import migrations, models

from tenantry.core.tenancy import protect
from tenantry.ledger.funnel.states import Step

EVENT = """
CREATE TABLE funnel_event (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    step text NOT NULL CHECK (step <> ''),
    at timestamptz NOT NULL,
    tenant_id uuid,
    trace_id text NOT NULL,
    facts jsonb NOT NULL,
    UNIQUE (subject, step)
);
CREATE INDEX funnel_event_step ON funnel_event (step, at);
CREATE INDEX funnel_event_at ON funnel_event (at);
CREATE INDEX funnel_event_tenant ON funnel_event (tenant_id);
CREATE INDEX funnel_event_trace ON funnel_event (trace_id);
"""

# For each statement: one that row-level security lets match nothing is refused as well.
REFUSE = """
CREATE FUNCTION funnel_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is refused: % is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'A step that was reached stays reached.';
END
$$;
CREATE TRIGGER funnel_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON funnel_event
    FOR EACH STATEMENT EXECUTE FUNCTION funnel_refuse();
"""

UNDO = """
DROP TABLE funnel_event;
DROP FUNCTION funnel_refuse();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(EVENT + REFUSE, UNDO),
        protect("funnel_event"),
        migrations.CreateModel(
            name="FunnelEvent",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("subject", models.UUIDField()),
                ("step", models.TextField(choices=Step.choices)),
                ("at", models.DateTimeField()),
                ("tenant_id", models.UUIDField(null=True)),
                ("trace_id", models.TextField()),
                ("facts", models.JSONField()),
            ],
            options={"db_table": "funnel_event", "ordering": ["at", "id"], "managed": False},
        ),
    ]
