"""What the Makefile needs besides make: small scripts on the standard library."""
