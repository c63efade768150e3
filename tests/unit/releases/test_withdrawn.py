# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources whose release was withdrawn by a rollback."""

from __future__ import annotations

import os
import platform
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.builder import Builder
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Outcome, Records, ReleaseError, short_hash
from ansible_collections.flaskyard.server.plugins.module_utils._releases.settings import Settings

PYTHON = ".".join(platform.python_version_tuple()[:2])


class Host:
    """An app on a host in a folder, whose releases are made without doing anything."""

    def __init__(self, folder: Path) -> None:
        names = ("releases", "venvs", "state", "cache", "source")
        self.folder, self.paths = folder, {name: str(folder / name) for name in names}
        for path in self.paths.values():
            os.mkdir(path)
        self.records = Records({"name": "shop", "paths": self.paths}, str(folder / "apps"))

    def builder(self, revision: str, redeploy: bool = False) -> Builder:
        app: dict[str, t.Any] = {
            **{"name": "shop", "user": "root", "build_user": "root", "paths": self.paths, "public": {"release": [], "state": []}, "served": {}, "python": None},
            **{
                "installer": "pip",
                "requirements": None,
                "server_requirements": [],
                "build_command": None,
                "persist": [],
                "persist_files": [],
                "directory": None,
                "build_packages": [],
                "install_project": None,
            },
            "source": {"kind": "path", "location": "/code", "version": None, "revision": revision},
        }
        made = Builder(app, Settings(pythons={PYTHON: "/usr/bin/python3"}), None, threading.Semaphore(), redeploy)
        made.records = made.publication._records = self.records
        return made

    def build(self, revision: str, before: str = "") -> str:
        """Have a release, and have it serve."""
        made = self.builder(revision)
        made.version = PYTHON
        inputs = made._unspoilt(made._inputs(revision))
        identity = short_hash(inputs)
        for kind, name, record in (("venvs", "v1", {}), ("releases", identity, {"venv": "v1", "python": PYTHON, "source": {"revision": revision}})):
            Path(self.paths[kind], name).mkdir(exist_ok=True)
            self.records.put(t.cast(t.Any, kind), {"id": name, "inputs": inputs, "status": "built", "public": [], **record})
        self.records.serves(identity, before)
        return identity


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    return Host(tmp_path)


def look(host: Host, revision: str, redeploy: bool = False, check: bool = True) -> Outcome:
    return host.builder(revision, redeploy).run(check)


def went_back(host: Host) -> tuple[str, str]:
    """The releases before and after which somebody went back."""
    old = host.build("sha256:1")
    new = host.build("sha256:2", before=old)
    host.records.note(new, withdrawn={"at": "2026-01-02T03:04:05", "by": "ada@laptop"})
    host.records.serves(old, before=new)
    return old, new


@pytest.mark.parametrize("check", [True, False])
def test_older_release_serves_until_the_source_changes(host: Host, check: bool) -> None:
    old, new = went_back(host)
    outcome = look(host, "sha256:2", check=check)
    assert (outcome.release["id"], outcome.changed, outcome.withdrawn) == (
        *(old, False),
        {"id": new, "words": f"{new} (2)", "at": "2026-01-02T03:04:05", "by": "ada@laptop"},
    )
    assert look(host, "sha256:1").withdrawn is None
    other = look(host, "sha256:3")
    assert other.to_build and other.withdrawn is None


def test_withdrawn_release_serves_again_on_request(host: Host) -> None:
    _old, new = went_back(host)
    for check in (True, False):
        outcome = look(host, "sha256:2", redeploy=True, check=check)
        assert (outcome.release["id"], outcome.withdrawn) == (new, None)
        assert outcome.diff == [{"prepared": f"put release {new} (2) to use again, which ada@laptop withdrew\n"}]
    assert look(host, "sha256:2").changed is False and look(host, "sha256:2").release["id"] == new


def test_damage_to_a_withdrawn_release_does_not_bring_it_back(host: Host) -> None:
    old, new = went_back(host)
    Path(host.paths["releases"], new, "more").touch()
    assert look(host, "sha256:2").release["id"] == old
    assert look(host, "sha256:2", redeploy=True).to_build, "it is rebuilt beside the damaged one"


def test_damaged_or_missing_older_release_does_not_serve(host: Host) -> None:
    old, _new = went_back(host)
    Path(host.paths["releases"], old, "more").touch()
    with pytest.raises(ReleaseError, match="somebody has changed by hand since; change the source, or run again with -e redeploy=true"):
        look(host, "sha256:2")
    host.records.remove("releases", old)
    with pytest.raises(ReleaseError, match="no other is left here that served well; change the source, or run again with -e redeploy=true"):
        look(host, "sha256:2")
