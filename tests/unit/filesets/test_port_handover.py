# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handover of ports to the units of a fileset, with a fake systemd."""

from __future__ import annotations

import getpass
import grp
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import port_handover
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import transaction as fileset
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.record import known
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.transaction import Fileset, FilesetError
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths, units
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import CommandError

OWN, PREVIOUS = "nginx.service", "apache2.service"


class Manager:
    """What systemd knows: which units run, which start at boot, and who listens where. ``asked`` are the calls that cost a process."""

    def __init__(self, active: set[str], enabled: set[str], ports: dict[str, set[int]]) -> None:
        self.active, self.enabled, self._ports = set(active), set(enabled), ports
        self.asked: list[str] = []
        self.broken: set[str] = set()
        #: Units on their way out, and how often they are still seen so.
        self.ending: dict[str, int] = {}

    def states(self, names: list[str]) -> dict[str, dict[str, str]]:
        self.asked += ["show"] if names else []
        return {name: {"ActiveState": self._state(name), "UnitFileState": "enabled" if name in self.enabled else "disabled"} for name in names}

    def _state(self, name: str) -> str:
        if self.ending.get(name, 0):
            self.ending[name] -= 1
            return "deactivating"
        return "active" if name in self.active else "inactive"

    def ports(self, names: list[str]) -> dict[str, set[int]]:
        self.asked += ["ss"] if names else []
        return {name: self._ports.get(name, set()) if name in self.active else set() for name in names}

    def systemctl(self, verb: str, *words: str, **dummy: t.Any) -> None:
        names = {word for word in words if not word.startswith("--")}
        if verb == "start" and names & self.broken:
            raise CommandError(f"bind() to 0.0.0.0:443 failed (98: Address already in use)\n{names}")
        if verb in ("enable", "disable"):
            self.enabled = self.enabled | names if verb == "enable" else self.enabled - names
        if verb in ("start", "stop") or "--now" in words:
            self.active = self.active | names if verb in ("start", "enable") else self.active - names

    def run(self, command: str | list[str], **dummy: t.Any) -> None:
        words = command.split() if isinstance(command, str) else command
        if words == ["false"]:
            raise CommandError("refused")
        if words[1] not in ("reset-failed", "kill"):
            self.systemctl(*words[1:])


@pytest.fixture
def manage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> t.Callable[..., Manager]:
    """Make the transaction talk to such a systemd."""
    monkeypatch.setattr(paths, "FILESETS", str(tmp_path))

    def make(active: set[str], enabled: set[str], **held: set[int]) -> Manager:
        manager = Manager(active, enabled, {f"{name}.service": ports for name, ports in held.items()})
        for name in ("states", "ports", "systemctl"):
            monkeypatch.setattr(units, name, getattr(manager, name))
        monkeypatch.setattr(units, "journal", lambda name: "")
        monkeypatch.setattr(port_handover, "run", manager.run)
        monkeypatch.setattr(fileset, "run", manager.run)
        monkeypatch.setattr(fileset, "_UNIT_FOLDERS", (f"{tmp_path}/system/",))
        monkeypatch.setattr(fileset, "assert_trusted_parents", lambda path: None)
        monkeypatch.setattr(port_handover, "_RELEASE_SECONDS", 0.0)
        return manager

    return make


def run(check: bool = False, **changed: t.Any) -> dict[str, t.Any]:
    params = {"name": "set", "files": [], "validate": [], "activate": [], "live": [], "confirm": [], "rehearse": False}
    return Fileset({**params, "units": [{"name": OWN, "on_change": "reload"}], "replaces": [PREVIOUS], **changed}, check=check).run()


def file(path: Path) -> dict[str, t.Any]:
    ours = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
    return {"path": str(path), "content": "[Service]\n", "state": "file", "link": None, "mode": None, "secret": False, **ours}


@pytest.mark.parametrize("enabled", [set(), {PREVIOUS}])
def test_previous_unit_on_our_ports_is_stopped_without_a_change(manage: t.Callable[..., Manager], enabled: set[str]) -> None:
    manager = manage({OWN, PREVIOUS}, {OWN} | enabled, nginx={80, 443}, apache2={80, 443})
    assert run(check=True)["diff"] == [{"prepared": f"{PREVIOUS} was on in place of {OWN}\n"}] and manager.active == {OWN, PREVIOUS}
    result = run()
    assert result["changed"] and result["steps"][-1] == f"systemctl disable --now {PREVIOUS}"
    assert (manager.active, manager.enabled) == ({OWN}, {OWN})
    assert run()["changed"] is False


def test_previous_unit_that_starts_at_boot_is_disabled(manage: t.Callable[..., Manager]) -> None:
    manager = manage({OWN}, {OWN, PREVIOUS}, nginx={80, 443}, apache2={80, 443})
    assert run()["changed"] and manager.enabled == {OWN}


def test_previous_unit_that_took_over_yields_again(manage: t.Callable[..., Manager]) -> None:
    manager = manage({PREVIOUS}, {PREVIOUS}, nginx={80, 443}, apache2={80, 443})
    assert run()["changed"]
    assert (manager.active, manager.enabled) == ({OWN}, {OWN})


def test_previous_unit_restarts_if_the_own_unit_fails(manage: t.Callable[..., Manager]) -> None:
    manager = manage({PREVIOUS}, {PREVIOUS}, nginx={80, 443}, apache2={80, 443})
    manager.broken = {OWN}
    with pytest.raises(FilesetError, match="Address already in use"):
        run()
    assert manager.active == {PREVIOUS}


def test_service_on_other_ports_stays(manage: t.Callable[..., Manager]) -> None:
    manager = manage({OWN, PREVIOUS}, {OWN, PREVIOUS}, nginx={80, 443}, apache2={8080})
    assert run()["changed"] is False and manager.active == {OWN, PREVIOUS}


def test_unused_unit_costs_no_process(manage: t.Callable[..., Manager]) -> None:
    manager = manage({OWN}, {OWN}, nginx={80, 443})
    assert run()["changed"] is False
    assert manager.asked == ["show"], "one process, as without units to replace"


def test_unit_of_a_refused_change_is_removed(manage: t.Callable[..., Manager], tmp_path: Path) -> None:
    manager = manage(set(), set())
    with pytest.raises(FilesetError, match="refused\nThe old files are back and active"):
        run(files=[file(tmp_path / "system" / OWN)], replaces=[], confirm=["false"])
    assert (manager.active, manager.enabled) == (set(), set()) and known() == []


def test_removed_slice_is_not_stopped(manage: t.Callable[..., Manager], tmp_path: Path) -> None:
    manager = manage({"flask.slice"}, set())
    with pytest.raises(FilesetError, match="refused"):
        run(files=[file(tmp_path / "system/flask.slice")], units=[], replaces=[], confirm=["false"])
    assert manager.active == {"flask.slice"}


def test_drop_in_stays_until_its_unit_has_ended(manage: t.Callable[..., Manager], tmp_path: Path) -> None:
    manager = manage(set(), set())
    run(files=[file(tmp_path / "system/nginx.service.d/a.conf")], units=[], replaces=[])
    manager.ending = {OWN: 2}
    run(units=[], replaces=[])
    assert manager.ending == {OWN: 0} and not (tmp_path / "system/nginx.service.d/a.conf").exists()
