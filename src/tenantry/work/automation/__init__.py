"""Automation: connections to outside accounts, their sessions, and the jobs that run on them.

Tables: Connection, Job, Attempt, Evidence, ProcessBeat. Verbs are in `services`, reads in
`queries`. The lane of a connection drains its jobs one after another in one browser context; what
ended is published as `messages.JobEnded` and `messages.SessionChanged`.
"""
