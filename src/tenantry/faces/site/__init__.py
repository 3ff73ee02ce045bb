"""The pages for whoever is not a customer yet: a trial from the address to the live instance.

Owns no tables. A visitor is known by the signed cookie of `core.journey`; the registration's state
says which page is his. Sessions are opened by the portal alone.
"""
