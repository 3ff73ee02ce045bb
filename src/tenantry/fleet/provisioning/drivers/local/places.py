"""Where a machine keeps applications and instances: below one folder, closed to others."""

from pathlib import Path

from django.conf import settings


def recipe_folder(slug: str) -> Path:
    """Return the folder of an application, shared by all its instances on this machine."""
    return _closed(Path(settings.INSTANCES_FOLDER) / "recipes" / slug)


def host_folder(name: str) -> Path:
    """Return the folder of a host of this machine."""
    return _closed(Path(settings.INSTANCES_FOLDER) / "hosts" / name)


def instance_folder(host: str, label: str) -> Path:
    """Return the folder of an instance on a host, which need not exist."""
    return host_folder(host) / label


def labels_here() -> frozenset[str]:
    """Return the labels that have a folder on this machine, whichever host it plays."""
    return frozenset(
        folder.name
        for folder in (Path(settings.INSTANCES_FOLDER) / "hosts").glob("*/*")
        if folder.is_dir()
    )


def _closed(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
