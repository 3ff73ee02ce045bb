"""People, how they sign in, and what operators may do.

Tables: `accounts_user`, `accounts_signincode`. Customers sign in with a code by e-mail
(`request_code`, `redeem_code`); operators with password and second factor, in the console.
"""
