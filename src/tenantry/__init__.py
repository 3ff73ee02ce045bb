"""Tenantry: a platform for running an operated SaaS."""
