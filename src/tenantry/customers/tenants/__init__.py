"""Tenants, and who belongs to them in which role.

Tables: `tenants_tenant`, `tenants_membership`. Verbs: `create_tenant`, `move_tenant`,
`add_member`; reads: `list_for_user`, `get_for_user`, `get_owner`, `recipients`. What a company may
do in each state is in `capabilities`.
"""
