"""From a stranger's address to a live tenant: verdict, code, company, acceptance.

Tables: `onboarding_registration`, `onboarding_decision`, `onboarding_dictionary`.
"""
