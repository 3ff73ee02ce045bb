"""The append-only tables, made by SQL: Django knows no identity, xid8 or trigger."""

from django.db import migrations, models

from tenantry.core.tenancy import protect

ENTRY = """
CREATE TABLE audit_auditentry (
    id uuid PRIMARY KEY,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id text NOT NULL,
    reason text NOT NULL,
    trace_id text NOT NULL,
    body text NOT NULL,
    -- Not of pgcrypto: 122 random bits from the core are enough and always there.
    salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CHECK (actor <> '' AND action <> '')
);
CREATE INDEX audit_auditentry_xid ON audit_auditentry (xid);
CREATE INDEX audit_auditentry_tenant ON audit_auditentry (tenant_id, at DESC);
CREATE INDEX audit_auditentry_target ON audit_auditentry (target_kind, target_id);
CREATE INDEX audit_auditentry_trace ON audit_auditentry (trace_id);
"""

TREE = """
CREATE TABLE audit_leaf (
    leaf_no bigint PRIMARY KEY CHECK (leaf_no >= 0),
    entry_id uuid NOT NULL UNIQUE,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE TABLE audit_checkpoint (
    tree_size bigint PRIMARY KEY CHECK (tree_size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    frontier bytea NOT NULL CHECK (octet_length(frontier) % 32 = 0),
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE audit_sealerlease (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    holder text NOT NULL,
    token uuid NOT NULL,
    until timestamptz NOT NULL,
    sealed pg_snapshot,
    exported bigint NOT NULL DEFAULT 0
);
"""

# For each statement, not each row: a statement that row-level security lets match nothing is
# refused as loudly as any other.
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is refused: % is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'The audit log is corrected by appending, never by changing.';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""

# The policy of `protect`, but for inserts without sub-selects: planning them costs a single row
# more than evaluating them does.
CHECK_PLAINLY = """
ALTER POLICY tenantry_isolation ON audit_auditentry WITH CHECK (
    tenant_id = nullif(current_setting('tenantry.tenant', true), '')::uuid
    OR coalesce(current_setting('tenantry.platform', true), '') <> ''
)
"""

UNDO = """
DROP TABLE audit_auditentry, audit_leaf, audit_checkpoint, audit_sealerlease;
DROP FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(ENTRY + TREE + REFUSE, UNDO),
        protect("audit_auditentry"),
        migrations.RunSQL(CHECK_PLAINLY, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("tenant_id", models.UUIDField(null=True)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("action", models.TextField()),
                ("target_kind", models.TextField()),
                ("target_id", models.TextField()),
                ("reason", models.TextField()),
                ("trace_id", models.TextField()),
                ("body", models.TextField()),
                ("salt", models.BinaryField()),
            ],
            options={
                "db_table": "audit_auditentry",
                "ordering": ["-at", "-seq"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("leaf_no", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.UUIDField(unique=True)),
                ("hash", models.BinaryField()),
            ],
            options={"db_table": "audit_leaf", "ordering": ["leaf_no"], "managed": False},
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("tree_size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("frontier", models.BinaryField()),
                ("note", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "audit_checkpoint", "ordering": ["tree_size"], "managed": False},
        ),
        migrations.CreateModel(
            name="SealerLease",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("holder", models.TextField()),
                ("token", models.UUIDField()),
                ("until", models.DateTimeField()),
                ("exported", models.BigIntegerField()),
            ],
            options={"db_table": "audit_sealerlease", "managed": False},
        ),
    ]
