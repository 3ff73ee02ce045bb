"""The running site: its store, its faults, its clock, and the ways a request is made to wait."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from django.template import Context, Engine

from tenantry_cafe.fakesite.catalogue import DEFAULT_PASSWORD
from tenantry_cafe.fakesite.faults import Fault, FaultBoard
from tenantry_cafe.fakesite.store import Session, Store
from tenantry_cafe.fakesite.web import (
    ClientGone,
    Connection,
    Refusal,
    Request,
    Response,
    html_response,
    make_cookie,
)

SESSION_COOKIE = "cafe_session"
CSRF_COOKIE = "cafe_csrf"
DEFAULT_LIFETIME = 30 * 24 * 3600.0
_GLANCE = 0.02  # seconds between two looks at whether a waiting client is still there
_HERE = Path(__file__).parent
_ENGINE = Engine(dirs=[str(_HERE / "templates")], autoescape=True)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A CAPTCHA or code that a person has to answer before `target` is reached."""

    kind: str
    login: str
    answer: str
    target: str
    session_token: str = ""


@dataclass(kw_only=True)
class Hold:
    """A submit that waits for control's release."""

    account: str
    title: str
    at: str
    released: threading.Event


class Site:
    """Everything the pages share. `lifetime` of a session and `latency` of an answer in seconds."""

    def __init__(
        self,
        folder: Path,
        *,
        token: str,
        password: str = DEFAULT_PASSWORD,
        lifetime: float = DEFAULT_LIFETIME,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = Store(folder, password=password)
        self.faults = FaultBoard()
        self.now = clock
        self.stopping = threading.Event()
        self._token = token
        self._first_lifetime = lifetime
        self.lifetime = lifetime
        self.latency = 0.0
        self._challenges: dict[str, Challenge] = {}
        self._holds: list[Hold] = []
        self._lock = threading.Lock()

    def is_control_token(self, given: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(given.encode(), self._token.encode())

    def close(self) -> None:
        """Let go of whoever waits and close the store."""
        self.stopping.set()
        self.release_holds()
        self.store.close()

    def reset(self) -> None:
        """Back to the first day, faults and settings included; whoever waits is let go."""
        self.faults.clear()
        self.release_holds()
        self.store.reset()
        self.lifetime, self.latency = self._first_lifetime, 0.0
        with self._lock:
            self._challenges.clear()

    # Sessions and forms

    def session_of(self, request: Request) -> Session | None:
        """Find the live session that the request carries."""
        token = request.cookie(SESSION_COOKIE)
        return self.store.find_session(token, now=self.now()) if token else None

    def session_cookie(self, token: str) -> tuple[str, str]:
        """Make the Set-Cookie header of a new session."""
        expires = formatdate(self.now() + self.lifetime, usegmt=True)
        return make_cookie(SESSION_COOKIE, token, max_age=int(self.lifetime), expires=expires)

    def check_csrf(self, request: Request, given: str) -> None:
        """Raise `Refusal` (403) unless the form carries the token of the visitor's own cookie."""
        expected = request.cookie(CSRF_COOKIE)
        if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
            raise Refusal(
                403, "csrf_failed", "페이지가 오래되었습니다. 새로 고친 뒤 다시 시도해 주세요."
            )

    def page(
        self, request: Request, template: str, status: int = 200, /, **values: object
    ) -> Response:
        """Render a page of the site for whoever is asking."""
        csrf = request.cookie(CSRF_COOKIE)
        fresh = not csrf
        csrf = csrf or secrets.token_urlsafe(24)
        session = self.session_of(request)
        context = Context(
            {"csrf_token": csrf, "me": session.account if session else None, **values},
            use_l10n=False,
            use_tz=False,
        )
        response = html_response(_ENGINE.get_template(template).render(context), status)
        if fresh:
            year = 365 * 24 * 3600
            expires = formatdate(self.now() + year, usegmt=True)
            response.headers.append(make_cookie(CSRF_COOKIE, csrf, max_age=year, expires=expires))
        return response

    # Challenges

    def open_challenge(self, challenge: Challenge) -> str:
        """Remember a challenge and return its key."""
        key = secrets.token_hex(16)
        with self._lock:
            self._challenges[key] = challenge
        return key

    def find_challenge(self, key: str, kind: str) -> Challenge | None:
        """Find an open challenge of that kind."""
        with self._lock:
            challenge = self._challenges.get(key)
        return challenge if challenge is not None and challenge.kind == kind else None

    def close_challenge(self, key: str) -> None:
        """Forget a challenge; its key opens nothing any more."""
        with self._lock:
            self._challenges.pop(key, None)

    # Waiting

    def wait(self, seconds: float, connection: Connection) -> None:
        """Keep the client waiting. Raises `ClientGone` as soon as it gives up, or on shutdown."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.stopping.wait(min(left, _GLANCE)) or connection.is_gone():
                raise ClientGone

    def hold(self, fault: Fault, *, account: str, title: str, connection: Connection) -> None:
        """Keep a submit until `release_holds`.

        Raises `ClientGone` where the client's leaving ends it, `Refusal` (503) when nobody
        releases it in time.
        """
        hold = Hold(account=account, title=title, at=fault.text("at"), released=threading.Event())
        keeps = hold.at == "before" and fault.text("abandoned") == "keep"
        with self._lock:
            self._holds.append(hold)
        deadline = time.monotonic() + fault.number("seconds")
        try:
            while not hold.released.wait(_GLANCE):
                if not keeps and connection.is_gone():
                    raise ClientGone
                if time.monotonic() > deadline:
                    raise Refusal(503, "server_error", "잠시 후 다시 시도해 주세요.")
        finally:
            with self._lock:
                self._holds.remove(hold)
        if self.stopping.is_set():
            raise ClientGone

    def release_holds(self) -> int:
        """Let every held submit go on; how many there were."""
        with self._lock:
            holds = list(self._holds)
        for hold in holds:
            hold.released.set()
        return len(holds)

    def describe_holds(self) -> list[dict[str, str]]:
        """List the submits that are held now."""
        with self._lock:
            return [{"account": h.account, "title": h.title, "at": h.at} for h in self._holds]
