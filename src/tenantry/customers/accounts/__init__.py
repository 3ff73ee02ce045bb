"""People, how they sign in, and what operators may do.

Tables: `accounts_user`, `accounts_signincode`. Customers sign in with a code by e-mail
(`request_code`, `redeem_code`); strangers prove an address with one (`prove_address`); operators
have password and second factor, in the console.
"""
