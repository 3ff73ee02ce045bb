"""The application's packages: pinned, checked, and kept inside their folder."""

import base64
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from tenantry.sdk import RecipeFailed
from tenantry_erp.installation import APPLICATION, Package, digest_of, installation_of, unpack


def pack(path: Path, files: dict[str, bytes]) -> Package:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    return Package(
        name="thing", version="1", integrity=f"sha512-{digest}", files=("dist/", "index.html")
    )


def test_only_wanted_files_are_kept(tmp_path: Path) -> None:
    archive = tmp_path / "thing.tgz"
    package = pack(
        archive,
        {
            "package/dist/a.js": b"a",
            "package/index.html": b"i",
            "package/tests/t.js": b"t",
            "package/distant.js": b"d",
        },
    )
    unpack(package, archive, tmp_path / "web")
    kept = {str(path.relative_to(tmp_path / "web")) for path in (tmp_path / "web").rglob("*.*")}
    assert kept == {"dist/a.js", "index.html"}


def test_other_content_than_pinned_is_refused(tmp_path: Path) -> None:
    package = pack(tmp_path / "thing.tgz", {"package/index.html": b"good"})
    pack(tmp_path / "other.tgz", {"package/index.html": b"evil"})
    with pytest.raises(RecipeFailed, match="not what was expected"):
        unpack(package, tmp_path / "other.tgz", tmp_path / "web")
    assert not (tmp_path / "web").exists()


def test_file_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    package = pack(tmp_path / "thing.tgz", {"package/dist/../../../evil.js": b"evil"})
    with pytest.raises(RecipeFailed, match="outside"):
        unpack(package, tmp_path / "thing.tgz", tmp_path / "web")
    assert not (tmp_path / "evil.js").exists()


def test_missing_archive_is_refused(tmp_path: Path) -> None:
    package = Package(name="thing", version="1", integrity="", files=())
    with pytest.raises(RecipeFailed, match=r"thing\.tgz"):
        unpack(package, tmp_path / "thing.tgz", tmp_path)


def test_every_python_package_is_pinned_by_digest_and_names_no_registry() -> None:
    for name in ("requirements.txt", "node.txt"):
        text = (APPLICATION / name).read_text(encoding="utf-8")
        packages = re.split(r"(?m)^(?=\S)", text)[1:]
        assert packages
        assert all("==" in package and "--hash=sha256:" in package for package in packages)
        assert "://" not in text


def test_every_package_of_the_page_is_pinned() -> None:
    pinned = json.loads((APPLICATION / "web.json").read_text(encoding="utf-8"))
    assert all(facts["integrity"].startswith("sha512-") for facts in pinned.values())
    assert "://" not in json.dumps(pinned)


def test_server_and_client_are_of_one_series() -> None:
    pinned = json.loads((APPLICATION / "web.json").read_text(encoding="utf-8"))
    requirements = (APPLICATION / "requirements.txt").read_text(encoding="utf-8")
    server = re.search(r"(?m)^trytond==(\d+\.\d+)\.", requirements)
    assert server is not None
    assert pinned["tryton-sao"]["version"].startswith(f"{server[1]}.")


def test_folder_changes_with_what_is_in_it(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    assert digest_of(one) != digest_of(other)
    assert installation_of(tmp_path).root.parent == tmp_path
