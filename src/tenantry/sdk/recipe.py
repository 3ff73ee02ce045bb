"""How a product's instance is made, started, recognised and entered: one recipe per product.

A recipe knows the application; the platform knows machines, databases, names and processes. Every
verb may run twice, and may be cut off anywhere: done again, it must end in the same state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, Text, Unavailable

# What is being done, and the share of the whole that is done: 0.0 to 1.0, measured, not guessed.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one instance takes of its host: MiB of memory and disk, thousandths of a processor."""

    memory_mb: int
    cpu_milli: int
    disk_mb: int


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """One PostgreSQL database, and the role that owns what is in it."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose instance it is. `host` is the canonical host name, `url` what people open."""

    tenant_id: UUID
    short_id: str
    company: str
    host: str
    url: str
    language: str
    owner_email: str
    owner_name: str


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """The secrets of one instance; they live in the vault."""

    admin: str = field(repr=False)
    owner: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What the host runs: a command, its whole environment, and files of its folder.

    `files` maps relative paths to their text; they are written for the owner's eyes only.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)
    files: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a browser must hold to be signed in to an instance, and the path to open then.

    Cookies are for this host and `cookie_path` only, and never for scripts.
    """

    path: str = "/"
    cookie_path: str = "/"
    local_storage: Mapping[str, str] = field(repr=False, default_factory=dict)
    cookies: Mapping[str, str] = field(repr=False, default_factory=dict)


class InstanceUnreachable(Unavailable):
    """Nothing answers where the instance should be."""

    code = "instance_unreachable"
    message = _("The instance does not answer.")
    remedy = _("Wait a minute: a stopped instance is started again by itself.")


class InstanceRefused(DomainError):
    """The instance answers, and does not let this account in."""

    code = "instance_refused"
    message = _("The instance did not let this account in.")
    remedy = _("Ask the operators: the account's password must be set again.")


class RecipeFailed(Unavailable):
    """The application could not be installed, its template not built, or a copy not settled."""

    code = "recipe_failed"
    message = _("The application could not be made ready: %(detail)s")
    remedy = _("Mend what it names; the host then tries again by itself.")


@runtime_checkable
class Recipe(Protocol):
    """One kind of instance. `url` says where to connect, `host` which Host header to send.

    `prepare`, `build_template` and `settle` raise `RecipeFailed`, with a detail free of secrets.

    `identity_of` and `sign_in` raise `InstanceUnreachable` when nothing answers, `sign_in` raises
    `InstanceRefused` when the account is not let in.
    """

    @property
    def slug(self) -> str:
        """Return its name, lower-case."""
        ...

    @property
    def label(self) -> Text:
        """Return its name for people."""
        ...

    @property
    def version(self) -> str:
        """Return what names the template database; it changes when that must be built anew."""
        ...

    @property
    def needs(self) -> Needs:
        """Return what one instance takes."""
        ...

    def prepare(self, *, folder: Path, progress: Progress) -> None:
        """Put the application itself into a folder, shared by all its instances."""
        ...

    def build_template(self, *, folder: Path, database: DatabaseAccess, progress: Progress) -> None:
        """Fill an empty database with what every instance starts from."""
        ...

    def settle(
        self,
        *,
        folder: Path,
        database: DatabaseAccess,
        identity: Identity,
        passwords: Passwords,
    ) -> None:
        """Make a copy of the template this tenant's own: company, administrator, owner."""
        ...

    def launch(
        self,
        *,
        folder: Path,
        workdir: Path,
        database: DatabaseAccess,
        port: int,
        identity: Identity,
    ) -> Launch:
        """Return how the instance's process is started, listening on 127.0.0.1:`port`."""
        ...

    def identity_of(self, *, url: str, host: str) -> str:
        """Return the short id that the running application itself states; "" for none."""
        ...

    def sign_in(self, *, url: str, host: str, database: str, account: str, password: str) -> Entry:
        """Sign an account in and return what its browser needs."""
        ...
