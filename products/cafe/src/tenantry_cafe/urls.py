"""The product's addresses, below `/t/<short_id>/cafe/`."""

from django.urls import path

from tenantry_cafe import views

app_name = "cafe"

urlpatterns = [
    path("", views.list_templates, name="templates"),
    path("new/", views.create_template, name="new"),
    path("<uuid:template_id>/", views.show_template, name="template"),
    path("<uuid:template_id>/edit/", views.edit_template, name="edit"),
    path("<uuid:template_id>/delete/", views.delete_template, name="delete"),
    path("<uuid:template_id>/images/<uuid:image_id>/", views.serve_image, name="image"),
]
