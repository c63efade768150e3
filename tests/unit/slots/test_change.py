# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three phases of a change, with a fake process manager, gate and clock: every failure, and a kill at every moment."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import CommandError
from ansible_collections.flaskyard.server.plugins.module_utils._host.path_state import PathState, write_path
from ansible_collections.flaskyard.server.plugins.module_utils._slots import change as change_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import links as links_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots.change import Change, SlotError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.gate import GateError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.parts import Part
from ansible_collections.flaskyard.server.plugins.module_utils._slots.recipe import Recipe
from ansible_collections.flaskyard.server.plugins.module_utils._slots.slots import Slots


class Killed(BaseException):
    """The run ends here, as SIGKILL ends it: nothing is tidied up."""


class Manager:
    """A process manager. What it did is in C(log_of); C(kill_at) is the number of the call during which the run is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running, self.enabled = folder, set[str](), set[str]()
        self.calls: list[str] = []
        self.kill_at = -1
        self.fails_to_start: set[str] = set()
        self.fails_to_work: set[str] = set()
        self.is_gone = False
        self.working: set[str] = set()

    def did(self, what: str) -> None:
        self.calls.append(what)
        if len(self.calls) - 1 == self.kill_at:
            raise Killed

    def is_starter(self, name: str) -> bool:
        return name == "service"

    def names(self, slot: str, parts: list[Part]) -> list[str]:
        return [slot]

    def states(self, names: list[str]) -> dict[str, dict[str, str]]:
        return {name: {"on": "yes"} for name in names if name in self.running & self.enabled}

    def differences(self, names: list[str], states: dict[str, dict[str, str]]) -> list[str]:
        return [f"{name} was dead" for name in names if name not in states]

    def path_states(self, slot: str, parts: list[Part]) -> dict[str, PathState]:
        return {
            f"{self.folder}/{slot}.service": PathState("file", part.starters["service"].encode(), uid=os.getuid(), gid=os.getgid(), mode=0o644)
            for part in parts
        }

    def install(self, slot: str, parts: list[Part]) -> None:
        self.did(f"install {slot}")
        for path, state in self.path_states(slot, parts).items():
            write_path(path, state)

    def start(self, slot: str) -> None:
        self.did(f"start {slot}")
        if slot in self.fails_to_start:
            raise CommandError("it exited with 3")
        self.running.add(slot)

    def restart(self, slot: str) -> None:
        self.did(f"restart {slot}")

    def enable(self, slot: str) -> None:
        self.did(f"enable {slot}")
        if (self.folder / f"{slot}.service").exists():
            self.enabled.add(slot)

    def start_work(self, slot: str, after: str | None = None, wait: bool = True) -> None:
        if (self.folder / f"{slot}.service").exists():
            self.did(f"start work {slot}")
            self.working.add(slot)

    def has(self, slot: str) -> bool:
        return (self.folder / f"{slot}.service").exists()

    def pause(self, slot: str) -> None:
        self.did(f"pause {slot}")
        self.running.discard(slot)
        self.working.discard(slot)

    def stop_work(self, slot: str) -> None:
        self.did(f"stop work {slot}")
        self.working.discard(slot)

    def failed_work(self, slot: str) -> list[str]:
        if self.is_gone:
            raise CommandError("supervisord did not answer")
        return [f"the worker of {slot} does not stay up"] if slot in self.fails_to_work else []

    def dead(self, slot: str) -> str:
        return ""

    def log(self, slot: str, since: float) -> dict[str, str]:
        return {slot: "Traceback (most recent call last):\n  a frame\nKeyError: 'A'\n"}

    def kill(self, slot: str) -> None:
        self.did(f"kill {slot}")

    def remove(self, slot: str) -> None:
        self.did(f"remove {slot}")
        self.running.discard(slot)
        self.enabled.discard(slot)
        self.working.discard(slot)
        (self.folder / f"{slot}.service").unlink(missing_ok=True)


class Gate:
    """A gate with prepared answers; C(public) is what the public address gives, one answer after the other."""

    public_url = "https://shop.test/"

    def __init__(self) -> None:
        self.ill: set[str] = set()
        self.silent: set[str] = set()
        self.public: list[bool] = []

    def answer(self, path: str) -> tuple[bool, str]:
        return (False, "status 500") if Path(path).stem in self.ill else (True, "status 200")

    def speaks(self, path: str) -> bool:
        return Path(path).stem not in self.silent

    def wait(self, path: str, dead: t.Callable[[], str]) -> None:
        if Path(path).stem in self.ill:
            raise GateError("GET / gave status 500")

    def public_answer(self) -> tuple[bool, str]:
        healthy = self.public.pop(0) if self.public else True
        return healthy, "status 200" if healthy else "status 502"


@dataclasses.dataclass
class Site:
    """One app on a host in a folder."""

    app: dict[str, t.Any]
    slots: Slots
    manager: Manager
    gate: Gate

    def change(self, release: str, wish: str = "wish") -> Change:
        return Change(self.slots, Recipe(release, f"/srv/{release}", {"service": f"run {release}", "conf": "a setting"}, ""), "systemd", wish)

    def run(self, release: str) -> str:
        """Bring a release about, and return the name of its slot."""
        change = self.change(release)
        change.run()
        return str(change.wanted())

    @property
    def current(self) -> str | None:
        return self.slots.links.current()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    monkeypatch.setattr(os, "chown", lambda *dummy, **__: None)
    monkeypatch.setattr(paths, "APPS", str(tmp_path / "apps"))
    names = ("releases", "venvs", "current", "slots", "secret_key", "run")
    places = {name: str(tmp_path / name) for name in names} | {"socket": str(tmp_path / "run" / "current.sock")}
    for name in ("releases", "slots", "run"):
        (tmp_path / name).mkdir()
    app: dict[str, t.Any] = {"name": "shop", "unit": "flask-shop", "user": "root", "canonical": "shop.test", "mount": "", "protocol": "http", "paths": places}
    app |= {"healthcheck": {"path": "/", "status": None, "timeout_seconds": 1, "successes": 1}, "graceful_timeout_seconds": 1}
    slots = Slots(app)
    monkeypatch.setattr(slots.links, "_record", str(tmp_path / "current.conf"))
    manager, gate = Manager(tmp_path), Gate()
    slots.managers, slots.gate = {"systemd": manager}, gate  # type: ignore[dict-item, assignment]
    monkeypatch.setattr(slots, "drain", lambda slot: manager.did(f"drain {slot}"))
    monkeypatch.setattr(slots, "retires", lambda slot: False)

    def retire(slots: Slots, slot: str) -> None:
        slots.drain(slot)
        slots.discard(slot)

    monkeypatch.setattr(change_module, "retire", retire)
    site = Site(app, slots, manager, gate)
    site.change("r0").ensure_secret_key()
    return site


def test_change_stops_the_old_slot_last(site: Site) -> None:
    old = site.run("r1")
    site.manager.calls.clear()
    new = site.run("r2")
    web, work = [f"install {new}", f"start {new}", f"enable {new}"], [f"stop work {old}", f"start work {new}"]
    assert site.manager.calls == [*web, *work, f"drain {old}", f"remove {old}"]
    assert (site.current, site.slots.present(), site.manager.running, site.manager.working) == (new, [new], {new}, {new})
    assert site.slots.links.release() == "releases/r2"


def test_healthy_slot_has_no_differences(site: Site) -> None:
    slot = site.run("r1")
    assert site.change("r1").differences(site.manager.states([slot])) == []
    assert site.change("r1", wish="another").differences(site.manager.states([slot])) == [f"write down what slot {slot} was asked for"]


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(
    ("failure", "says"),
    [
        ("start", "start: KeyError: 'A'\nit exited with 3\n"),
        ("gate", "gate: GET / gave status 500 (KeyError: 'A')\n"),
        ("public address", "public check: https://shop.test/ gave status 502 (KeyError: 'A')\nthe switch was undone\n"),
        ("work", "work: KeyError: 'A'\nthe worker of "),
        ("manager", "work: KeyError: 'A'\nsupervisord did not answer\n"),
    ],
)
def test_old_slot_serves_after_any_failure(site: Site, failure: str, says: str, exclusive: bool) -> None:
    site.app["exclusive"] = exclusive
    old = site.run("r1")
    change = site.change("r2")
    new = str(change.wanted())
    if failure == "start":
        site.manager.fails_to_start = {new}
    elif failure == "gate":
        site.gate.ill = {new}
    elif failure == "work":
        site.manager.fails_to_work = {new}
    elif failure == "manager":
        site.manager.is_gone = True
    else:
        site.gate.public = [False, False] if exclusive else [True, False, False]
    with pytest.raises(SlotError, match=f"slot {old} serves as before") as error:
        change.run()
    assert str(error.value).startswith(says)
    assert str(error.value).endswith(f"--- journal of {new}\nTraceback (most recent call last):\n  a frame\nKeyError: 'A'")
    assert (site.current, site.slots.present(), site.manager.running, site.manager.working) == (old, [old], {old}, {old})
    assert site.slots.links.release() == "releases/r1"


def test_slots_of_an_exclusive_app_never_run_at_once(site: Site) -> None:
    site.app["exclusive"] = True
    old = site.run("r1")
    site.manager.calls.clear()
    change = site.change("r2")
    change.start()
    assert site.manager.calls == [], "until all other hosts are ready"
    change.finish()
    new = change.wanted()
    assert site.manager.calls[:3] == [f"install {new}", f"pause {old}", f"start {new}"]
    assert site.current == new and change.gap_seconds > 0


def test_unhealthy_public_address_does_not_fail_a_new_slot(site: Site) -> None:
    site.run("r1")
    site.gate.public = [False, False, False]
    assert site.run("r2") == site.current


def test_first_slot_that_fails_leaves_nothing(site: Site) -> None:
    site.manager.fails_to_start = {str(site.change("r1").wanted())}
    with pytest.raises(SlotError, match="nothing of the app was serving before"):
        site.run("r1")
    assert (site.current, site.slots.present(), site.manager.running) == (None, [], set())


def test_first_slot_whose_worker_dies_leaves_nothing(site: Site) -> None:
    site.manager.fails_to_work = {str(site.change("r1").wanted())}
    with pytest.raises(SlotError, match="nothing of the app was serving before"):
        site.run("r1")
    assert (site.current, site.slots.present(), site.manager.running, site.slots.links.release()) == (None, [], set(), "")


@pytest.mark.parametrize("phase", range(7))
def test_run_killed_anywhere_keeps_serving_and_is_finished(site: Site, phase: int) -> None:
    old = site.run("r1")
    site.manager.calls.clear()
    site.manager.kill_at = phase
    with pytest.raises(Killed):
        site.run("r2")
    serves = site.current
    assert serves in site.manager.running & site.manager.enabled
    assert serves in {old, site.change("r2").wanted()}
    site.manager.kill_at = -1
    new = site.run("r2")
    assert (site.current, site.slots.present(), site.manager.running, site.manager.working) == (new, [new], {new}, {new})
    assert site.change("r2").differences(site.manager.states([new])) == []


@pytest.mark.parametrize("phase", range(7))
def test_run_in_phases_killed_anywhere_is_finished_by_the_next(site: Site, phase: int) -> None:
    site.run("r1")
    site.manager.calls.clear()
    site.manager.kill_at = phase
    with pytest.raises(Killed):
        site.change("r2").start()
        site.change("r2").finish()
    assert site.current in site.manager.running & site.manager.enabled
    site.manager.kill_at = -1
    site.change("r2").start()
    if site.current != site.change("r2").wanted():
        site.change("r2").finish()
    new = site.change("r2").wanted()
    assert (site.current, site.slots.present(), site.manager.working) == (new, [new], {new})


def test_cancelled_start_keeps_the_old_slot(site: Site) -> None:
    old = site.run("r1")
    site.change("r2").start()
    assert site.current == old and len(site.slots.present()) == 2
    site.change("r2").cancel()
    assert (site.current, site.slots.present(), site.manager.running, site.manager.working) == (old, [old], {old}, {old})
    site.change("r1").cancel()
    assert site.current == old, "what serves is never cancelled"


def test_slot_removed_by_another_run_is_not_used(site: Site) -> None:
    old = site.run("r1")
    site.change("r2").start()
    site.run("r1")  # it takes the started slot for left over
    site.gate.silent = {str(site.change("r2").wanted())}
    with pytest.raises(SlotError, match="another run changes the app"):
        site.change("r2").finish()
    assert site.current == old


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda site, slot: Path(site.slots.folder(slot).path, "conf").unlink(), "conf was missing"),
        (lambda site, slot: Path(site.slots.folder(slot).path, "env").chmod(0o644), "env was"),
        (lambda site, slot: Path(site.manager.folder, f"{slot}.service").write_text("other"), "service was changed"),
        (lambda site, slot: Path(site.app["paths"]["current"]).unlink(), "current was missing"),
        (lambda site, slot: Path(site.app["paths"]["socket"]).unlink(), "current.sock was missing"),
        (lambda site, slot: Path(site.app["paths"]["secret_key"]).chmod(0o644), "secret_key was open to others"),
        (lambda site, slot: site.manager.running.clear(), "was dead"),
    ],
)
def test_manual_change_to_a_slot_is_reported_and_repaired(site: Site, damage: t.Callable[[Site, str], None], words: str) -> None:
    slot = site.run("r1")
    damage(site, slot)
    change = site.change("r1")
    notes = change.differences(site.manager.states([slot]))
    assert len(notes) == 1 and words in notes[0] and change.was_asked_before()
    site.manager.calls.clear()
    change.ensure_secret_key()
    change.run()
    assert not any(call.startswith(("remove", "kill", "restart")) for call in site.manager.calls), "nobody's request was cut"
    assert change.differences(site.manager.states([slot])) == []


def test_lost_secret_key_comes_back_from_the_slot(site: Site) -> None:
    slot = site.run("r1")
    path = Path(site.app["paths"]["secret_key"])
    key = path.read_text()
    path.unlink()
    change = site.change("r1")
    change.ensure_secret_key()
    assert path.read_text() == key and change.wanted() == slot, "nobody is logged out"


def test_running_slot_without_an_answer_is_restarted(site: Site) -> None:
    slot = site.run("r1")
    site.gate.silent = {slot}
    site.change("r1").run()
    assert f"restart {slot}" in site.manager.calls


def test_unhealthy_slot_that_answers_stays_and_fails_the_run(site: Site) -> None:
    slot = site.run("r1")
    site.gate.ill = {slot}
    assert site.change("r1").differences(site.manager.states([slot])) == ["its health check gave status 500"]
    with pytest.raises(SlotError, match=f"slot {slot}, which serves, does not pass this check") as error:
        site.change("r1").run()
    assert f"journal of {slot}" in str(error.value)
    assert site.current == slot and slot in site.manager.running and f"restart {slot}" not in site.manager.calls


def test_leftovers_of_a_killed_run_are_removed(site: Site) -> None:
    slot = site.run("r1")
    Path(site.app["paths"]["slots"], "0000000000").mkdir()
    assert site.change("r1").differences(site.manager.states([slot])) == ["remove the left-over slot 0000000000"]
    site.change("r1").run()
    assert site.slots.present() == [slot]


def test_new_protocol_gets_a_separate_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old = site.run("r1")
    # The app's server comes to speak FastCGI.
    site.app["paths"]["socket"] = site.app["paths"]["socket"].replace("current", "fastcgi")
    monkeypatch.setattr(site.slots, "links", links_module.Links(site.app))
    monkeypatch.setattr(site.slots.links, "_record", str(Path(site.app["paths"]["run"]).parent / "current.conf"))
    new = site.run("r2")
    assert site.current == new and list(site.slots.links.retained().values()) == [old] and site.manager.running == {old, new}
    site.slots.retire_old()
    assert site.slots.links.retained() == {} and site.manager.running == {new} and site.slots.present() == [new]


def test_undeclared_app_is_stopped(site: Site) -> None:
    site.run("r1")
    site.slots.stop()
    assert (site.current, site.slots.present(), site.manager.running) == (None, [], set())
