# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every app of this host runs what was last declared, and is healthy."""

from __future__ import annotations

import concurrent.futures
import os
import typing as t

from .._host import paths, units
from .folder import Folder, Record
from .parts import with_runs
from .slots import MANAGERS, Slots

_APPS_AT_ONCE = 16
#: The folder with the slots of an app, as in the app model. The records there have everything else.
_SLOTS = "/etc/flask/{}/slots"


def survey() -> dict[str, dict[str, t.Any]]:
    """For each app that has slots: the recorded C(wish); C(differences), what does not hold, in words; the current C(slot), its C(release) and its
    C(protocol); C(retained), the slots that only the proxy's present configuration uses; C(failed), the units of schedules whose last run failed.
    """
    names = sorted(os.listdir(paths.APPS)) if os.path.isdir(paths.APPS) else []
    records = {name: found for name in names if (found := _records(name)) is not None}
    states = {
        manager: kind.states([part for found in records.values() for record in found.values() if record.manager == manager for part in record.names])
        for manager, kind in MANAGERS.items()
    }
    runs = {run for found in records.values() for record in found.values() for run in _runs(record)}
    failed = {run for run, state in units.states([*runs]).items() if state.get("ActiveState") == "failed"} if runs else set()
    with concurrent.futures.ThreadPoolExecutor(_APPS_AT_ONCE) as pool:
        return dict(zip(records, pool.map(lambda found: _look(found, states, failed), records.values()), strict=True))


def serving(name: str) -> Record | None:
    """The record of an app's serving slot; None if no slot serves, or it has no record."""
    records = _records(name) or {}
    slots = Slots(next(iter(records.values())).app) if records else None
    return records.get(slots.links.current() or "") if slots else None


def present() -> list[str]:
    """The apps that have slots here."""
    names = sorted(os.listdir(paths.APPS)) if os.path.isdir(paths.APPS) else []
    return [name for name in names if _records(name) is not None]


def undeclared(declared: t.Collection[str]) -> list[str]:
    """The apps that have slots here and are not declared."""
    return [name for name in present() if name not in declared]


def _records(name: str) -> dict[str, Record] | None:
    """Records by slot; None for an app without slots."""
    folder = _SLOTS.format(name)
    slots = os.listdir(folder) if os.path.isdir(folder) else []
    found = {slot: Folder({"paths": {"slots": folder}}, slot).record() for slot in slots}
    return {slot: record for slot, record in found.items() if record} if slots else None


def _runs(record: Record) -> list[str]:
    """The units that the timers of a slot start."""
    return [part for part in with_runs(record.names) if part not in record.names]


def _look(records: dict[str, Record], states: dict[str, dict[str, dict[str, str]]], failed: set[str]) -> dict[str, t.Any]:
    unknown: dict[str, t.Any] = {"wish": "", "differences": ["the slot that runs has no record"], "slot": None, "release": None, "protocol": None}
    unknown |= {"retained": [], "failed": []}
    if not records:
        return unknown
    slots = Slots(next(iter(records.values())).app)
    current = slots.links.current()
    record = records.get(current or "")
    if record is None:
        return {**unknown, "slot": current}
    slots = Slots(record.app)
    left = [f"slot {slot} was left over" for slot in slots.left_over()]
    differences, retained = drift(slots, record, states[record.manager]) + left, [*slots.links.retained().values()]
    return {
        "wish": record.wish,
        "differences": differences,
        "slot": current,
        "release": record.release,
        "protocol": record.app["protocol"],
        "retained": retained,
        "failed": sorted(failed & {*_runs(record)}),
    }


def drift(slots: Slots, record: Record, states: dict[str, dict[str, str]]) -> list[str]:
    """What has changed in the current slot since it was made, in words.

    :param states: of its parts, from its manager.
    """
    notes = [*record.differences(), *slots.managers[record.manager].differences(record.names, states), *slots.links.differences(record.release)]
    healthy, answer = slots.gate.answer(slots.socket(slots.links.current() or ""))
    return notes if healthy else [*notes, f"its health check gave {answer}"]
