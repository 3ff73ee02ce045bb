"""News reaches every listener when the transaction commits, and never before."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from tenantry.core import live

PATIENCE = 10


@pytest.fixture
def listener(transactional_db: None) -> Iterator[live.Listener]:
    listening = live.Listener()
    listening.start()
    assert listening.wait_ready(PATIENCE)
    yield listening
    listening.stop()


class Ear:
    def __init__(self) -> None:
        self.heard: list[live.Facts] = []
        self.event = threading.Event()

    def __call__(self, _topic: str, facts: live.Facts) -> None:
        self.heard.append(facts)
        self.event.set()


def test_news_arrives_on_commit_only(listener: live.Listener) -> None:
    ear = Ear()
    listener.on("probe", ear)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        live.notify("probe", word="rolled back")
        raise ZeroDivisionError
    live.notify("other", word="not for us")
    live.notify("probe", word="committed")
    assert ear.event.wait(PATIENCE)
    assert ear.heard == [{"word": "committed"}]


def test_a_lost_connection_is_taken_up_again_and_says_so(listener: live.Listener) -> None:
    ear = Ear()
    listener.on("probe", ear)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query = 'LISTEN tenantry' AND pid <> pg_backend_pid()"
        )
    assert ear.event.wait(PATIENCE)
    assert ear.heard == [{}]
    ear.event.clear()
    live.notify("probe", word="again")
    assert ear.event.wait(PATIENCE)
    assert ear.heard[-1] == {"word": "again"}


def test_who_forgets_hears_no_more(listener: live.Listener) -> None:
    ear, other = Ear(), Ear()
    forget = listener.on("probe", ear)
    listener.on("probe", other)
    forget()
    live.notify("probe")
    assert other.event.wait(PATIENCE)
    assert ear.heard == []
