"""The object store: evidence, checkpoints and exports live outside the database.

Keys are paths like `evidence/<tenant>/<name>`. A folder by default; S3, R2 or GCS by
OBJECT_STORE_URL. Refusals: `ObjectExists`, `ObjectMissing`, `ObjectStoreUnavailable`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import obstore
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from tenantry.core.errors import DomainError, Unavailable


class ObjectExists(DomainError):
    """Something is stored under this key already, and it may not be replaced."""

    code = "object_exists"
    message = _("%(key)s is already stored.")
    remedy = _("Objects of this kind are written once; use another key.")


class ObjectMissing(DomainError):
    """Nothing is stored under this key."""

    code = "object_missing"
    http_status = 404
    message = _("%(key)s is not stored.")
    remedy = _("It may have been removed at the end of its retention.")


class ObjectStoreUnavailable(Unavailable):
    """The store is read-only, full or out of reach."""

    code = "object_store_unavailable"
    message = _("The object store cannot be used: %(cause)s.")
    remedy = _("Check its address, rights and free space; `tenantry doctor` tries a write.")


@lru_cache(maxsize=4)
def _store(url: str) -> ObjectStore:
    if url.startswith("file://"):
        return LocalStore(prefix=Path(url.removeprefix("file://")), mkdir=True)
    return from_url(url)


def put(key: str, data: bytes, *, create_only: bool = False) -> None:
    """Store bytes; with `create_only` refuse to replace what is there, atomically."""
    with _translated(key):
        obstore.put(
            _store(settings.OBJECT_STORE_URL),
            key,
            data,
            mode="create" if create_only else "overwrite",
        )


def get(key: str) -> bytes:
    """Return the stored bytes."""
    with _translated(key):
        return bytes(obstore.get(_store(settings.OBJECT_STORE_URL), key).bytes())


def keys(prefix: str) -> list[str]:
    """Return every key below a prefix, in order."""
    with _translated(prefix):
        pages = obstore.list(_store(settings.OBJECT_STORE_URL), prefix)
        return sorted(item["path"] for page in pages for item in page)


def delete(key: str) -> None:
    """Remove one object; a missing one is no error."""
    try:
        with _translated(key):
            obstore.delete(_store(settings.OBJECT_STORE_URL), key)
    except ObjectMissing:
        return


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except AlreadyExistsError as error:
        raise ObjectExists(key=key) from error
    except FileNotFoundError as error:
        raise ObjectMissing(key=key) from error
    except (BaseError, OSError) as error:
        raise ObjectStoreUnavailable(cause=str(error).splitlines()[0][:200]) from error
