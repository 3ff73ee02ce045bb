"""Automation: connections, sessions, jobs, lanes and evidence."""
