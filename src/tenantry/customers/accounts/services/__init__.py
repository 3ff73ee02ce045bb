"""The verbs of this room, one module per topic: import them from here."""

from tenantry.customers.accounts.services.codes import (
    CODE_MINUTES,
    CodeAnswer,
    check_code,
    forget_old_codes,
    issue_code,
    prove_address,
    redeem_code,
    request_code,
)
from tenantry.customers.accounts.services.links import (
    LINK_HOURS,
    find_link,
    issue_link,
    redeem_link,
)
from tenantry.customers.accounts.services.people import (
    admit,
    create_user,
    set_language,
    set_operator_role,
    set_password,
)

__all__ = [
    "CODE_MINUTES",
    "LINK_HOURS",
    "CodeAnswer",
    "admit",
    "check_code",
    "create_user",
    "find_link",
    "forget_old_codes",
    "issue_code",
    "issue_link",
    "prove_address",
    "redeem_code",
    "redeem_link",
    "request_code",
    "set_language",
    "set_operator_role",
    "set_password",
]
