"""A Django database engine: PostgreSQL from the state folder, started by the first connection."""
