"""Gates: pure questions whose answers are recorded, shown, simulated and explained alike.

A chain evaluates *all* its gates; the first closed one is the primary reason. What each code means
to a person is declared once in `GateTexts` of the room that owns the chain.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tenantry.core.errors import Text

Fact = str | int | bool | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One gate's answer: open or closed, its code, and the facts that decided it."""

    gate: str
    code: str
    open: bool
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the stored form."""
        return {"gate": self.gate, "code": self.code, "open": self.open, "facts": dict(self.facts)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Verdict":
        """Read the stored form back."""
        facts = data.get("facts")
        return cls(
            gate=str(data["gate"]),
            code=str(data["code"]),
            open=bool(data["open"]),
            facts=facts if isinstance(facts, Mapping) else {},
        )


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a code says to a person: cause, and what would open the gate."""

    message: Text
    remedy: Text


InputT = TypeVar("InputT")


def evaluate(gates: Iterable[Callable[[InputT], Verdict]], given: InputT) -> tuple[Verdict, ...]:
    """Ask every gate, in order; no gate sees another's answer."""
    return tuple(gate(given) for gate in gates)


def first_closed(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the primary reason, or None when every gate is open."""
    return next((verdict for verdict in verdicts if not verdict.open), None)
