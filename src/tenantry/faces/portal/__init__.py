"""The customers' pages: sign-in, home, connections, schedules, runs, evidence, notices.

Owns no tables. Every page of a tenant is made by `access.tenant_page`; the pages of products are
mounted below it by `sections`.
"""
