"""Verbs: telling people, and sending what the outbox holds."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from tenantry.core import live, tenancy, trace
from tenantry.core.ids import uuid7
from tenantry.core.logs import get_logger
from tenantry.core.queue import defer
from tenantry.customers.notices import backoff
from tenantry.customers.notices.catalogue import MAILS, NOTICES, Given, kept, require_facts
from tenantry.customers.notices.errors import MailNotFailed
from tenantry.customers.notices.messages import Recipient, SendMail
from tenantry.customers.notices.models import Letter, Mail, Notice
from tenantry.customers.notices.states import MAIL_MOVES, MailState
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.vocabulary import Action

_SENDER = "system:worker"
_ERROR_LENGTH = 500
_log = get_logger(__name__)


def notify(
    *,
    tenant_id: UUID,
    code: str,
    facts: Mapping[str, Given],
    link: str,
    recipients: Sequence[Recipient],
    now: datetime,
    dedupe_key: str = "",
) -> UUID:
    """Put a notice into the tenant's portal and mail it to each recipient; return its id.

    Facts may be lazily translated texts; each reader gets his own language. `link` is a path of the
    portal. With a `dedupe_key` the second call changes nothing. A code that is not in the catalogue
    or a missing fact is a bug (KeyError, ValueError).
    """
    require_facts(code, needed=NOTICES[code].facts, given=facts)
    notice = Notice(
        id=uuid7(),
        tenant_id=tenant_id,
        code=code,
        facts=kept(facts),
        link=link,
        dedupe_key=dedupe_key,
        created_at=now,
    )
    with tenancy.scope(tenant_id):
        Notice.objects.bulk_create([notice], ignore_conflicts=True)
        if not Notice.objects.filter(id=notice.id).exists():
            return Notice.objects.get(dedupe_key=dedupe_key).id
        audit.append(
            action=Action.NOTICES_NOTICE_SENT,
            tenant_id=tenant_id,
            actor=_SENDER,
            target=("notice", str(notice.id)),
            at=now,
            body={"code": code, "link": link},
        )
        for recipient in recipients:
            _mail_notice(notice, recipient, now)
        live.notify(f"tenant:{tenant_id}", kind="notice")
    return notice.id


def _mail_notice(notice: Notice, recipient: Recipient, now: datetime) -> None:
    with translation.override(recipient.language):
        facts = {"title": notice.title, "message": notice.message, "remedy": notice.remedy}
    send_mail(
        to=recipient.address,
        language=recipient.language,
        template="notice",
        facts={**facts, "link": f"{settings.BASE_URL}{notice.link}" if notice.link else ""},
        dedupe_key=f"notice:{notice.id}:{recipient.address}",
        now=now,
        tenant_id=notice.tenant_id,
    )


def mark_read(*, tenant_id: UUID, now: datetime) -> int:
    """Mark all notices of a tenant as read and return how many were not."""
    with tenancy.scope(tenant_id):
        return Notice.objects.filter(read_at__isnull=True).update(read_at=now)


def send_mail(
    *,
    to: str,
    language: str,
    template: str,
    facts: Mapping[str, str | int],
    dedupe_key: str,
    now: datetime,
    tenant_id: UUID | None = None,
) -> UUID:
    """Put one mail into the outbox, to leave when the present transaction commits.

    The same `dedupe_key` is sent once; the id of the first is returned. A language that we do not
    speak becomes the first one. The content is encrypted until it was sent, and then erased.
    """
    require_facts(template, needed=MAILS[template], given=facts)
    if language not in dict(settings.LANGUAGES):
        language = settings.LANGUAGE_CODE
    mail = Mail(
        id=uuid7(),
        tenant_id=tenant_id,
        recipient=to,
        language=language,
        template=template,
        dedupe_key=dedupe_key,
        trace_id=trace.current().trace_id,
        created_at=now,
    )
    mail.sealed = _write(template, language, facts).seal(aad=mail.aad)
    reach = tenancy.scope(tenant_id) if tenant_id else tenancy.platform("send a mail to a person")
    with reach:
        Mail.objects.bulk_create([mail], ignore_conflicts=True)
        if not Mail.objects.filter(id=mail.id).exists():
            return Mail.objects.get(dedupe_key=dedupe_key).id
        _defer_sending(mail)
    return mail.id


def _defer_sending(mail: Mail, *, at: datetime | None = None) -> None:
    defer(SendMail(mail_id=mail.id), lock=f"mail:{mail.id}", at=at)


def _write(template: str, language: str, facts: Mapping[str, str | int]) -> Letter:
    path = f"notices/mail/{template}"
    with translation.override(language):
        return Letter(
            # A header has one line, whatever a person put into a name.
            subject=" ".join(render_to_string(f"{path}.subject.txt", facts).split()),
            text=render_to_string(f"{path}.txt", facts).strip() + "\n",
            html=render_to_string(f"{path}.html", {**facts, "language": language}),
        )


def deliver(*, mail_id: UUID, now: datetime) -> None:
    """Hand a mail to the mail server; refused, it is tried again later or given up.

    A mail found SENDING belongs to a process that died: it is sent again, with the same Message-ID.
    The network is used outside of any transaction.
    """
    mail = _start(mail_id, now)
    if mail is None:
        return
    try:
        _post(mail)
    except backoff.refusals() as error:
        _refused(mail, error, now)
    else:
        _sent(mail, now)


def _start(mail_id: UUID, now: datetime) -> Mail | None:
    with tenancy.platform("send a mail of the outbox"):
        mail = Mail.objects.get(id=mail_id)
        if mail.state not in {MailState.QUEUED, MailState.SENDING}:
            return None
        try:
            _move(mail, MailState.SENDING, Action.NOTICES_MAIL_STARTED, now)
        except Stale:
            return None
        return mail


def _post(mail: Mail) -> None:
    letter = Letter.unseal(mail.sealed or b"", aad=mail.aad)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[mail.recipient],
        headers={
            "Message-ID": f"<{mail.id}@{host}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": mail.language,
        },
    )
    message.attach_alternative(letter.html, "text/html")
    message.send()


def _sent(mail: Mail, now: datetime) -> None:
    done = {"sealed": None, "sent_at": now, "last_error": ""}
    with tenancy.platform("note that a mail was sent"):
        _move(mail, MailState.SENT, Action.NOTICES_MAIL_SENT, now, extra=done)


def _refused(mail: Mail, error: Exception, now: datetime) -> None:
    attempts = mail.attempts + 1
    given_up = attempts >= backoff.MAX_ATTEMPTS or backoff.is_permanent(error)
    cause = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    noted = {"attempts": attempts, "last_error": cause}
    with tenancy.platform("note that a mail was refused"):
        if given_up:
            _move(mail, MailState.FAILED, Action.NOTICES_MAIL_FAILED, now, extra=noted)
            live.notify("console", kind="mail_failed")
        else:
            _move(mail, MailState.QUEUED, Action.NOTICES_MAIL_QUEUED, now, extra=noted)
            jitter = random.random()  # noqa: S311  # spreads load, hides nothing
            _defer_sending(mail, at=now + backoff.wait_after(attempts, jitter=jitter))
    _log.warning("mail_refused", mail_id=str(mail.id), attempts=attempts, given_up=given_up)


def retry_mail(*, mail_id: UUID, actor: str, now: datetime) -> None:
    """Send a mail that was given up once more. Refuses: `MailNotFailed`."""
    with tenancy.platform("retry a mail that was given up"):
        mail = Mail.objects.get(id=mail_id)
        if mail.state != MailState.FAILED:
            raise MailNotFailed
        fresh = {"attempts": 0}
        _move(mail, MailState.QUEUED, Action.NOTICES_MAIL_QUEUED, now, actor=actor, extra=fresh)
        _defer_sending(mail)


def _move(
    mail: Mail,
    target: MailState,
    action: Action,
    now: datetime,
    *,
    actor: str = _SENDER,
    extra: Mapping[str, object] | None = None,
) -> None:
    lifecycle.transition(
        mail,
        field="state",
        target=target,
        moves=MAIL_MOVES,
        action=action,
        actor=actor,
        at=now,
        tenant_id=mail.tenant_id,
        extra=extra,
    )
