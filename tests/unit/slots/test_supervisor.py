# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots under supervisor, over its real protocol, with a fake supervisord that runs nothing."""

from __future__ import annotations

import configparser
import contextlib
import functools
import os
import pwd
import select
import signal
import socketserver
import subprocess
import threading
import typing as t
import xmlrpc.client
import xmlrpc.server
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths, units
from ansible_collections.flaskyard.server.plugins.module_utils._slots import change as change_module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import supervisor as module
from ansible_collections.flaskyard.server.plugins.module_utils._slots import systemd
from ansible_collections.flaskyard.server.plugins.module_utils._slots.change import Change, SlotError
from ansible_collections.flaskyard.server.plugins.module_utils._slots.parts import Part, split
from ansible_collections.flaskyard.server.plugins.module_utils._slots.recipe import TOKENS, Recipe
from ansible_collections.flaskyard.server.plugins.module_utils._slots.slots import Slots
from ansible_collections.flaskyard.server.plugins.module_utils._slots.supervisor import SupervisorSlots, resume
from ansible_collections.flaskyard.server.plugins.module_utils._slots.supervisor_client import Supervisor

OLD, NEW = "aaaaaaaaaa", "bbbbbbbbbb"


def web(slot: str) -> str:
    return f"flask-shop@{slot}"


def worker(slot: str, number: int = 1) -> str:
    return f"{web(slot)}-process.worker.{number}"


def parts(slot: str) -> list[Part]:
    """A server and two instances of a process."""
    texts = {"program": f"[fcgi-program:{web(slot)}]\n", "gunicorn.conf.py": ""}
    texts |= {f"process.worker.{number}.program": f"[program:{worker(slot, number)}]\n" for number in (1, 2)}
    found, others = split(texts, SupervisorSlots.is_starter)
    assert list(others) == ["gunicorn.conf.py"]
    return found


class Supervisord:
    """The states and faults of https://supervisord.org/subprocess.html, without processes. What starts is C(STARTING) the first time that somebody asks.

    :param folders: whose sections it reads.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.known: dict[str, list[str]] = {}
        self.state: dict[str, str] = {}
        #: What does not stay up; what has a job to finish, so it stops when the test says so.
        self.dies, self.busy = set[str](), set[str]()
        self.started: list[str] = []
        self.restart()

    def restart(self) -> None:
        """It was killed, and comes back: all that it can read starts."""
        self.state.clear()
        self.reloadConfig()
        for group in self.known:
            self.addProcessGroup(group)
            self.startProcessGroup(group, False)
        self.getAllProcessInfo()

    def ends(self, group: str) -> None:
        """A program that was told to stop has finished its job."""
        for process in self._of(group):
            assert self.state[process] == "STOPPING"
            self.state[process] = "STOPPED"

    def __contains__(self, group: str) -> bool:
        return any(self.state[process] in ("STARTING", "RUNNING") for process in self._of(group))

    def _of(self, group: str) -> list[str]:
        return [process for process in self.state if process.partition(":")[0] == group]

    def getAllProcessInfo(self) -> list[dict[str, t.Any]]:
        found = []
        for process, state in self.state.items():
            group, dummy, name = process.partition(":")
            found.append({"group": group, "name": name, "statename": state, "pid": 0, "spawnerr": "Exited too quickly" if state == "BACKOFF" else ""})
            if state == "STARTING":
                self.state[process] = "BACKOFF" if group in self.dies else "RUNNING"
        return found

    def reloadConfig(self) -> None:
        sections = configparser.RawConfigParser()
        sections.read(sorted(str(path) for folder in self.folders for path in folder.glob("*.conf")))
        self.known = {name.partition(":")[2]: ["0", "1"] if name.startswith("fcgi-") else [name.partition(":")[2]] for name in sections.sections()}

    def addProcessGroup(self, group: str) -> None:
        if self._of(group):
            raise xmlrpc.client.Fault(90, f"ALREADY_ADDED: {group}")
        if group not in self.known:
            raise xmlrpc.client.Fault(10, f"BAD_NAME: {group}")
        self.state |= {f"{group}:{name}": "STOPPED" for name in self.known[group]}

    def removeProcessGroup(self, group: str) -> None:
        if not self._of(group):
            raise xmlrpc.client.Fault(10, f"BAD_NAME: {group}")
        for process in self._of(group):
            if self.state[process] not in ("STOPPED", "EXITED", "FATAL"):
                raise xmlrpc.client.Fault(91, f"STILL_RUNNING: {group}")
            del self.state[process]

    def startProcess(self, process: str, wait: bool) -> None:
        if self.state[process] in ("STARTING", "RUNNING", "BACKOFF"):
            raise xmlrpc.client.Fault(60, f"ALREADY_STARTED: {process}")
        if self.state[process] != "STOPPING":  # such a start is lost
            self.started.append(process)
            self.state[process] = "STARTING"

    def startProcessGroup(self, group: str, wait: bool) -> None:
        for process in self._of(group):
            if self.state[process] not in ("STARTING", "RUNNING", "BACKOFF"):
                self.startProcess(process, wait)

    def stopProcess(self, process: str, wait: bool) -> None:
        if self.state[process] not in ("STARTING", "RUNNING", "BACKOFF"):
            raise xmlrpc.client.Fault(70, f"NOT_RUNNING: {process}")
        self.state[process] = "STOPPING" if process.partition(":")[0] in self.busy else "STOPPED"

    def stopProcessGroup(self, group: str, wait: bool) -> None:
        if not self._of(group):
            raise xmlrpc.client.Fault(10, f"BAD_NAME: {group}")
        for process in self._of(group):
            if self.state[process] in ("STARTING", "RUNNING", "BACKOFF"):
                self.stopProcess(process, wait)


class Requests(xmlrpc.server.SimpleXMLRPCRequestHandler):
    rpc_paths = ("/", "/RPC2")
    disable_nagle_algorithm = False

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server(socketserver.UnixStreamServer, xmlrpc.server.SimpleXMLRPCDispatcher):
    """supervisord's socket."""

    def __init__(self, path: Path, supervisord: Supervisord) -> None:
        xmlrpc.server.SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        socketserver.UnixStreamServer.__init__(self, str(path), Requests)
        for name in dir(supervisord):
            if "Process" in name or name == "reloadConfig":
                self.register_function(getattr(supervisord, name), f"supervisor.{name}")


class Site:
    """A host with one app, and how it went so far: C(later) is what goes on in the background."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.enabled, self.trial, self.socket = folder / "etc", folder / "run", folder / "sock"
        for place in (self.enabled, self.trial, folder / "units"):
            place.mkdir()
        self.later: list[tuple[str, ...]] = []
        monkeypatch.setattr(os, "fchown", lambda *dummy: None)
        monkeypatch.setattr(module, "_ENABLED", str(self.enabled))
        monkeypatch.setattr(module, "_TRIAL", str(self.trial))
        monkeypatch.setattr(module, "_INTERVAL_SECONDS", 0)
        monkeypatch.setattr(module, "Supervisor", functools.partial(Supervisor, str(self.socket)))
        monkeypatch.setattr(module, "in_background", lambda what, unit, program: self.later.append((what, unit, program)))
        monkeypatch.setattr(units, "states", lambda names: {name: {"ActiveState": "active" if name in str(self.later) else "inactive"} for name in names})
        monkeypatch.setattr(module, "run", None)
        monkeypatch.setattr(systemd, "_UNITS", str(folder / "units"))
        monkeypatch.setattr(systemd, "run", None)
        app = {
            "name": "shop",
            "unit": "flask-shop",
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "paths": {"run": str(self.trial)},
            "graceful_timeout_seconds": 1,
        }
        app |= {"healthcheck": {"timeout_seconds": 1}, "work": {"stop_seconds": 1, "healthy_after_seconds": 1}}
        self.slots = SupervisorSlots(app)
        self.supervisord = Supervisord(self.enabled, self.trial)

    def serve(self, slot: str) -> None:
        """Have the web server of a slot run, and start at boot."""
        self.slots.install(slot, parts(slot))
        self.slots.start(slot)
        self.slots.enable(slot)

    def differences(self, slot: str) -> list[str]:
        names = self.slots.names(slot, parts(slot))
        return self.slots.differences(names, self.slots.states(names))


@pytest.fixture
def dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A host where supervisord does not run."""
    return Site(tmp_path, monkeypatch)


@pytest.fixture
def site(dead: Site) -> t.Iterator[Site]:
    with Server(dead.socket, dead.supervisord) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield dead
        server.shutdown()
        thread.join()


def test_processes_start_after_the_switch_and_at_boot(site: Site) -> None:
    site.slots.install(NEW, parts(NEW))
    site.slots.start(NEW)
    assert web(NEW) in site.supervisord and worker(NEW) not in site.supervisord
    site.supervisord.restart()
    assert web(NEW) in site.supervisord and worker(NEW) not in site.supervisord, "whoever restarts supervisord before the switch starts no process"
    site.slots.enable(NEW)
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == [] and site.differences(NEW) == []
    assert sorted(path.name for path in site.enabled.iterdir()) == sorted(f"{name}.conf" for name in (web(NEW), worker(NEW), worker(NEW, 2)))
    assert list(site.trial.iterdir()) == []
    site.supervisord.restart()
    assert worker(NEW) in site.supervisord and worker(NEW, 2) in site.supervisord


def test_stopped_processes_stay_stopped(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.slots.stop_work(OLD)
    assert worker(OLD) not in site.supervisord and web(OLD) in site.supervisord
    site.supervisord.restart()
    assert worker(OLD) not in site.supervisord and web(OLD) in site.supervisord


def test_process_that_does_not_stay_up_is_named(site: Site) -> None:
    site.serve(NEW)
    site.supervisord.dies = {worker(NEW, 2)}
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == [f"{worker(NEW, 2)} does not stay up"]


def test_process_in_backoff_is_started_now(site: Site) -> None:
    site.serve(NEW)
    site.supervisord.dies = {worker(NEW)}
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) and site.supervisord.state[f"{worker(NEW)}:{worker(NEW)}"] == "BACKOFF"
    site.supervisord.dies = set()
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == []


def test_old_process_starts_again_after_its_job(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.supervisord.busy = {worker(OLD)}
    site.slots.stop_work(OLD)
    assert site.supervisord.state[f"{worker(OLD)}:{worker(OLD)}"] == "STOPPING"
    site.slots.start_work(OLD, wait=False)
    assert worker(OLD, 2) in site.supervisord
    assert site.later == [("resume", f"flaskyard-resume-flask-shop:{OLD}-process.worker.1.service", worker(OLD))]
    threading.Timer(0.3, site.supervisord.ends, [worker(OLD)]).start()
    resume(worker(OLD), 20)
    assert worker(OLD) in site.supervisord


def test_two_undone_changes_wait_once_for_each_process(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    for busy in (worker(OLD), worker(OLD, 2)):
        site.supervisord.busy.add(busy)
        site.slots.stop_work(OLD)
        site.slots.start_work(OLD, wait=False)
    assert [program for _what, _unit, program in site.later] == [worker(OLD), worker(OLD, 2)]


def test_process_does_not_restart_after_another_deploy(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.supervisord.busy = {worker(OLD)}
    site.slots.stop_work(OLD)
    site.slots.start_work(OLD, wait=False)
    site.slots.stop_work(OLD)
    site.supervisord.ends(worker(OLD))
    resume(worker(OLD), 20)
    assert worker(OLD) not in site.supervisord


def test_start_waits_for_the_running_job(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.supervisord.busy = {worker(OLD)}
    site.slots.stop_work(OLD)
    threading.Timer(0.3, site.supervisord.ends, [worker(OLD)]).start()
    site.slots.start_work(OLD)
    assert site.later == [] and site.slots.failed_work(OLD) == [] and site.differences(OLD) == []


@pytest.mark.parametrize("state", ["STOPPED", "STARTING", "STOPPING", "EXITED", "BACKOFF", "FATAL"])
def test_stopped_process_is_drift_and_is_repaired(site: Site, state: str) -> None:
    site.serve(NEW)
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == []
    site.supervisord.state[f"{worker(NEW)}:{worker(NEW)}"] = state
    assert site.differences(NEW) == [f"{worker(NEW)} was {state}"]
    if state == "STOPPING":
        site.supervisord.ends(worker(NEW))
    site.slots.install(NEW, parts(NEW))
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == [] and site.differences(NEW) == []


def test_section_that_somebody_removed_is_drift_and_is_repaired(site: Site) -> None:
    site.serve(NEW)
    site.slots.start_work(NEW)
    (site.enabled / f"{worker(NEW)}.conf").unlink()
    site.supervisord.restart()
    assert site.differences(NEW) == [f"{worker(NEW)} was not known to supervisord", f"{worker(NEW)} was not started at boot"]
    site.slots.install(NEW, parts(NEW))
    site.slots.start_work(NEW)
    assert site.slots.failed_work(NEW) == [] and site.differences(NEW) == []


def test_paused_slot_runs_again(site: Site) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.slots.stop(OLD)
    assert not site.slots.has(NEW) and site.slots.has(OLD)
    assert web(OLD) not in site.supervisord and worker(OLD) not in site.supervisord
    site.slots.start(OLD)
    site.slots.start_work(OLD, wait=False)
    assert site.slots.failed_work(OLD) == [] and site.differences(OLD) == []


def test_nothing_of_a_removed_slot_stays(site: Site) -> None:
    for slot in (OLD, NEW):
        site.serve(slot)
        site.slots.start_work(slot)
    site.slots.stop_work(OLD)
    (site.trial / web(OLD)).write_text("99999999 0")
    (site.trial / worker(OLD, 2)).write_text("99999999 0")
    # As after a boot, when supervisord knows a program of which no section is left.
    (site.trial / f"{worker(OLD, 2)}.waits").unlink()
    site.slots.finish(OLD)
    site.slots.remove(OLD)
    assert {process.partition(":")[0] for process in site.supervisord.state} == {web(NEW), worker(NEW), worker(NEW, 2)}
    assert list(site.trial.iterdir()) == [] and not [path for path in site.enabled.iterdir() if OLD in path.name]
    assert site.slots.failed_work(NEW) == [] and site.differences(NEW) == []


@pytest.mark.parametrize("step", ["pause", "remove"])
def test_orphaned_children_end_with_their_slot(site: Site, step: str) -> None:
    site.serve(OLD)
    site.slots.start_work(OLD)
    site.slots.stop_work(OLD)
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], start_new_session=True, stdout=subprocess.PIPE) as left:
        assert left.stdout and left.stdout.readline()
        (site.trial / worker(OLD)).write_text(f"{left.pid} 0")
        try:
            site.slots._user = "nobody"
            site.slots.pause(OLD)
            assert left.poll() is None, "a group of this number that is not the app's"
            site.slots._user = pwd.getpwuid(os.getuid()).pw_name
            getattr(site.slots, step)(OLD)
            assert left.wait(10) == -signal.SIGKILL
            assert select.select([left.stdout], [], [], 10)[0] and not left.stdout.read(), "nothing else of the group has the pipe"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(left.pid, signal.SIGKILL)


def test_systemd_slot_is_left_alone_without_supervisord(dead: Site) -> None:
    dead.slots.enable(OLD)
    dead.slots.start_work(OLD, wait=False)
    dead.slots.stop_work(OLD)
    dead.slots.finish(OLD)
    dead.slots.remove(OLD)
    assert not dead.slots.has(OLD) and dead.supervisord.started == []


def test_work_of_a_dead_supervisord_can_be_left(dead: Site) -> None:
    dead.slots.install(OLD, parts(OLD))
    dead.slots.enable(OLD)
    dead.slots.stop_work(OLD)
    dead.slots.remove(OLD)
    assert not list(dead.enabled.iterdir()) and not list(dead.trial.iterdir())


def test_restarts_since_the_boot_are_reported(site: Site) -> None:
    site.serve(NEW)
    site.slots.start_work(NEW)
    (site.trial / worker(NEW)).write_text("4711 3")
    (site.trial / web(NEW)).write_text("4711")
    states = site.slots.states([web(NEW), worker(NEW), worker(NEW, 2)])
    assert [states[name]["restarts"] for name in states] == ["0", "3", "0"]


def test_log_has_the_exit_status_of_a_program(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.serve(NEW)
    site.supervisord.dies = {worker(NEW)}
    site.slots.start_work(NEW)
    site.slots.failed_work(NEW)

    class Done:
        stdout = '{"_STREAM_ID": "a1"}\n'

    asked: list[str] = []

    def journalctl(command: list[str], check: bool) -> type[Done]:
        asked.append(command[-1])
        return Done

    monkeypatch.setattr(module, "run", journalctl)
    monkeypatch.setattr(units, "printed", lambda name, match: f"{match[0]}\n")
    log = site.slots.log(NEW, 0)
    assert list(log) == [web(NEW), worker(NEW), worker(NEW, 2)] and asked == [f"MESSAGE={name} starts" for name in log]
    assert log[worker(NEW)] == f"_STREAM_ID=a1\n{worker(NEW)} has ended: Exited too quickly\n"
    assert log[worker(NEW, 2)] == "_STREAM_ID=a1\n"


#: What a server prints that has nothing to do with its processes.
OTHER = "Traceback (most recent call last):\n  a frame\nKeyError: 'basket'\n"


class Gate:
    """A gate that is content."""

    def answer(self, path: str) -> tuple[bool, str]:
        return True, "status 200"

    def speaks(self, path: str) -> bool:
        return True

    def wait(self, path: str, dead: t.Callable[[], str]) -> None:
        pass


class App:
    """The app of a site as changes see it."""

    def __init__(self, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.supervisord = site.supervisord
        places = {name: str(folder / "app" / name) for name in ("releases", "venvs", "current", "slots", "secret_key", "run")}
        Path(places["run"]).mkdir(parents=True)
        app: dict[str, t.Any] = {"name": "shop", "unit": "flask-shop", "user": site.slots._user, "canonical": "", "mount": "", "protocol": "http"}
        app |= {"paths": {**places, "socket": f"{places['run']}/current.sock"}, "graceful_timeout_seconds": 1}
        app |= {"healthcheck": {"path": "/", "status": None, "timeout_seconds": 1, "successes": 1}, "work": {"stop_seconds": 9, "healthy_after_seconds": 1}}
        monkeypatch.setattr(os, "chown", lambda *dummy, **__: None)
        monkeypatch.setattr(paths, "APPS", str(folder / "apps"))
        monkeypatch.setattr(module, "_printed", lambda program, since: "no queue\n" if "process" in program else OTHER)
        monkeypatch.setattr(change_module, "retire", self.retire)
        self.slots = Slots(app)
        monkeypatch.setattr(self.slots.links, "_record", str(folder / "current.conf"))
        monkeypatch.setattr(self.slots, "retires", lambda slot: False)
        monkeypatch.setattr(self.slots, "drain", lambda slot: None)
        self.slots.managers, self.slots.gate = {"supervisor": SupervisorSlots(app)}, Gate()  # type: ignore[assignment]
        self.change("r0").ensure_secret_key()

    def change(self, release: str) -> Change:
        name = f"flask-shop@{TOKENS['slot']}"
        files = {"program": f"[fcgi-program:{name}]\n; {release}\n"}
        files |= {f"process.worker.{number}.program": f"[program:{name}-process.worker.{number}]\n" for number in (1, 2)}
        return Change(self.slots, Recipe(release, f"/srv/{release}", files, ""), "supervisor", "wish")

    def run(self, release: str) -> str:
        change = self.change(release)
        change.run()
        return str(change.wanted())

    @staticmethod
    def retire(slots: Slots, slot: str) -> None:
        for manager in slots.managers.values():
            manager.finish(slot)
        slots.discard(slot)

    def differences(self, release: str) -> list[str]:
        change = self.change(release)
        return change.differences(module.SupervisorSlots.states(change.names()))

    def runs(self) -> set[str]:
        """The slots of which a program runs."""
        return {process.partition("@")[2][:10] for process, state in self.supervisord.state.items() if state in ("STARTING", "RUNNING")}


@pytest.fixture
def app(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    return App(site, tmp_path, monkeypatch)


def test_change_brings_the_processes_along(app: App) -> None:
    old = app.run("r1")
    assert app.differences("r1") == [] and worker(old, 2) in app.supervisord
    new = app.run("r2")
    assert app.differences("r2") == [] and app.runs() == {new} and worker(new, 2) in app.supervisord
    app.supervisord.restart()
    assert app.differences("r2") == [] and app.runs() == {new}


def test_process_that_does_not_stay_up_undoes_the_change(app: App) -> None:
    old = app.run("r1")
    dying = worker(str(app.change("r2").wanted()))
    app.supervisord.dies = {dying}
    with pytest.raises(SlotError) as error:
        app.run("r2")
    assert str(error.value).startswith(f"work: no queue\n{dying} does not stay up\nthe new slot ")
    assert f"slot {old} serves as before" in str(error.value)
    app.supervisord.getAllProcessInfo()
    assert app.differences("r1") == [] and app.runs() == {old}
    assert worker(old) in app.supervisord and worker(old, 2) in app.supervisord
