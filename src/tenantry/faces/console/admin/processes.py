"""The processes of the platform."""

from collections.abc import Sequence

from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenantry.core import clock
from tenantry.faces.console.listing import ReadOnlyAdmin
from tenantry.faces.console.panels import Facts, Panel
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    code,
    toned,
)
from tenantry.work.automation import queries
from tenantry.work.automation.models import ProcessBeat


class ProcessAdmin(ReadOnlyAdmin):
    """The processes of the platform and their signs of life."""

    empty = _("No process has given a sign of life: start them with `tenantry up`.")
    list_display = ("process", "life", "beat", "started", "where", "version", "note")
    list_display_links = None
    list_filter = ("kind",)
    ordering = ("kind", "host", "pid")

    @display(description=_("process"), ordering="kind")
    def process(self, row: ProcessBeat) -> str:
        """Return what it does."""
        return row.kind

    @display(description=_("alive"))
    def life(self, row: ProcessBeat) -> object:
        """Return whether it still lives."""
        is_alive = clock.now() - row.beat_at < queries.ALIVE_WITHIN
        return toned("ok", _("alive")) if is_alive else toned("bad", _("silent"))

    @display(description=_("last sign of life"), ordering="beat_at")
    def beat(self, row: ProcessBeat) -> object:
        """Return when it was heard last."""
        return age(row.beat_at)

    @display(description=_("started"), ordering="started_at")
    def started(self, row: ProcessBeat) -> object:
        """Return since when it runs."""
        return age(row.started_at)

    @display(description=_("where"), ordering="host")
    def where(self, row: ProcessBeat) -> object:
        """Return host and process id."""
        return code(f"{row.host}:{row.pid}")

    def panels(self, request: HttpRequest, row: ProcessBeat) -> Sequence[Panel]:
        """Return the little there is."""
        del request
        return [
            Facts(
                title=_("Process"),
                rows=[
                    (_("alive"), self.life(row)),
                    (_("last sign of life"), both(row.beat_at)),
                    (_("started"), both(row.started_at)),
                    (_("where"), self.where(row)),
                    (_("version"), row.version or NOTHING),
                    (_("note"), row.note or NOTHING),
                ],
            )
        ]


console.register(ProcessBeat, ProcessAdmin)
