"""Handlers of this room's messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.customers.notices import services
from tenantry.customers.notices.messages import SendMail


@handles(SendMail)
def send_mail(command: SendMail) -> None:
    """Send one mail; back-off and giving up are the outbox's own."""
    services.deliver(mail_id=command.mail_id, now=clock.now())
