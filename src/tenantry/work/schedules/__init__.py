"""Schedules, slots and decisions."""
