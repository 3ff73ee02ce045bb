"""Every notice and every mail there is, and the facts each of them needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text

# A lazily translated fact is kept in every language, as {"en": …, "ko": …}.
Given = str | int | Promise
Kept = str | int | dict[str, str]


@dataclass(frozen=True, kw_only=True)
class NoticeText:
    """What a notice says: what happened, why, and what the reader can do."""

    code: str
    facts: frozenset[str]
    title: Text
    message: Text
    remedy: Text


_NOTICES = (
    NoticeText(
        code="schedule_suspended",
        facts=frozenset({"schedule", "cause", "remedy"}),
        title=_("“%(schedule)s” was suspended"),
        message="%(cause)s",
        remedy="%(remedy)s",
    ),
    NoticeText(
        code="schedule_rejected",
        facts=frozenset({"schedule", "reason"}),
        title=_("“%(schedule)s” was not approved"),
        message=_("The reviewer wrote: %(reason)s"),
        remedy=_("Change the post or the schedule; it is then looked at again."),
    ),
    NoticeText(
        code="schedule_approved",
        facts=frozenset({"schedule"}),
        title=_("“%(schedule)s” was approved"),
        message=_("It posts from its next time on."),
        remedy=_("Nothing to do."),
    ),
    NoticeText(
        code="session_needs_you",
        facts=frozenset({"connection", "cause", "remedy"}),
        title=_("“%(connection)s” needs you"),
        message="%(cause)s",
        remedy="%(remedy)s",
    ),
    NoticeText(
        code="post_unknown",
        facts=frozenset({"schedule", "moment"}),
        title=_("It is not certain whether a post of “%(schedule)s” appeared"),
        message=_("The site did not answer after the post of %(moment)s was submitted."),
        remedy=_("Look at your posts on the site; we do not post again by ourselves."),
    ),
)
NOTICES: Mapping[str, NoticeText] = MappingProxyType({text.code: text for text in _NOTICES})

# Templates `notices/mail/<name>.{subject.txt,txt,html}`, with the facts they use.
MAILS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sign_in_code": frozenset({"code", "minutes"}),
        "sign_in_unknown": frozenset(),
        "notice": frozenset({"title", "message", "remedy", "link"}),
        "trial_code": frozenset({"code", "minutes"}),
        "trial_waiting": frozenset({"company", "reference"}),
        "trial_rejected": frozenset({"company", "reference", "reason", "trial"}),
        "tenant_active": frozenset({"company", "url", "portal"}),
    }
)


def require_facts(name: str, *, needed: frozenset[str], given: Mapping[str, object]) -> None:
    """Raise ValueError when a text would have a gap."""
    if missing := needed - given.keys():
        reason = f"{name} needs {sorted(missing)}"
        raise ValueError(reason)


def kept(facts: Mapping[str, Given]) -> dict[str, Kept]:
    """Return facts as they are stored: lazily translated ones in every language."""
    return {
        name: _in_every_language(fact) if isinstance(fact, Promise) else fact
        for name, fact in facts.items()
    }


def _in_every_language(text: Promise) -> dict[str, str]:
    texts = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            texts[language] = str(text)
    return texts


def read(facts: Mapping[str, Kept]) -> dict[str, str]:
    """Return stored facts in the active language."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return {
        name: fact.get(language, fact.get(settings.LANGUAGE_CODE, ""))
        if isinstance(fact, dict)
        else str(fact)
        for name, fact in facts.items()
    }
