"""Durable runs that make, stop and archive tenants' instances, and prove them ready.

Tables: `provisioning_run`, `_step`, `_logline`, `_instance`, `_condition`. Verbs: `start_run`,
`cancel_run`, `retry_run`; hosts write with `instances.observe`. A run has `steps`, which are taken
by `engine` in `turns` under a lease; `retry` and `readiness` decide; `watching` looks after it.
"""
