"""The door of all tenants' instances: routes by host name, and tickets that sign people in.

Tables: `gateway_route`, `gateway_ticket`. Verbs: `put_route`, `remove_routes`, `issue_ticket`,
`redeem_ticket`. `server` serves the routes itself, `caddy` renders them for Caddy.
"""
