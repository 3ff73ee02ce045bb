"""The recipes of the installed products."""

from tenantry.fleet.provisioning.errors import RecipeUnknown
from tenantry.sdk import registry
from tenantry.sdk.recipe import Recipe


def installed() -> tuple[Recipe, ...]:
    """Return every recipe, by its product's slug."""
    return tuple(product.recipe for product in registry.products() if product.recipe)


def recipe_of(slug: str) -> Recipe:
    """Return one recipe, the first one for ""; raises `RecipeUnknown`."""
    for recipe in installed():
        if slug in {"", recipe.slug}:
            return recipe
    raise RecipeUnknown(recipe=slug)
