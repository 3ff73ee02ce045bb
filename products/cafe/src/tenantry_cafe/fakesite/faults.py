"""The faults the site can be told to have: a closed list, each with typed options."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_TYPE_NAMES = {str: "a text", int: "a whole number", float: "a number"}

Value = str | int | float

# Where a request belongs. `page` is every reading page; static files and images never misbehave.
STEPS = ("page", "login", "write", "upload", "submit")


class FaultRefused(Exception):
    """A fault that cannot be set; `names` lists what would have been accepted."""

    def __init__(self, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message)
        self.names = names


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a fault. Its type is that of the default; numbers are never negative."""

    default: Value
    choices: tuple[str, ...] = ()


def _where(default: str, *choices: str) -> Mapping[str, Option]:
    return {"where": Option(default=default, choices=choices)}


_ANYWHERE = ("any", *STEPS)

KINDS: Mapping[str, Mapping[str, Option]] = MappingProxyType(
    {
        # The write page comes with another editor: other ids, classes and structure.
        "ui_changed": {},
        # A CAPTCHA stands between the password and the session, or before the write page.
        "captcha": _where("write", "login", "write"),
        # A six-digit code is asked for after the right password.
        "two_factor": {"code": Option(default="246810")},
        "slow_upload": {"seconds": Option(default=5.0)},
        "slow_page": {"seconds": Option(default=5.0), **_where("any", *_ANYWHERE)},
        "upload_refused": {},
        # The article is refused with a reason, as a forbidden-words filter does.
        "submit_refused": {},
        "rate_limit": {"retry_after": Option(default=60), **_where("any", *_ANYWHERE)},
        "permission_denied": _where("any", "any", "write", "submit"),
        "server_error": _where("any", *_ANYWHERE),
        # The session is dropped the moment the request arrives.
        "logout_mid_post": _where("submit", "upload", "submit"),
        # The article is stored; the answer never comes, or is a 504 after so many seconds.
        "accept_then_timeout": {"seconds": Option(default=120.0)},
        # The connection is reset (TCP RST). `page` means any page, also login and write.
        # A browser silently sends a request again, even a POST, when a reused connection is reset
        # before any answer; so an interim answer goes first, unless `resend` is allowed.
        "network_cut": {
            "step": Option(
                default="page",
                choices=("page", "login", "write", "upload", "submit_before", "submit_after"),
            ),
            "resend": Option(default="prevent", choices=("prevent", "allow")),
        },
        # The submit waits, before or after storing, until control releases it. If the client goes
        # away while it waits before storing, the article is dropped, or kept for the release.
        "hold_submit": {
            "at": Option(default="before", choices=("before", "after")),
            "abandoned": Option(default="drop", choices=("drop", "keep")),
            "seconds": Option(default=300.0),
        },
    }
)


@dataclass(kw_only=True)
class Fault:
    """A fault that is set: for one account or all, `times` more hits or without end."""

    name: str
    options: Mapping[str, Value]
    account: str | None = None
    times: int | None = None
    hits: int = 0

    def text(self, option: str) -> str:
        """Give an option as a text."""
        return str(self.options[option])

    def number(self, option: str) -> float:
        """Give an option as a number."""
        return float(self.options[option])

    def describe(self) -> dict[str, object]:
        """Show the fault as control sees it."""
        return {
            "name": self.name,
            "options": dict(self.options),
            "account": self.account,
            "times": self.times,
            "hits": self.hits,
        }


def build_fault(name: str, given: Mapping[str, object]) -> Fault:
    """Make a fault of what control sent; `FaultRefused` for an unknown name, option or value."""
    kinds = KINDS.get(name)
    if kinds is None:
        raise FaultRefused(f"unknown fault {name!r}", tuple(KINDS))
    known = (*kinds, "times", "account")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise FaultRefused(f"{name} has no option {unknown[0]!r}", known)
    times, account = given.get("times"), given.get("account")
    if times is not None and (type(times) is not int or times < 1):
        raise FaultRefused("times must be a whole number from 1 up", known)
    if account is not None and not isinstance(account, str):
        raise FaultRefused("account must be a text", known)
    options = {key: _read(key, option, given) for key, option in kinds.items()}
    return Fault(name=name, options=MappingProxyType(options), account=account, times=times)


def _read(key: str, option: Option, given: Mapping[str, object]) -> Value:
    value = given.get(key, option.default)
    wanted = type(option.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted or not isinstance(value, str | int | float):
        raise FaultRefused(f"{key} must be {_TYPE_NAMES[wanted]}", option.choices)
    if option.choices and value not in option.choices:
        raise FaultRefused(f"{key} cannot be {value!r}", option.choices)
    if not isinstance(value, str) and not 0 <= value < float("inf"):
        raise FaultRefused(f"{key} must not be negative or endless", ())
    return value


@dataclass
class FaultBoard:
    """The faults set now; safe between threads, a limited fault is never taken too often."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Set a fault; several of one name are tried in the order of their setting."""
        with self._lock:
            self._faults.append(fault)

    def clear(self, name: str | None = None) -> None:
        """Forget the faults of that name, or all."""
        with self._lock:
            self._faults = [f for f in self._faults if name is not None and f.name != name]

    def describe(self) -> list[dict[str, object]]:
        """Every fault set since the last clear, spent ones included (their `times` is 0)."""
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def take(self, name: str, account: str | None, **match: tuple[str, ...]) -> Fault | None:
        """Hit the first live fault of that name for the account whose options match."""
        with self._lock:
            for fault in self._faults:
                if fault.name != name or fault.times == 0:
                    continue
                if fault.account is not None and fault.account != account:
                    continue
                if any(fault.options[key] not in allowed for key, allowed in match.items()):
                    continue
                fault.hits += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
