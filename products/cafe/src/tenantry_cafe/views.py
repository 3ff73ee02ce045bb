"""The product's pages in the customer's portal: templates."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tenantry.sdk import DomainError, Forbidden, TenantAccess, TenantRequest, now
from tenantry_cafe import queries, services, variables
from tenantry_cafe.content import filled
from tenantry_cafe.errors import NameTaken, UnknownVariable
from tenantry_cafe.forms import TemplateForm, refused

_PER_PAGE = 50
_YEAR_SECONDS = 31_536_000


@require_GET
def list_templates(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show every template, by name."""
    del short_id
    found = queries.list_templates(tenant_id=request.tenant.tenant_id)
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "cafe/templates.html", {"page": page})


@require_GET
def show_template(request: TenantRequest, short_id: str, template_id: UUID) -> HttpResponse:
    """Show a template as it would be posted now."""
    del short_id
    template = queries.get_template(tenant_id=request.tenant.tenant_id, template_id=template_id)
    context: dict[str, object] = {"template": template}
    context["images"] = queries.list_images(template=template)
    context["at"] = at = now().astimezone(ZoneInfo(request.tenant.zone))
    context["shown_title"], context["shown_body"] = template.title, template.body
    try:
        context["shown_title"], context["shown_body"] = filled(template, at=at)
    except UnknownVariable as error:
        context["problem"] = error
    return render(request, "cafe/template.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def create_template(request: TenantRequest, short_id: str) -> HttpResponseBase:
    """Write a new template."""
    tenant = _editor(request)
    form = TemplateForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            template = services.create_template(
                tenant_id=tenant.tenant_id, actor=tenant.actor, draft=form.draft(), now=now()
            )
        except DomainError as error:
            _show(form, error)
        else:
            messages.success(request, _("The template was saved."))
            return redirect("cafe:template", short_id, template.id)
    return _form_page(request, form, {})


@require_http_methods(["GET", "HEAD", "POST"])
def edit_template(request: TenantRequest, short_id: str, template_id: UUID) -> HttpResponseBase:
    """Change a template."""
    tenant = _editor(request)
    template = queries.get_template(tenant_id=tenant.tenant_id, template_id=template_id)
    stored = queries.list_images(template=template)
    form = TemplateForm(
        request.POST or None, request.FILES or None, template=template, stored=stored
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.save_template(
                tenant_id=tenant.tenant_id,
                template_id=template_id,
                actor=tenant.actor,
                draft=form.draft(),
                seen=form.cleaned_data["seen"],
                now=now(),
            )
        except DomainError as error:
            _show(form, error)
        else:
            messages.success(request, _("The template was saved."))
            return redirect("cafe:template", short_id, template_id)
    return _form_page(request, form, {"template": template})


@require_http_methods(["GET", "HEAD", "POST"])
def delete_template(request: TenantRequest, short_id: str, template_id: UUID) -> HttpResponseBase:
    """Ask first, then delete."""
    tenant = _editor(request)
    template = queries.get_template(tenant_id=tenant.tenant_id, template_id=template_id)
    if request.method == "POST":
        services.delete_template(
            tenant_id=tenant.tenant_id, template_id=template_id, actor=tenant.actor, now=now()
        )
        messages.success(request, _("The template was deleted."))
        return redirect("cafe:templates", short_id)
    return render(request, "cafe/delete.html", {"template": template})


@require_GET
def serve_image(
    request: TenantRequest, short_id: str, template_id: UUID, image_id: UUID
) -> HttpResponse:
    """Give an image's bytes to the tenant's people, as nothing but an image."""
    del short_id
    image = queries.get_image(
        tenant_id=request.tenant.tenant_id, template_id=template_id, image_id=image_id
    )
    response = HttpResponse(bytes(image.data), content_type=image.media_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = "inline"
    # The bytes behind an image's address never change.
    response["Cache-Control"] = f"private, max-age={_YEAR_SECONDS}, immutable"
    return response


def _editor(request: TenantRequest) -> TenantAccess:
    if not request.tenant.may_edit:
        raise Forbidden
    return request.tenant


def _show(form: TemplateForm, error: DomainError) -> None:
    form.add_error("name" if isinstance(error, NameTaken) else None, refused(error))


def _form_page(
    request: TenantRequest, form: TemplateForm, context: Mapping[str, object]
) -> HttpResponse:
    korean = request.tenant.language.startswith("ko")
    at = now().astimezone(ZoneInfo(request.tenant.zone))
    known = variables.values(at, korean=korean).items()
    shown = [(f"{{{{{name}}}}}", value) for name, value in known]
    lost_files = bool(request.FILES)
    status = 422 if form.errors else 200
    return render(
        request,
        "cafe/form.html",
        {**context, "form": form, "variables": shown, "lost_files": lost_files},
        status=status,
    )
