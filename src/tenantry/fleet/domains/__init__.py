"""Host names of tenants: the canonical one, and later their own.

Table: `domains_domain`. Verbs: `claim_canonical`, `activate_domain`, `release_domains`.
"""
