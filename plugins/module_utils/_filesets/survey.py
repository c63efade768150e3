# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a set declares is in place and in use, by its units and by the host."""

from __future__ import annotations

import os
import typing as t

from .._host import units
from .._host.accounts import group_name, members, user_id, user_name
from .._host.commands import CommandError, run
from .._host.path_state import read_path
from .manifest import Manifest
from .port_handover import in_the_way
from .record import Record, recorded

States = dict[str, dict[str, str]]
_SYSUSERS, _TMPFILES = "/etc/sysusers.d/", "/etc/tmpfiles.d/"


def survey() -> dict[str, dict[str, t.Any]]:
    """For each set of this host, the recorded C(wish), and C(differences): what does not hold, in words."""
    manifests = {name: Record(name).manifest() for name in recorded()}
    found = units.states(sorted({unit for manifest in manifests.values() for unit in (*manifest.units, *manifest.replaces)}))
    return {name: {"wish": manifest.wish, "differences": differences(name, manifest, found)} for name, manifest in manifests.items()}


def differences(name: str, manifest: Manifest, found: States) -> list[str]:
    """What does not hold of a set's manifest, in words."""
    notes = [*interrupted(name), *manifest.marks.differences(), *lagging(manifest.units, manifest.replaces, found)]
    return notes + not_in_use(manifest.marks, manifest.live)


def interrupted(name: str) -> list[str]:
    """Whether a run was killed while it changed a set, in words."""
    return ["a run was cut short"] if Record(name).interrupted else []


def lagging(names: list[str], replaces: list[str], found: States) -> list[str]:
    """What is wrong with units, in words.

    :param found: their states, and those of the units that they replace.
    """
    notes = []
    for name in names:
        state = found[name]
        if not units.is_up(state):
            notes.append(f"{name} was {state.get('SubState') or 'not there'}")
        if not units.is_enabled(state):
            notes.append(f"{name} was {state.get('UnitFileState') or 'not'} at boot")
        if state.get("NeedDaemonReload") == "yes":
            notes.append(f"{name} ran with an older unit file")
    return notes + [f"{name} was on in place of {', '.join(names)}" for name in in_the_way(replaces, names, found)]


def not_in_use(paths: t.Iterable[str], commands: t.Iterable[str]) -> list[str]:
    """What the system does not do as the files at these paths say, in words.

    :param commands: commands that must succeed.
    """
    notes = []
    for path in paths:
        if path.startswith(_SYSUSERS):
            notes += _accounts(path)
        elif path.startswith(_TMPFILES):
            notes += _directories(path)
    for command in commands:
        try:
            run(command)
        except CommandError as error:
            notes.append(" ".join(str(error).split()))
    return notes


def _accounts(path: str) -> list[str]:
    """The missing accounts and memberships of a sysusers.d(5) file."""
    notes = []
    for words in _lines(path):
        if words[0] == "u" and user_id(words[1]) < 0:
            notes.append(f"account {words[1]} was missing")
        if words[0] == "m" and words[1] not in members(words[2]):
            notes.append(f"account {words[1]} was not in group {words[2]}")
    return notes


def _directories(path: str) -> list[str]:
    """The missing or different directories of a tmpfiles.d(5) file."""
    notes = []
    for kind, place, mode, owner, group, *dummy in (words for words in _lines(path) if len(words) >= 5):
        state = read_path(place)
        wanted = f"{owner}:{group} {mode}"
        if kind == "d" and state.kind != "directory":
            notes.append(f"{place} was {'missing' if state.kind == 'absent' else f'a {state.kind}'}")
        elif kind == "d" and (stands := f"{user_name(state.uid)}:{group_name(state.gid)} {state.mode:04o}") != wanted:
            notes.append(f"{place} was {stands}, not {wanted}")
    return notes


def _lines(path: str) -> list[list[str]]:
    """The words of each line that is not a comment; empty if the file is missing, which its mark shows."""
    if not os.path.exists(path):
        return []
    return [line.split() for line in read_path(path).text.splitlines() if line.strip() and not line.startswith("#")]
