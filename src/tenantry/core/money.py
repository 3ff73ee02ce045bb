"""Amounts of money: whole minor units with an ISO 4217 currency, never floats."""

import re
from dataclasses import dataclass
from decimal import Decimal

_CURRENCY = re.compile(r"^[A-Z]{3}$")
# ISO 4217: digits after the point, where it is not two.
_EXPONENTS = {"KRW": 0, "JPY": 0, "VND": 0, "BHD": 3, "KWD": 3}


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount in minor units (cents, won) of one currency."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse a currency that is not three capital letters."""
        if not _CURRENCY.match(self.currency):
            reason = f"{self.currency!r} is not an ISO 4217 currency code"
            raise ValueError(reason)

    def __add__(self, other: "Money") -> "Money":
        """Add two amounts of one currency; a mix is a ValueError."""
        if other.currency != self.currency:
            reason = f"cannot add {other.currency} to {self.currency}"
            raise ValueError(reason)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __str__(self) -> str:
        """Show the amount in major units with its currency, as in `12.50 SGD`."""
        digits = _EXPONENTS.get(self.currency, 2)
        return f"{Decimal(self.amount).scaleb(-digits):.{digits}f} {self.currency}"
