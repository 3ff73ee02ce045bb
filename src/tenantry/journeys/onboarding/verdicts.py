"""What an address is to a trial: six pure gates over evidence, and the strictest answer wins."""

from collections.abc import Mapping
from dataclasses import dataclass

from tenantry.core.gates import Verdict
from tenantry.journeys.onboarding.states import Outcome, VerdictKind


@dataclass(frozen=True, kw_only=True)
class TrialVerdict:
    """The kind of an address, what becomes of it, the code that counts, and every gate's answer."""

    kind: VerdictKind
    outcome: Outcome
    code: str
    verdicts: tuple[Verdict, ...]
    list_versions: Mapping[str, str]
