"""Machines that carry tenants: their capacity, and who holds how much of it.

Tables: `hosts_host`, `hosts_lease`. Verbs: `register_host`, `reserve`, `confirm`, `release`.
"""
