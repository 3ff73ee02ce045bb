"""What a place to run instances must be able to do. Everything is found again by its label.

Verbs are synchronous, have time limits of their own and never run inside a transaction of the
platform's database. Each may raise `DriverError`; creates raise `AlreadyThere` when the label
exists, so that nothing is made twice; removing and locking may be done again at any time.
A verb that was cut off anywhere, even by SIGKILL, can be called again and then completes.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID


class DriverError(Exception):
    """The place did not do it; `code` is one of `failures.Failure`.

    `retryable` says whether the same call may succeed later; `detail` is for operators and holds no
    secret.
    """

    def __init__(self, code: str, *, retryable: bool, detail: str = "") -> None:
        """Remember what is known."""
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = str(code)
        self.retryable = retryable
        self.detail = detail


class AlreadyThere(Exception):
    """Something with this label exists already: find it and adopt it."""

    def __init__(self, label: str) -> None:
        """Remember which."""
        super().__init__(label)
        self.label = label


@dataclass(frozen=True, kw_only=True)
class DatabaseFound:
    """A tenant's database, complete and owned by a role of its own."""

    label: str
    name: str
    user: str
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class InstanceFound:
    """A tenant's instance as its host last saw it.

    `observed` is one of `states.Observed`; `upstream` is `127.0.0.1:PORT`, empty until it is known.
    """

    label: str
    observed: str
    pid: int | None = None
    upstream: str = ""


@runtime_checkable
class ComputeDriver(Protocol):
    """A place where instances run."""

    def template_ready(self, *, recipe: str) -> bool:
        """Say whether databases of this recipe can be made at once."""
        ...

    def create_database(self, *, label: str, recipe: str, password: str) -> DatabaseFound:
        """Make a role and its database, a copy of the recipe's template.

        Raises `AlreadyThere` when it exists and is complete; half of one is completed.
        """
        ...

    def find_database(self, *, label: str) -> DatabaseFound | None:
        """Return the database if it is complete."""
        ...

    def remove_database(self, *, label: str) -> None:
        """Remove database and role, whatever of them there is."""
        ...

    def lock_database(self, *, label: str) -> None:
        """Keep the data, and let nobody sign in to it any more."""
        ...

    def unlock_database(self, *, label: str) -> None:
        """Let its role sign in again."""
        ...

    def create_instance(self, *, label: str, tenant_id: UUID) -> InstanceFound:
        """Ask for a running instance; it may still be starting when this returns."""
        ...

    def find_instance(self, *, label: str) -> InstanceFound | None:
        """Return what is known of the instance; None when it was never made or is removed."""
        ...

    def stop_instance(self, *, label: str) -> None:
        """Ask for its process to end; it may still be ending when this returns."""
        ...

    def start_instance(self, *, label: str) -> None:
        """Ask for its process to run again."""
        ...

    def remove_instance(self, *, label: str) -> None:
        """Ask for process and folder to go; gone is what `find_instance` no longer finds."""
        ...

    def labels(self) -> frozenset[str]:
        """Return every label of which anything exists: databases, roles, instances."""
        ...
