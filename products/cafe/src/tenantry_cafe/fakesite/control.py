"""The client of the control API: how demo, tests and benches steer the site. Stdlib only."""

import json
import time
import urllib.error
import urllib.request
from typing import Any


class ControlError(Exception):
    """The site refused a control call; `names` lists what it would have accepted."""

    def __init__(self, status: int, message: str, names: list[str]) -> None:
        super().__init__(
            f"{status}: {message}" + (f" (known: {', '.join(names)})" if names else "")
        )
        self.status, self.names = status, names


class Control:
    """Steers the site at `url`. Every method raises `ControlError` when the site refuses."""

    def __init__(self, url: str, token: str, *, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        # The site is on this machine: a proxy of the environment has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _call(self, verb: str, **payload: object) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - the site's own http address
            f"{self.url}/_control/{verb}",
            data=json.dumps(payload).encode(),
            headers={"X-Control-Token": self._token, "Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                problem = json.load(error)
            raise ControlError(error.code, problem["error"], problem.get("names", [])) from None

    def set_fault(
        self, name: str, *, times: int | None = None, account: str | None = None, **options: object
    ) -> dict[str, Any]:
        """Add a fault: for one account or all, for `times` hits or until cleared."""
        given = {**options, "times": times, "account": account}
        return dict(self._call("set_fault", name=name, options=given))

    def clear_faults(self, name: str | None = None) -> None:
        """Forget the faults of that name, or all; held submits go on."""
        self._call("clear_faults", name=name)

    def faults(self) -> list[dict[str, Any]]:
        """List every fault since the last clear, with its `hits` and the `times` left."""
        return list(self._call("faults"))

    def articles(
        self, author: str | None = None, board: str | None = None, *, cafe: str | None = None
    ) -> list[dict[str, Any]]:
        """List stored articles, newest first.

        Each has id, cafe, board, author, nickname, title, body (HTML), images (a count),
        created_at (seconds since the epoch) and url (a path).
        """
        return list(self._call("articles", author=author, board=board, cafe=cafe))

    def add_account(
        self, login: str, password: str, *, level: int = 1, nickname: str | None = None
    ) -> None:
        """Create or replace an account. Level 2 may write where only regular members may."""
        self._call("add_account", login=login, password=password, level=level, nickname=nickname)

    def set_password(self, login: str, password: str) -> None:
        """Change a password; sessions that are open stay open."""
        self._call("set_password", login=login, password=password)

    def expire_sessions(self, account: str) -> int:
        """End every session of the account; how many there were."""
        return int(self._call("expire_sessions", account=account)["ended"])

    def session_lifetime(self, seconds: float) -> None:
        """How long sessions that start from now on live."""
        self._call("session_lifetime", seconds=seconds)

    def latency(self, ms: float) -> None:
        """Make every page, upload and submit take so much longer; 0 ends it."""
        self._call("latency", ms=ms)

    def held(self) -> list[dict[str, str]]:
        """List the submits that `hold_submit` keeps waiting now: account, title, at."""
        return list(self._call("held"))

    def wait_until_held(self, count: int = 1, *, timeout: float = 10.0) -> list[dict[str, str]]:
        """Return once so many submits are held. Raises `TimeoutError` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while len(held := self.held()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(held)} of {count} submits held after {timeout} s")
            time.sleep(0.02)
        return held

    def release(self) -> int:
        """Let every held submit go on; how many there were."""
        return int(self._call("release")["released"])

    def reset(self) -> None:
        """Back to the first day: preset accounts, nothing written, no faults."""
        self._call("reset")
