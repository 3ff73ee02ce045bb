"""Which processes run on one machine and where they listen, whatever listens there already."""

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from tenantry.config import machine
from tenantry.config.machine import Addresses, Site
from tenantry.config.supervision import Child, Crew
from tenantry.sdk import Content, Credentials, Product
from tests.ports import WORKER

NAMES = ["web", "live", "scheduler", "worker", "browser", "gateway", "host-sg", "host-kr"]
SERVE = """
import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


class FakeSite:
    def command(self, *, port: int, data: Path, control_token: str) -> Sequence[str]:
        return ("site", str(port), str(data), control_token)

    def environment(self, *, url: str, control_token: str) -> Mapping[str, str]:
        return {"PROBE_SITE": url, "PROBE_TOKEN": control_token}

    def credentials(self) -> Credentials:
        return Credentials(account="seller", password="hush")

    def content(self, number: int) -> Content:
        return Content(title=f"Post {number}", body="", target="board", digest="d")


PRODUCT = Product(
    slug="probe",
    name="Probe",
    version="0.1.0",
    requires_platform=">=0.1",
    app="probe",
    fake_site=FakeSite(),
)


@pytest.fixture
def base() -> int:
    """The first of six neighbouring ports that nobody listens on, apart from other workers'."""
    first = 25_000 + 1_000 * WORKER
    for port in range(first, first + 1_000, 7):
        with ExitStack() as stack:
            try:
                for offset in range(6):
                    stack.enter_context(socket.create_server(("127.0.0.1", port + offset)))
            except OSError:
                continue
        return port
    pytest.fail("no free ports")


@pytest.fixture(autouse=True)
def state_dir(settings: LazySettings, tmp_path: Path) -> Path:
    settings.STATE_DIR = tmp_path
    return tmp_path


def ports(crew: Crew, addresses: Addresses) -> list[int | None]:
    given = [
        child.command[child.command.index("--port") + 1]
        for child in crew.children
        if child.name in {"web", "live", "gateway"}
    ]
    urls = (addresses.web, addresses.live, addresses.gateway, addresses.sites["probe"].url)
    listened = [urlsplit(url).port for url in urls]
    assert [str(port) for port in listened[:3]] == given
    return listened


def test_wanted_port_is_given_when_it_is_free(base: int) -> None:
    assert machine.free_port(base) == base


def test_taken_ports_are_skipped(base: int) -> None:
    with socket.create_server(("127.0.0.1", base)), socket.create_server(("", base + 1)):
        assert machine.free_port(base) == base + 2


def test_port_of_the_past_is_free_at_once(base: int) -> None:
    with socket.create_server(("127.0.0.1", base)) as server:
        with socket.create_connection(("127.0.0.1", base)):
            server.accept()[0].close()
    assert machine.free_port(base) == base


def test_no_free_port_is_said() -> None:
    with socket.socket() as last:
        try:
            last.bind(("127.0.0.1", 65_535))
            last.listen()
        except OSError:
            pytest.skip("somebody else has the last port")
        with pytest.raises(OSError, match=r"No free port from 65535 to .*: stop what listens"):
            machine.free_port(65_535)


@pytest.mark.parametrize("taken", [(), (0,), (1,), (0, 1), (0, 2)])
def test_everybody_gets_a_port_of_his_own(base: int, taken: tuple[int, ...]) -> None:
    with ExitStack() as stack:
        for offset in taken:
            stack.enter_context(socket.create_server(("127.0.0.1", base + offset)))
        found = ports(*machine.crew(products=[PRODUCT], web_port=base))
    free = [base + offset for offset in range(6) if offset not in taken]
    assert found == free[:4]


def test_every_process_knows_the_addresses_and_shares_the_state(base: int, state_dir: Path) -> None:
    crew, addresses = machine.crew(products=[PRODUCT], web_port=base)
    names = ["fakesite-probe", *NAMES]
    assert [child.name for child in crew.children] == names
    assert [child.log for child in crew.children] == [state_dir / f"logs/{n}.log" for n in names]
    site, *others = crew.children
    url, token = addresses.sites["probe"].url, addresses.sites["probe"].token
    assert len(token) >= 16
    assert site.environment == {"PROBE_SITE": url, "PROBE_TOKEN": token}
    assert site.command == ("site", str(base + 3), str(state_dir / "fakesite-probe"), token)
    expected = {
        "BASE_URL": addresses.web,
        "LIVE_URL": addresses.live,
        "GATEWAY_URL": addresses.gateway,
        "TENANTRY_STATE_DIR": str(state_dir),
        "PROBE_SITE": url,
        "PROBE_TOKEN": token,
    }
    assert [child.environment for child in others] == [expected] * len(NAMES)


def test_without_a_product_there_is_no_site(base: int) -> None:
    crew, addresses = machine.crew(products=[], web_port=base)
    assert [child.name for child in crew.children] == NAMES
    assert addresses.sites == {}


@pytest.fixture
def server(base: int, tmp_path: Path) -> Iterator[Crew]:
    """A crew of one that answers at two addresses, and 404 at the third."""
    command = (sys.executable, "-c", SERVE, str(base))
    (tmp_path / "health").mkdir()
    crew = Crew(
        children=[Child(name="web", command=command, environment={}, log=tmp_path / "web.log")]
    )
    with machine.running(crew):
        yield crew


def test_ready_is_when_all_answer(server: Crew, base: int) -> None:
    here = f"http://127.0.0.1:{base}"
    site = Site(url=here, token="")
    machine.wait_ready(server, Addresses(web=here, live=here, gateway=here, sites={"a": site}))
    log = server.children[0].log.read_text()
    assert log.count('"GET /health/ HTTP/1.1"') == 2


def test_dead_process_is_started_again_while_waiting(server: Crew, base: int) -> None:
    here = f"http://127.0.0.1:{base}"
    server.kill("web")
    machine.wait_ready(server, Addresses(web=here, live=here, gateway=here))
    assert server.children[0].starts == 2


def test_who_does_not_answer_is_named(
    server: Crew, base: int, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_READY_SECONDS", 1.0)
    web, live = f"http://127.0.0.1:{base}", f"http://127.0.0.1:{base + 1}"
    began = time.monotonic()
    with pytest.raises(TimeoutError) as refusal:
        machine.wait_ready(server, Addresses(web=web, live=live, gateway=web))
    assert str(refusal.value) == f"{live}/health/ did not answer: see {state_dir / 'logs'}."
    assert time.monotonic() - began < 10


def test_crew_is_stopped_however_the_block_ends(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    child = Child(name="web", command=command, environment={}, log=tmp_path / "web.log")
    with pytest.raises(KeyError), machine.running(Crew(children=[child])) as crew:
        assert child.alive()
        raise KeyError(json.dumps("planted"))
    assert child.alive() is False
    assert crew.ended
