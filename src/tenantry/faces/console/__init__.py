"""The operators' pages: review, watch, stop, prove.

Owns no tables. `site.console` is an Unfold admin site whose model pages are read-only by their base
class (`listing.ReadOnlyAdmin`); every write is an `acts.Act` that calls one service. `entrance` is
the way in: password, then an authenticator app or a passkey.
"""
