# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what runs of each app, whether it is healthy, and who put it there; also requests of the last minute, certificates, backups, timers and disks."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import time
import typing as t

from .._backup.cli import status as backup_status
from .._certificates import store
from .._host import commands, units
from .._host.errors import HostError
from .._host.program import say
from .._releases import wished
from .._releases.records import Records, describe
from .._slots.folder import Record
from .._slots.gate import Gate
from .._slots.parts import with_runs
from .._slots.slots import MANAGERS, Slots
from .._slots.survey import present, serving
from .releases import by, moment
from .traffic import last_minute

_APPS_AT_ONCE = 8
_ASKED = ("Id", "ActiveState", "SubState", "NRestarts", "MemoryCurrent", "ActiveEnterTimestamp")
_TLS = "/etc/flask-tls"
_DISKS = ("/srv/flask", "/var/lib", "/var/log")
#: The part of a unit's name that marks a schedule.
_SCHEDULE = "-schedule."
#: systemd's values for a number that a unit does not have.
_NO_NUMBER = ("", "[not set]", str(2**64 - 1))
_NOT_WELL = 3
#: How long an app may take to answer its health check, in seconds.
_HEALTH_SECONDS = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs; Ansible has it as ansible_local.flaskyard")


def run(given: argparse.Namespace) -> int:
    """Print the status. The exit status says whether everything runs and is healthy, and the last backup and its verification succeeded."""
    found = collect()
    say(json.dumps(found, indent=1) if given.json else "\n".join(lines(found)))
    saved = [found["backup"].get(what, {}).get("ok", True) for what in ("run", "verify")]
    return 0 if all(saved) and all(app["runs"] and app["healthy"] for app in found["apps"].values()) else _NOT_WELL


def collect() -> dict[str, t.Any]:
    """The status of all apps, with one call to systemd."""
    records = {name: serving(name) for name in present()}
    with concurrent.futures.ThreadPoolExecutor(_APPS_AT_ONCE) as pool:
        every = [part for record in records.values() if record for part in with_runs(record.names)]
        requests = pool.submit(last_minute, {name: record.app for name, record in records.items() if record}, time.time())
        names = [part for part in every if part.endswith((".service", ".socket", ".timer"))]
        states, timers = pool.submit(units.states, names, _ASKED), pool.submit(_timers)
        certificates = dict(zip(records, pool.map(_certificate, records), strict=True))
        health = dict(zip(records, pool.map(_health, records.values()), strict=True))
        programs = MANAGERS["supervisor"].states(
            [part for record in records.values() if record and record.manager == "supervisor" for part in record.names if part not in names]
        )
        parts = {name: _unit(name, state) for name, state in states.result().items()} | {name: _program(programs.get(name, {})) for name in programs}
    backup = _backup()
    apps = {name: {**_app(name, record, parts, certificates[name], backup, timers.result()), **health[name]} for name, record in records.items()}
    for name, number in requests.result().items():
        apps[name]["requests_last_minute"] = number
    own = {unit: at for unit, at in timers.result().items() if "@" not in unit}
    return {"apps": apps, "timers": own, "backup": backup, "disks": {path: disk for path in _DISKS if (disk := _disk(path))}}


def _app(
    name: str, record: Record | None, parts: dict[str, dict[str, t.Any]], certificate: int | None, backup: dict[str, t.Any], timers: dict[str, str]
) -> dict[str, t.Any]:
    if record is None:
        return {"runs": False, "release": None, "slot": None, "parts": {}, "certificate_days_left": certificate}
    slots, records = Slots(record.app), Records(record.app)
    release = records.get("releases", record.release) or {"id": record.release}
    own = {part: parts.get(part, {"state": "not known", "runs": False}) for part in with_runs(record.names)}
    declared = (wished.recall(name) or {}).get("declared", record.release)
    return {
        "runs": all(part["runs"] for part in own.values()),
        "release": {
            "id": release["id"],
            "words": describe(release),
            "version": (release.get("source") or {}).get("version"),
            "revision": (release.get("source") or {}).get("revision"),
            "since": release.get("served", {}).get("at"),
            "by": release.get("served", {}).get("by"),
        },
        "withdrawn": None if declared == record.release else records.withdrawal(declared),
        "slot": slots.links.current(),
        "manager": record.manager,
        "parts": own,
        "certificate_days_left": certificate,
        "timers": {unit: at for unit, at in timers.items() if unit.startswith(f"{record.app['unit']}@")},
        "saved": _of_app(name, backup, "run"),
        "proven": _of_app(name, backup, "verify"),
    }


def _unit(name: str, state: dict[str, str]) -> dict[str, t.Any]:
    # A schedule's service is dead between two runs. That is not an error.
    is_run = _SCHEDULE in name and name.endswith(".service")
    well = state.get("ActiveState") in ("active", "activating", "deactivating", "inactive") if is_run else units.is_up(state)
    waits = is_run and state.get("ActiveState") == "inactive"
    found: dict[str, t.Any] = {"state": "waiting" if waits else state.get("SubState") or "not there", "runs": well}
    if state.get("NRestarts"):
        found["restarts"] = int(state["NRestarts"])
    if (memory := state.get("MemoryCurrent", "")) not in _NO_NUMBER:
        found["memory_mb"] = round(int(memory) / 2**20)
    return found


def _program(state: dict[str, str]) -> dict[str, t.Any]:
    found = {"state": state.get("state", "not known").lower(), "runs": state.get("state") == "RUNNING"}
    return {**found, "restarts": int(state["restarts"])} if "restarts" in state else found


def _health(record: Record | None) -> dict[str, t.Any]:
    """Whether an app passes its health check now, and its answer."""
    if record is None:
        return {"healthy": False, "answer": "nothing serves"}
    healthy, answer = Gate(record.app).answer(record.app["paths"]["socket"], _HEALTH_SECONDS)
    return {"healthy": healthy, "answer": answer}


def _certificate(name: str) -> int | None:
    """The days until an app's certificate expires."""
    folder = store.Store(_TLS).live(name)
    certificate = store.load(folder) if folder else None
    return int((certificate.not_after - time.time()) // 86400) if certificate else None


def _timers() -> dict[str, str]:
    """The next time of each of our timers."""
    try:
        found = json.loads(commands.run(["systemctl", "list-timers", "--output=json", "--", "flask-*"]).stdout)
    except (commands.CommandError, ValueError):
        return {}
    return {one["unit"]: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(one["next"] / 1e6)) for one in found if one.get("next")}


def _backup() -> dict[str, t.Any]:
    """The outcome of the last backup and the last verification."""
    with contextlib.suppress(OSError, ValueError, HostError):
        return {what: {key: noted[key] for key in ("time", "ok", "error", "apps") if key in noted} for what, noted in json.loads(backup_status()).items()}
    return {}


def _of_app(name: str, backup: dict[str, t.Any], what: str) -> dict[str, t.Any] | None:
    """How the last backup or proof of an app went: that of the host, if a backup has been made since the app is there."""
    saved = (backup.get("run") or {}).get("apps")
    noted = backup.get(what) if saved is None or name in saved else None
    return noted and {key: value for key, value in noted.items() if key != "apps"}


def _disk(path: str) -> dict[str, int] | None:
    """The free space on the disk of a folder."""
    if not os.path.isdir(path):
        return None
    found = os.statvfs(path)
    return {"free_mb": found.f_bavail * found.f_frsize // 2**20, "used_percent": 100 - 100 * found.f_bavail // max(found.f_blocks, 1)}


def lines(found: dict[str, t.Any]) -> t.Iterator[str]:
    """The result of C(collect), for people to read."""
    for name, app in found["apps"].items():
        yield f"{name}{': NOT EVERYTHING RUNS' if not app['runs'] else '' if app['healthy'] else ': NOT HEALTHY'}"
        yield from (f"  {line}" for line in _lines_of(app))
    if not found["apps"]:
        yield "no apps"
    for unit, at in found["timers"].items():
        yield f"next {unit} {moment(at)}"
    if not found["backup"]:
        yield "no backup yet"
    for path, disk in found["disks"].items():
        yield f"disk of {path}: {disk['free_mb']} MB free, {disk['used_percent']} % used"


def _lines_of(app: dict[str, t.Any]) -> t.Iterator[str]:
    if app["release"] is None:
        yield "nothing serves, or an earlier version of Flaskyard started it; run site or deploy"
        return
    since = f", since {moment(app['release']['since'])}{by(app['release'])}" if app["release"]["since"] else ""
    yield f"release {app['release']['words']}{since}"
    if withdrawn := app["withdrawn"]:
        when = f" {moment(withdrawn['at'])}" if withdrawn["at"] else ""
        yield f"release {withdrawn['words']} is declared, and was withdrawn{when}{by(withdrawn)}"
    yield f"slot {app['slot']}, under {app['manager']}"
    yield f"health check: {app['answer']}"
    for part, state in app["parts"].items():
        more = [f"{state['restarts']} restarts" if state.get("restarts") else "", f"{state['memory_mb']} MB" if "memory_mb" in state else ""]
        yield ", ".join([f"{part} {state['state']}", *filter(None, more)])
    if "requests_last_minute" in app:
        yield f"{app['requests_last_minute']} requests in the last minute"
    if app["certificate_days_left"] is not None:
        yield f"certificate good for {app['certificate_days_left']} days"
    for unit, at in app["timers"].items():
        yield f"next {unit} {moment(at)}"
    yield ", ".join(_noted(words, app[key]) for key, words in (("saved", "backup"), ("proven", "proven")))


def _noted(words: str, noted: dict[str, t.Any] | None) -> str:
    if noted is None:
        return f"{words} never"
    return f"{words} {moment(noted['time'])}" if noted["ok"] else f"{words} FAILED {moment(noted['time'])}"
