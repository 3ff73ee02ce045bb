"""What instances are made from: the application in a folder, and its template database.

Both are made once per version, by whoever needs them first; others wait. Nobody can sign in to a
finished template, so nobody can keep it from being copied.
"""

import re

from psycopg import sql

from tenantry.core.logs import get_logger
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.local import places
from tenantry.fleet.provisioning.drivers.local import server as provisioner
from tenantry.fleet.provisioning.drivers.local.server import Connection, run
from tenantry.fleet.provisioning.failures import Failure
from tenantry.sdk.recipe import DatabaseAccess, Progress, Recipe, RecipeFailed

_LONGEST_NAME = 63
_CONNECTIONS = 10
_log = get_logger(__name__)


def template_of(recipe: Recipe) -> str:
    """Return the name of a recipe's template database, and of the role that owns what is in it."""
    plain = re.sub(r"[^a-z0-9]+", "_", f"template_{recipe.slug}_{recipe.version}".lower())
    return plain[:_LONGEST_NAME]


def is_ready(recipe: Recipe) -> bool:
    """Tell whether the template can be copied."""
    with provisioner.connected() as server:
        return provisioner.is_complete(server, template_of(recipe))


def make_ready(recipe: Recipe, progress: Progress) -> None:
    """Put the application on this machine and build its template, where that was not done.

    `progress` counts from 0 to 1 twice: for the application, then for the template. Raises
    `DriverError`.
    """
    folder = places.recipe_folder(recipe.slug)
    name = template_of(recipe)
    try:
        if is_ready(recipe):
            recipe.prepare(folder=folder, progress=progress)
            return
        # Under one lock, so that whoever came first does both, and can show how it gets on.
        with provisioner.alone(name, patiently=True) as server:
            recipe.prepare(folder=folder, progress=progress)
            if not provisioner.is_complete(server, name):
                _build(recipe, name, server, progress)
    except RecipeFailed as error:
        raise DriverError(Failure.DRIVER_FAILED, retryable=True, detail=error.text()) from error


def _build(recipe: Recipe, name: str, server: Connection, progress: Progress) -> None:
    password = provisioner.new_password()
    provisioner.drop_database(server, name)
    provisioner.ensure_role(server, name)
    run(
        server,
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {}",
        name,
        sql.Literal("UTF8"),
    )
    provisioner.close_to_public(server, name)
    with provisioner.connected(name) as inside:
        run(inside, "ALTER SCHEMA public OWNER TO {}", name)
    provisioner.let_in(server, name, password, connections=_CONNECTIONS)
    host, port = provisioner.address(server)
    access = DatabaseAccess(host=host, port=port, name=name, user=name, password=password)
    recipe.build_template(
        folder=places.recipe_folder(recipe.slug), database=access, progress=progress
    )
    provisioner.keep_out(server, name)
    run(server, "ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
    provisioner.complete(server, name)
    _log.info("template_built", recipe=recipe.slug, template=name)
