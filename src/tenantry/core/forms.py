"""Forms that can show a refusal; they parse, services decide."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms

from tenantry.core.errors import DomainError


class RefusingForm(forms.Form):
    """A form that can show a refusal and keeps what was typed."""

    refusal: DomainError | None = None

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal with its remedy, at the field that its facts name if there is one."""
        field = refusal.facts.get("field")
        if isinstance(field, str) and field in self.fields:
            self.add_error(field, f"{refusal.text()} {refusal.remedy_text()}")
        else:
            self.refusal = refusal

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Catch the refusal of the block and show it; what the block did must be undone inside."""
        try:
            yield
        except DomainError as refusal:
            self.refuse(refusal)

    @property
    def accepted(self) -> bool:
        """Return whether neither the form nor a service had objections."""
        return self.is_valid() and self.refusal is None

    @property
    def status(self) -> int:
        """Return the HTTP status of the page that shows this form again."""
        return self.refusal.http_status if self.refusal else 422 if self.errors else 200
