"""Runbooks that run: each looks, says what it finds, and mends what it may.

One module per page of `docs/runbooks` of the same name, with `play`, a generator of `Finding`s. A
dry run looks at the same things and changes nothing.
"""
