"""Durable runs that make, stop and archive tenants' instances, and prove them ready.

Tables: `provisioning_run`, `_step`, `_logline`, `_instance`, `_condition`. Verbs: `start_run`,
`cancel_run`, `retry_run`.
"""
