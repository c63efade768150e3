# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases from archives, on the controller and behind a URL."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from .conftest import Host

FILES = {"app-1.0/app.py": "VERSION = 1\n", "app-1.0/src/part.py": "PART = 1\n"}


def checksum(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for name, content in FILES.items():
            opened.addfile(info(name, len(content)), io.BytesIO(content.encode()))
        for member, data in members:
            opened.addfile(member, io.BytesIO(data))
    return path


def info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, target
    return member


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in FILES.items():
            opened.writestr(name, content)
    return path


@pytest.mark.parametrize("make", [tar, zipped])
def test_file_of_the_controller(fresh: Host, tmp_path: Path, make: type[Path]) -> None:
    path = make(tmp_path / "app")
    app = {"name": "shop", "source": {"archive": str(path), "checksum": checksum(path)}}
    release = fresh.release(app).release
    assert fresh.sh('cat "$1/app.py" "$1/src/part.py"', release["dir"]).split() == ["VERSION", "=", "1", "PART", "=", "1"]
    assert not fresh.release(app).changed
    assert not fresh.exists("/srv/flask/shop/releases/.source")
    path.write_bytes(b"other")
    assert "set that checksum, or get the right file" in fresh.release(app).failure


def test_archive_of_a_url_is_fetched(fresh: Host, tmp_path: Path) -> None:
    path = tar(tmp_path / "app.tar.gz")
    fresh.put("/srv/files/app.tar.gz", path.read_bytes())
    serve = "systemd-run --quiet --collect --unit=files python3 -m http.server -b 127.0.0.1 -d /srv/files 8419; sleep 1"
    fresh.sh(f"systemctl stop files 2>/dev/null || true; {serve}")
    source = {"archive": "http://localhost:8419/app.tar.gz", "checksum": checksum(path)}
    release = fresh.release({"name": "shop", "source": source}).release
    assert fresh.sh('ls "$1"', release["dir"]).split() == ["__pycache__", "app.py", "instance", "src"]

    failure = fresh.release({"name": "shop", "source": {**source, "checksum": f"sha256:{'0' * 64}"}}).failure
    assert checksum(path) in failure and "somebody changed the archive" in failure
    failure = fresh.release({"name": "shop", "source": {"archive": "http://localhost:8419/none.tar", "checksum": f"sha256:{'0' * 64}"}}).failure
    assert "404" in failure
    fresh.sh("systemctl stop files")
    assert not fresh.release({"name": "shop", "source": source}).changed, "a known archive needs no network"
    failure = fresh.release({"name": "shop", "source": {**source, "checksum": f"sha256:{'1' * 64}"}}).failure
    assert "cannot be reached from this host" in failure


EVIL = {
    "parent": ([(info("../../evil", 1), b"x")], "lies outside"),
    "absolute": ([(info("/srv/evil", 1), b"x")], "lies outside"),
    "link out": ([(info("app-1.0/out", kind=tarfile.SYMTYPE, target="/etc/passwd"), b"")], "lies outside"),
    "chain of links": (
        [(info("app-1.0/a", kind=tarfile.SYMTYPE, target="."), b""), (info("app-1.0/b", kind=tarfile.SYMTYPE, target="a/.."), b"")],
        "lies outside",
    ),
    "device": ([(info("app-1.0/null", kind=tarfile.CHRTYPE), b"")], "device or a pipe"),
}


@pytest.mark.parametrize("what", EVIL)
def test_evil_members_are_refused(fresh: Host, tmp_path: Path, what: str) -> None:
    members, words = EVIL[what]
    path = tar(tmp_path / "app.tar", *members)
    assert words in fresh.release({"name": "shop", "source": {"archive": str(path), "checksum": checksum(path)}}).failure
    assert fresh.sh("find / -xdev -name evil -not -path '/proc/*'") == ""
    assert fresh.sh("ls -A /srv/flask/shop/releases") == ""


def test_file_that_is_not_an_archive_is_refused(fresh: Host, tmp_path: Path) -> None:
    (tmp_path / "app.tar").write_text("hello")
    source = {"archive": str(tmp_path / "app.tar"), "checksum": checksum(tmp_path / "app.tar")}
    assert "cannot be read" in fresh.release({"name": "shop", "source": source}).failure
