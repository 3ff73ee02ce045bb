"""The funnel: which step of its journey each visitor reached, and when.

Table: `funnel_event`. Verb: `record`; reads: `funnel`, `export`.
"""
