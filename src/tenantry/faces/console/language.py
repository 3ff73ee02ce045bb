"""Choosing the language of the console."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from tenantry.core import clock
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.faces.console.standing import Standing, standing_of


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on: in this browser, and to this operator."""
    user, language = request.user, request.POST.get("language", "")
    if isinstance(user, User) and standing_of(request, now=clock.now()) is Standing.FULL:
        accounts.set_language(
            user=user, language=language, actor=f"operator:{user.id}", now=clock.now()
        )
    return set_language(request)
