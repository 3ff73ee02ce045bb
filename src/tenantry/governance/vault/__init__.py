"""Secrets of tenants, each encrypted for its row, its tenant and its purpose.

Table: `vault_secret`. Verbs: `put`, `open_secret`, `replace`, `destroy`, `reseal`. What is opened
is for the moment of use: never stored, logged or shown.
"""
