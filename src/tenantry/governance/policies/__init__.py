"""Operators' numbers and rules, and counters."""
