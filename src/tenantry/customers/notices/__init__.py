"""What people are told: notices in the portal, and mails that leave through an outbox.

Tables: `notices_notice`, `notices_mail` (the outbox) and `notices_captured` (the built-in mailbox).
Verbs: `notify`, `mark_read`, `send_mail`, `deliver`, `retry_mail`.
"""
