"""The audit log: what happened, in order, in a book that cannot be rewritten unseen.

Tables: `audit_auditentry`, `audit_leaf`, `audit_checkpoint`, `audit_sealerlease`.
Verbs: `services.append` and `services.APPEND_FROM` write; `lifecycle.transition` moves states and
writes; `sealer.run_sealer` seals; `verify.verify` proves; `queries` reads.

Entries are appended in the business transaction without any lock. One sealer numbers what was
committed, extends an RFC 6962 Merkle tree and signs its root; the signed roots and all leaf hashes
leave the database for the object store, where they are written once.
"""
