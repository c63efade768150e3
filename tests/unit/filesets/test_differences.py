# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual changes to a fileset: the survey sees them, and the next run reports them."""

from __future__ import annotations

import getpass
import grp
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import survey, transaction
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.manifest import Manifest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.record import Record
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.transaction import Fileset
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.marks import Mark, Marks
from ansible_collections.flaskyard.server.plugins.module_utils._host.wishes import wish

US = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
ACCESS = f"{US['owner']}:{US['group']}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in, and the folders of sysusers.d and tmpfiles.d in it."""
    monkeypatch.setattr(paths, "FILESETS", str(tmp_path / "state"))
    monkeypatch.setattr(transaction, "assert_trusted_parents", lambda path: None)
    monkeypatch.setattr(survey, "_SYSUSERS", f"{tmp_path}/sysusers.d/")
    monkeypatch.setattr(survey, "_TMPFILES", f"{tmp_path}/tmpfiles.d/")
    return tmp_path


def run(content: dict[Path, str], **more: t.Any) -> dict[str, t.Any]:
    declared = [{"path": str(path), "content": text, "state": "file", "link": None, "mode": None, "secret": False, **US} for path, text in content.items()]
    params: dict[str, t.Any] = {
        "name": "set",
        "files": declared,
        "validate": [],
        "activate": [],
        "live": [],
        "units": [],
        "replaces": [],
        "confirm": [],
        "rehearse": False,
        **more,
    }
    return Fileset(params, check=False, wish=wish(params)).run()


def differences() -> list[str]:
    return list(survey.survey()["set"]["differences"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "was missing"),
        (lambda path: path.write_text("other\n"), "was changed"),
        (lambda path: path.chmod(0o666), f"was {ACCESS} 0666, not {ACCESS} 0644"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/hosts")), "was a link"),
    ],
)
def test_manual_changes_are_seen_repaired_and_reported(place: Path, change: t.Callable[[Path], t.Any], words: str) -> None:
    run({place / "a": "one\n"})
    assert differences() == []
    change(place / "a")
    assert differences() == [f"{place}/a {words}"]
    result = run({place / "a": "one\n"})
    assert result["changed"] and result["repaired"] == [f"{place}/a {words}"]
    assert (place / "a").read_text() == "one\n" and differences() == []


def test_file_that_must_be_absent_is_noticed(place: Path) -> None:
    absent = {"path": str(place / "a"), "content": None, "state": "absent", "link": None, "mode": None, "secret": False, **US}
    run({}, files=[absent])
    (place / "a").write_text("again\n")
    assert differences() == [f"{place}/a had come back"]
    assert run({}, files=[absent])["repaired"] and not (place / "a").exists()


def test_new_declaration_is_a_change_and_not_a_repair(place: Path) -> None:
    run({place / "a": "one\n"})
    assert run({place / "a": "two\n"})["repaired"] == []


def test_lost_effect_of_activation_is_repaired(place: Path) -> None:
    mark, told = place / "mark", place / "told"
    steps = {"activate": [f"touch {told} {mark}"], "live": [f"test -e {mark}"]}
    run({place / "a": "one\n"}, **steps)
    told.unlink()
    assert run({place / "a": "one\n"}, **steps)["changed"] is False and not told.exists()
    mark.unlink()
    assert len(differences()) == 1 and f"test -e {mark}" in differences()[0]
    assert run({place / "a": "one\n"}, **steps)["changed"] and told.exists() and differences() == []


def test_directories_that_tmpfiles_makes_are_looked_at(place: Path) -> None:
    made = place / "made"
    content = {place / "tmpfiles.d" / "a.conf": f"# Ansible managed\nd {made} 0750 {US['owner']} {US['group']}\n"}
    activate = {"activate": [f"install -d -m 0750 -o {US['owner']} -g {US['group']} {made}"]}
    run(content, **activate)
    assert differences() == []
    made.chmod(0o777)
    assert differences() == [f"{made} was {ACCESS} 0777, not {ACCESS} 0750"]
    assert run(content, **activate)["repaired"] and differences() == []
    made.rmdir()
    assert differences() == [f"{made} was missing"]


def test_accounts_that_sysusers_makes_are_looked_at(place: Path) -> None:
    run({place / "sysusers.d" / "a.conf": f"u nobody-like-that - - / -\nu {US['owner']} -\nm {US['owner']} nogroup\n"})
    assert differences() == ["account nobody-like-that was missing", f"account {US['owner']} was not in group nogroup"]


def test_manifests_of_earlier_versions_are_read_and_checked_again(place: Path) -> None:
    for stored in (["/etc/a"], {"paths": ["/etc/a"], "secret": ["/etc/a"]}):
        manifest = Manifest.load(stored)
        assert list(manifest.marks) == ["/etc/a"] and manifest.wish == ""
    assert Manifest.load(Manifest(Marks({"/etc/a": Mark("link", target="b")}), wish="w").store()) == Manifest(
        Marks({"/etc/a": Mark("link", target="b")}), wish="w"
    )


def test_killed_run_is_seen(place: Path) -> None:
    run({place / "a": "one\n"})
    Record("set").save({})
    assert differences() == ["a run was cut short"]
