"""How often the way in may be tried: counted in PostgreSQL, for all processes together.

allauth's own limiter counts per process and is not atomic; it stays as a first fence.
"""

from datetime import datetime

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.networks import network_of
from tenantry.customers.accounts.queries import canonical
from tenantry.governance.policies import services as counters

PASSWORDS_PER_ADDRESS_HOUR = 10
PASSWORDS_PER_NETWORK_HOUR = 30
CODES_PER_PERSON_HOUR = 10
_HOUR = "%Y-%m-%dT%H"
_REASON = "limit operators' sign-ins"


def admit_password(*, email: str, network: str, now: datetime) -> bool:
    """Count one try of a password for an address from a network; say whether it may be made."""
    address = keyed_hash("console.address", canonical(email)).hex()
    window = now.strftime(_HOUR)
    with tenancy.platform(_REASON):
        return counters.reserve(
            key=f"console.network:{network_of(network)}",
            window=window,
            limit=PASSWORDS_PER_NETWORK_HOUR,
        ) and counters.reserve(
            key=f"console.address:{address}", window=window, limit=PASSWORDS_PER_ADDRESS_HOUR
        )


def admit_code(*, user: User, now: datetime) -> bool:
    """Count one try of a second factor; say whether it may be made."""
    with tenancy.platform(_REASON):
        return counters.reserve(
            key=f"console.code:{user.id}", window=now.strftime(_HOUR), limit=CODES_PER_PERSON_HOUR
        )


def spend_code(*, user: User, code: str) -> bool:
    """Mark a code as used by a person; say whether it was the first time.

    RFC 6238 section 5.2: a code is accepted once, also when two processes see it together.
    """
    used = keyed_hash("console.used_code", str(user.id), "".join(code.split())).hex()
    with tenancy.platform(_REASON):
        return counters.reserve(key=f"console.used_code:{used}", window="once", limit=1)
