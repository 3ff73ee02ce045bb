"""The declaration that the platform reads."""

from django.utils.translation import gettext_lazy as _

from tenantry.sdk import Product
from tenantry_erp.recipe import TrytonRecipe

product = Product(
    slug="erp",
    name=_("ERP"),
    version="0.1.0",
    requires_platform=">=0.1,<0.2",
    app="tenantry_erp",
    recipe=TrytonRecipe(),
    story="tenantry_erp.story.play",
)
