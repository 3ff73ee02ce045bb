"""A Django database engine: PostgreSQL whose pool outlives a restart of the server."""
