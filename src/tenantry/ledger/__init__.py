"""What happened: append-only books."""
