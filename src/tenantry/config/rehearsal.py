"""A tampered copy of the audit log: made, verified, thrown away."""

from collections.abc import Sequence

from django.db import transaction
from psycopg import sql

from tenantry.core import db, tenancy
from tenantry.ledger.audit import verify as verifier

_TABLES = ("audit_auditentry", "audit_leaf", "audit_checkpoint")


def tampered_copy() -> Sequence[str]:
    """Verify a copy of the log in which the text of one entry was changed; return what was found.

    The copy lives in temporary tables, which shadow the real ones for this transaction only.
    """
    with transaction.atomic(), tenancy.platform("verify a tampered copy of the audit log"):
        connection = db.raw()
        for table in map(sql.Identifier, _TABLES):
            copy = "CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS SELECT * FROM public.{table}"
            connection.execute(sql.SQL(copy).format(table=table))
        connection.execute(
            "UPDATE audit_auditentry SET reason = 'nothing to see here' WHERE id ="
            " (SELECT entry_id FROM audit_leaf ORDER BY leaf_no DESC LIMIT 1)"
        )
        report = verifier.verify(connection, patience=0)
    return [str(finding) for finding in report.findings]
