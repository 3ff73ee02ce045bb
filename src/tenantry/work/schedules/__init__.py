"""Schedules and their slots: what is due, whether it may run, and why not.

Tables: Schedule, Slot. The brain is pure: `rule` says when, `gates` says whether. `dispatch`
decides due slots in batches, `scheduling` is the process that sleeps between them. The verbs are in
`services` (make, edit, turn on and off, approve, reject, suspend, ban, run now), the reads in
`queries`.
"""
