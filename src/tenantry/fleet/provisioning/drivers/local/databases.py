"""Tenants' own databases: copies of a recipe's template, each with a role that may enter no other.

Database and role are both named by the label. The database belongs to the provisioner, all that is
in it to the tenant's role.
"""

from tenantry.fleet.provisioning import recipes
from tenantry.fleet.provisioning.drivers.compute import AlreadyThere, DatabaseFound, DriverError
from tenantry.fleet.provisioning.drivers.local import server as provisioner
from tenantry.fleet.provisioning.drivers.local.server import Connection, run
from tenantry.fleet.provisioning.drivers.local.templates import template_of
from tenantry.fleet.provisioning.failures import Failure
from tenantry.sdk.recipe import DatabaseAccess

PREFIX = "tnt_"
# An instance keeps a few; one that runs wild must leave the server's connections to others.
_CONNECTIONS = 12


def create(*, label: str, recipe: str, password: str) -> DatabaseFound:
    """Copy the template for a tenant; half of a copy is made anew.

    One that is complete gets this password and raises `AlreadyThere`.
    """
    template = template_of(recipes.recipe_of(recipe))
    with provisioner.alone(label) as server:
        if provisioner.is_complete(server, label):
            if _may_sign_in(server, label):
                provisioner.let_in(server, label, password, connections=_CONNECTIONS)
            raise AlreadyThere(label)
        if not provisioner.is_complete(server, template):
            raise DriverError(Failure.TEMPLATE_MISSING, retryable=True, detail=template)
        provisioner.ensure_role(server, label)
        provisioner.drop_database(server, label)
        # Closed until it is closed to everybody but one: a new database is open to all roles.
        run(
            server,
            "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY ALLOW_CONNECTIONS false",
            label,
            template,
        )
        provisioner.close_to_public(server, label)
        run(server, "ALTER DATABASE {} ALLOW_CONNECTIONS true", label)
        with provisioner.connected(label) as inside:
            # Shared objects of the template's role would move along; it has none.
            run(inside, "REASSIGN OWNED BY {} TO {}", template, label)
        provisioner.let_in(server, label, password, connections=_CONNECTIONS)
        provisioner.complete(server, label)
        return _found(server, label)


def find(*, label: str) -> DatabaseFound | None:
    """Return a tenant's database if it is complete."""
    with provisioner.connected() as server:
        return _found(server, label) if provisioner.is_complete(server, label) else None


def remove(*, label: str) -> None:
    """Remove database and role, whatever there is of them."""
    with provisioner.alone(label) as server:
        provisioner.drop_database(server, label)
        run(server, "DROP ROLE IF EXISTS {}", label)


def lock(*, label: str) -> None:
    """Let nobody sign in, and end the sessions there are."""
    with provisioner.alone(label) as server:
        if provisioner.is_complete(server, label):
            provisioner.keep_out(server, label)


def unlock(*, label: str) -> None:
    """Let the tenant's role sign in again, with the password it had."""
    with provisioner.alone(label) as server:
        if provisioner.is_complete(server, label):
            run(server, "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}", label, label)
            run(server, "ALTER ROLE {} LOGIN", label)


def labels() -> frozenset[str]:
    """Return the labels of which there is a database, a role or both."""
    with provisioner.connected() as server:
        found = server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %(prefix)s)"
            " UNION SELECT rolname FROM pg_roles WHERE starts_with(rolname, %(prefix)s)",
            {"prefix": PREFIX},
        ).fetchall()
    return frozenset(str(row[0]) for row in found)


def access(*, label: str, password: str) -> DatabaseAccess:
    """Return how a tenant's instance signs in to its database."""
    with provisioner.connected() as server:
        host, port = provisioner.address(server)
    return DatabaseAccess(host=host, port=port, name=label, user=label, password=password)


def birth_of(label: str) -> str:
    """Return what tells this copy from another one of the same name; "" when there is none."""
    with provisioner.connected() as server:
        found = server.execute("SELECT oid FROM pg_database WHERE datname = %s", [label]).fetchone()
    return str(found[0]) if found else ""


def _may_sign_in(server: Connection, label: str) -> bool:
    found = server.execute(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [label]
    ).fetchone()
    return found is not None and found[0] is True


def _found(server: Connection, label: str) -> DatabaseFound:
    host, port = provisioner.address(server)
    return DatabaseFound(label=label, name=label, user=label, host=host, port=port)
