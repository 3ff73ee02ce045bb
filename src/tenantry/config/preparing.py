"""Making products' recipes ready on this machine, told so that a person can follow it."""

import time
from collections.abc import Callable

from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.local import templates
from tenantry.sdk.recipe import Progress, Recipe, RecipeFailed

# A line is told for each new tenth of the work.
_TELL_EVERY = 0.1


def prepare(recipe: Recipe, *, tell: Callable[[str], object]) -> None:
    """Install an application and build its template, where that was not done yet.

    Whoever else makes the same ready is waited for. Refuses: `RecipeFailed`.
    """
    began, told = time.monotonic(), 0

    def say(text: str) -> None:
        nonlocal told
        told += 1
        tell(f"{recipe.label}: {text}")

    try:
        templates.make_ready(recipe, _followed(say))
    except DriverError as error:
        raise RecipeFailed(detail=error.detail or error.code) from error
    done = f"ready after {time.monotonic() - began:.1f} s" if told else "ready, it was there"
    say(f"{done} ({recipe.version})")


def _followed(say: Callable[[str], None]) -> Progress:
    shown = 2.0

    def progress(what: str, share: float) -> None:
        nonlocal shown
        # A smaller share than before begins another part of the work.
        if share == shown or (shown < share < min(shown + _TELL_EVERY, 1.0)):
            return
        shown = share
        say(f"{share:4.0%} {what}")

    return progress
