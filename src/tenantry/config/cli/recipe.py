"""Commands about what tenants' instances are made from."""

import click

from tenantry.config import preparing
from tenantry.fleet.provisioning import recipes


@click.group()
def recipe() -> None:
    """Applications of which each tenant gets an instance."""


@recipe.command()
@click.argument("slug", default="")
def prepare(*, slug: str) -> None:
    """Install the application on this machine and build its template database.

    SLUG names a product; without it every product's is prepared. What is there already is kept, so
    it may be called at any time; hosts do the same by themselves when they start.
    """
    for one in [recipes.recipe_of(slug)] if slug else recipes.installed():
        preparing.prepare(one, tell=click.echo)
