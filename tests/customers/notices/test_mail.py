"""The outbox: every mail leaves once, or waits, or is given up for all to see; none is lost."""

import smtplib
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core import clock, tenancy
from tenantry.customers.notices import backoff, queries, services
from tenantry.customers.notices.errors import MailNotFailed
from tenantry.customers.notices.models import Mail
from tenantry.customers.notices.states import MailState
from tests.customers.notices.mail_servers import Recording
from tests.probes import database_text, handle_messages

CODE = "BCDF-GHJK"
TO = "person@hanbit.example"
SERVERS = "tests.customers.notices.mail_servers"
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


def send(now: datetime, *, key: str = "one", language: str = "en") -> UUID:
    return services.send_mail(
        to=TO,
        language=language,
        template="sign_in_code",
        facts={"code": CODE, "minutes": 10},
        dedupe_key=key,
        now=now,
    )


def stored(mail_id: UUID) -> Mail:
    with tenancy.platform("look"):
        return Mail.objects.get(id=mail_id)


def test_mail_reaches_the_built_in_mailbox(now: datetime) -> None:
    mail_id = send(now)
    handle_messages()

    (captured,) = queries.list_captured(to=TO)
    assert captured.letter.subject == f"Your sign-in code: {CODE}"
    assert captured.letter.text.splitlines()[2].strip() == CODE
    assert f">{CODE}</p>" in captured.letter.html
    assert list(queries.list_captured(to="somebody@else.example")) == []
    mail = stored(mail_id)
    assert (mail.state, mail.sealed, mail.attempts) == (MailState.SENT, None, 0)


def test_content_is_never_readable_in_the_database(now: datetime) -> None:
    send(now)
    assert TO in database_text()
    assert CODE not in database_text()

    handle_messages()
    assert queries.list_captured(to=TO).count() == 1
    assert CODE not in database_text()


def test_language_we_do_not_speak_becomes_the_first(now: datetime) -> None:
    mail_id = send(now, language="tlh-Qo'noS")

    assert stored(mail_id).language == "en"


def test_same_key_is_sent_once(now: datetime) -> None:
    first, second = send(now), send(now)
    handle_messages()

    assert first == second
    assert queries.list_captured().count() == 1


def test_message_twice_sends_once(now: datetime) -> None:
    mail_id = send(now)
    handle_messages()
    services.deliver(mail_id=mail_id, now=now)

    assert queries.list_captured().count() == 1


def test_sending_of_one_mail_is_locked(now: datetime) -> None:
    mail_id = send(now)

    with connection.cursor() as cursor:
        cursor.execute("SELECT lock FROM procrastinate_jobs WHERE status = 'todo'")
        assert cursor.fetchall() == [(f"mail:{mail_id}",)]


def test_mail_is_not_sent_when_the_transaction_is_undone(now: datetime) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        send(now)
        raise RuntimeError

    assert handle_messages() == 0


@pytest.mark.parametrize("server", ["Busy", "Gone"])
def test_refused_mail_is_tried_again_later(
    now: datetime, settings: LazySettings, server: str
) -> None:
    mailbox, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{SERVERS}.{server}"
    mail_id = send(now)
    handle_messages()

    mail = stored(mail_id)
    assert (mail.state, mail.attempts) == (MailState.QUEUED, 1)
    assert mail.last_error.startswith(("SMTPServerDisconnected", "ConnectionRefusedError"))
    assert handle_messages(due=clock.now()) == 0

    settings.EMAIL_BACKEND = mailbox
    assert handle_messages(due=clock.now() + DAY) == 1
    assert stored(mail_id).state == MailState.SENT
    assert queries.list_captured(to=TO).count() == 1


def test_mail_is_given_up_in_the_end_and_keeps_its_content(
    now: datetime, settings: LazySettings
) -> None:
    mailbox, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{SERVERS}.Busy"
    mail_id = send(now)

    assert handle_messages(due=clock.now() + DAY) == backoff.MAX_ATTEMPTS
    with tenancy.platform("look"):
        assert [mail.id for mail in queries.list_mails(state=MailState.FAILED)] == [mail_id]

    settings.EMAIL_BACKEND = mailbox
    services.retry_mail(mail_id=mail_id, actor="operator:0", now=now)
    handle_messages()
    assert stored(mail_id).state == MailState.SENT
    assert CODE in queries.list_captured(to=TO)[0].letter.subject


def test_permanent_refusal_is_not_repeated(now: datetime, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = f"{SERVERS}.Strict"
    mail_id = send(now)

    assert handle_messages(due=clock.now() + DAY) == 1
    mail = stored(mail_id)
    assert (mail.state, mail.attempts) == (MailState.FAILED, 1)
    assert "no such user" in mail.last_error


def test_retry_refuses_a_mail_that_is_not_given_up(now: datetime) -> None:
    mail_id = send(now)

    with pytest.raises(MailNotFailed):
        services.retry_mail(mail_id=mail_id, actor="operator:0", now=now)


def test_mail_of_a_dead_process_is_sent_again_with_the_same_id(
    now: datetime, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND = f"{SERVERS}.Recording"
    Recording.seen.clear()
    mail_id = send(now)
    services._start(mail_id, now)
    assert stored(mail_id).state == MailState.SENDING

    services.deliver(mail_id=mail_id, now=now)

    (message,) = Recording.seen
    assert message.extra_headers["Message-ID"] == f"<{mail_id}@localhost>"
    assert stored(mail_id).state == MailState.SENT


def test_outbox_is_closed_without_a_reach(now: datetime) -> None:
    send(now)

    assert Mail.objects.count() == 0
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Mail.objects.create(recipient=TO, dedupe_key="x", created_at=now)


def test_sent_mail_cannot_keep_its_content(now: datetime) -> None:
    mail_id = send(now)

    with (
        pytest.raises(DatabaseError, match="notices_mail_erased"),
        tenancy.platform("tamper"),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE notices_mail SET state = 'SENT' WHERE id = %s", [mail_id])


def test_template_without_its_facts_is_a_bug(now: datetime) -> None:
    with pytest.raises(ValueError, match="minutes"):
        services.send_mail(
            to=TO,
            language="en",
            template="sign_in_code",
            facts={"code": CODE},
            dedupe_key="x",
            now=now,
        )


@given(st.integers(1, 60), st.floats(0, 1))
def test_waits_grow_and_stay_below_twenty_minutes(attempts: int, jitter: float) -> None:
    wait = backoff.wait_after(attempts, jitter=jitter)

    assert timedelta(seconds=5) <= wait <= timedelta(minutes=18)
    assert wait <= backoff.wait_after(attempts + 1, jitter=jitter)


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (smtplib.SMTPRecipientsRefused({TO: (550, b"unknown")}), True),
        (smtplib.SMTPRecipientsRefused({TO: (450, b"greylisted")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (TimeoutError(), False),
        (AnymailRecipientsRefused(), True),
        (AnymailAPIError("503"), False),
    ],
)
def test_permanent_refusals_are_told_from_passing_ones(
    error: Exception, *, permanent: bool
) -> None:
    assert backoff.is_permanent(error) is permanent
