"""The fake cafe: a small but real web site that stands in for a cafe in demo, tests and benches.

It runs as its own process with its own storage, knows nothing of the platform, and can be told to
misbehave. `control.Control` steers it, `server.running_site` runs it inside a test,
`visitor.Visitor` walks it without a browser, `python -m tenantry_cafe.fakesite` starts it.
"""
