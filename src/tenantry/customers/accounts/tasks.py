"""Handlers of this room's messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.customers.accounts import services
from tenantry.customers.accounts.messages import ForgetOldCodes, SendSignInCode


@handles(SendSignInCode)
def send_sign_in_code(command: SendSignInCode) -> None:
    """Make and mail the code of one request."""
    services.issue_code(
        request_id=command.request_id,
        email=command.email,
        browser_hash=command.browser_hash,
        language=command.language,
        purpose=command.purpose,
        now=clock.now(),
    )


@handles(ForgetOldCodes, every="37 3 * * * 0")
def forget_old_codes(_command: ForgetOldCodes) -> None:
    """Clear the codes of past days, once a night."""
    services.forget_old_codes()
