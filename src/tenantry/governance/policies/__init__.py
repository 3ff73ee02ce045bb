"""Operators' numbers and rules, effective without a redeploy, and counters against limits.

Tables: `policies_policy` (append-only versions) and `policies_counter`. Verbs: `set_policy`,
`reserve`, `release`; reads: `value`, `number`, `choice`, `flag`, `version`, `used`.
"""
