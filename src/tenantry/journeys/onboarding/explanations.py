"""What each code of a verdict says to a person: the cause, and what would open the gate."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.core.gates import Explanation, Verdict

GATE_NAMES: Mapping[str, Text] = {
    "syntax": _("Form"),
    "domain": _("Domain"),
    "dictionary": _("Operators' dictionary"),
    "disposable": _("Throw-away addresses"),
    "free_mail": _("Free mail providers"),
    "mx": _("Takes mail"),
}

_NOTHING = _("Nothing to do.")
_CHECK = _("Check it for typing errors; it looks like name@company.com.")
_COMPANY_ADDRESS = _("Use an address of your company.")
_WE_LOOK = _("One of us looks at the registration.")

PROBLEMS: Mapping[str, Text] = {
    "empty": _("nothing was typed."),
    "too_long": _("it is longer than mail servers take."),
    "control": _("it has a line break or another control character."),
    "no_at": _("the @ is missing."),
    "local": _("what stands before the @ has a character or a dot too many."),
    "local_special": _("what stands in quotes before the @ has special characters."),
    "local_unicode": _("before the @ only letters from a to z, digits and signs can be used."),
    "domain": _("what stands after the @ is no domain."),
}

EXPLANATIONS: Mapping[str, Explanation] = {
    "COMPANY": Explanation(message=_("It is an address of a company."), remedy=_NOTHING),
    "NOT_ASKED": Explanation(message=_("Not asked."), remedy=_NOTHING),
    "OVERRULED": Explanation(
        message=_("The dictionary allows the domain, whatever was found here."), remedy=_NOTHING
    ),
    "SYNTAX_GOOD": Explanation(message=_("It reads as an address."), remedy=_NOTHING),
    "SYNTAX_BAD": Explanation(message=_("It is no address that we can write to."), remedy=_CHECK),
    "DOMAIN_GOOD": Explanation(message=_("Somebody can have registered it."), remedy=_NOTHING),
    "DOMAIN_SUFFIX": Explanation(
        message=_("The domain is one under which others register theirs."), remedy=_CHECK
    ),
    "DOMAIN_LOOK_ALIKE": Explanation(
        message=_("The domain mixes alphabets whose letters look alike."), remedy=_WE_LOOK
    ),
    "DOMAIN_UNKNOWN": Explanation(
        message=_("The list of public suffixes could not be read."), remedy=_WE_LOOK
    ),
    "DICTIONARY_SILENT": Explanation(
        message=_("The dictionary has no line for it."), remedy=_NOTHING
    ),
    "DICTIONARY_ALLOW": Explanation(
        message=_("The dictionary treats it as a company."), remedy=_NOTHING
    ),
    "DICTIONARY_FREE": Explanation(
        message=_("The domain gives addresses to everybody."), remedy=_COMPANY_ADDRESS
    ),
    "DICTIONARY_DENY": Explanation(
        message=_("Addresses of this domain are not let in."),
        remedy=_("Use another address, or write to us if this is a mistake."),
    ),
    "DICTIONARY_UNKNOWN": Explanation(
        message=_("The dictionary could not be read."), remedy=_WE_LOOK
    ),
    "NOT_DISPOSABLE": Explanation(
        message=_("It is not on the list of throw-away addresses."), remedy=_NOTHING
    ),
    "DISPOSABLE": Explanation(
        message=_("The domain gives addresses that are thrown away after use."),
        remedy=_COMPANY_ADDRESS,
    ),
    "DISPOSABLE_UNKNOWN": Explanation(
        message=_("The list of throw-away addresses could not be read."), remedy=_WE_LOOK
    ),
    "NOT_FREE_MAIL": Explanation(
        message=_("It is not on the list of free mail providers."), remedy=_NOTHING
    ),
    "FREE_MAIL": Explanation(
        message=_("The domain gives addresses to everybody."), remedy=_COMPANY_ADDRESS
    ),
    "FREE_MAIL_UNKNOWN": Explanation(
        message=_("The list of free mail providers could not be read."), remedy=_WE_LOOK
    ),
    "MX_FOUND": Explanation(message=_("Its mail goes to a mail server."), remedy=_NOTHING),
    "MX_ADDRESS": Explanation(
        message=_("It names no mail server, but a host that can be one."), remedy=_NOTHING
    ),
    "MX_NULL": Explanation(
        message=_("The domain says that it takes no mail."), remedy=_COMPANY_ADDRESS
    ),
    "MX_MISSING": Explanation(message=_("The domain has no mail server."), remedy=_CHECK),
    "MX_DISPOSABLE": Explanation(
        message=_("Its mail goes to a provider of throw-away addresses."), remedy=_WE_LOOK
    ),
    "MX_UNKNOWN": Explanation(
        message=_("Name servers did not say where its mail goes."), remedy=_WE_LOOK
    ),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One gate's answer in the active language."""

    gate: str
    name: str
    code: str
    open: bool
    message: str
    remedy: str


def tell(verdict: Verdict) -> Told:
    """Put a gate's answer in words."""
    texts = EXPLANATIONS[verdict.code]
    return Told(
        gate=verdict.gate,
        name=str(GATE_NAMES[verdict.gate]),
        code=verdict.code,
        open=verdict.open,
        message=str(texts.message),
        remedy=str(texts.remedy),
    )
