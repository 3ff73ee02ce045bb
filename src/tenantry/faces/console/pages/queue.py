"""The queue engine: what waits, runs, stalled and failed."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tenantry.core import clock
from tenantry.faces.console import readings
from tenantry.faces.console.site import console


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show the engine's messages by queue and task."""
    lines = readings.list_queue(now=clock.now())
    context = {
        **console.each_context(request),
        "title": _("Queue"),
        "lines": lines,
        "totals": {
            name: sum(getattr(line, name) for line in lines)
            for name in ("waiting", "later", "running", "stalled", "failed")
        },
    }
    return TemplateResponse(request, "console/queue.html", context)


console.page(path("queue/", console.admin_view(queue), name="queue"))
