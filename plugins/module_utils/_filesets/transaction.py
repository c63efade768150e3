# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction behind the module fileset."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._host import units
from .._host.accounts import group_id, user_id
from .._host.commands import CommandError, run
from .._host.errors import HostError
from .._host.locks import Busy
from .._host.path_state import ABSENT, PathError, PathState, assert_trusted_parents, read_path, write_all
from .port_handover import PortHandover
from .record import Record
from .rehearsal import rehearse
from .survey import differences, interrupted, lagging, not_in_use

_UNIT_FOLDERS = ("/etc/systemd/system/", "/run/systemd/system/")


class FilesetError(HostError):
    """The set could not be put in place. The old files are back."""


class Fileset:
    """One set, from the module's parameters.

    :param wish: the wish, to be recorded when everything is in place.
    """

    def __init__(self, params: dict[str, t.Any], check: bool, wish: str = "") -> None:
        self._params = params
        self._wish = wish
        self._check = check
        self._record = Record(params["name"])
        self._wanted = {item["path"]: self._wanted_state(item) for item in params["files"]}
        self._secret = {item["path"] for item in params["files"] if item["secret"]}
        self._was_secret = {*self._record.manifest().secret}
        self._steps: list[str] = []
        self._retired: list[str] = []
        self._handover: PortHandover | None = None
        self._declared_units = {unit["name"]: unit["on_change"] for unit in params["units"]}
        self._units = dict(self._declared_units)
        #: The paths for which a unit reloads, for units that reload only for some.
        self._unit_files = {unit["name"]: {*unit["files"]} for unit in params["units"] if unit.get("files")}
        self._told: set[str] = set()

    def run(self) -> dict[str, t.Any]:
        """Compare, replace, validate, activate, confirm; or only validate, on a copy.

        :returns: the module's result.
        :raises FilesetError: after the old files are back.
        """
        try:
            with contextlib.nullcontext() if self._check else self._record.locked():
                return self._rehearse() if self._params["rehearse"] else self._run()
        except (Busy, CommandError, PathError, OSError) as error:
            raise FilesetError(f"fileset {self._params['name']}: {error}") from error

    def _run(self) -> dict[str, t.Any]:
        unfinished = interrupted(self._params["name"])
        repaired = self._repaired()
        if unfinished and not self._check:
            self._restore()
        changes = self._changes()
        behind = self._lagging_units()
        unused = [] if changes or unfinished else not_in_use(self._wanted, self._params["live"])
        if not self._check:
            if changes or unfinished:
                self._apply(changes, bool(unfinished))
            elif behind or unused:
                self._catch_up(activate=bool(unused))
            self._remember()
        notes = repaired or [*unfinished, *behind, *unused]
        return {
            "changed": bool(changes or notes),
            "changed_paths": sorted(changes),
            "steps": self._steps,
            "repaired": repaired,
            "diff": [self._diff(path, *pair) for path, pair in sorted(changes.items())] + [{"prepared": f"{note}\n"} for note in notes],
        }

    def _rehearse(self) -> dict[str, t.Any]:
        """Validate the new files on a copy."""
        changes, commands = self._changes(), self._params["validate"]
        if changes and not self._check:
            self._steps += commands
            try:
                rehearse(self._record.rehearsal, {path: after for path, (_before, after) in changes.items()}, commands)
            except (CommandError, PathError, OSError) as error:
                raise FilesetError(f"{error}\nThe new files of {self._params['name']} were tried on a copy, and none of them is in place.") from error
        return {"changed": False, "changed_paths": [], "steps": self._steps, "repaired": []}

    def _repaired(self) -> list[str]:
        """The drift, in words: what no longer holds although the same wish was in place before."""
        manifest = self._record.manifest()
        if not self._wish or manifest.wish != self._wish:
            return []
        return differences(self._params["name"], manifest, units.states([*manifest.units, *manifest.replaces]))

    def _remember(self) -> None:
        more = {key: self._params[key] for key in ("replaces", "live")}
        self._record.own(self._wanted, secret=sorted(self._secret), units=list(self._declared_units), wish=self._wish, **more)
        self._record.forget()
        if not self._wanted:
            self._record.remove()

    def _wanted_state(self, item: dict[str, t.Any]) -> PathState:
        if item["link"]:
            return PathState("link", target=item["link"])
        if item["state"] == "absent":
            return ABSENT
        owner: dict[str, t.Any] = {"uid": user_id(item["owner"]), "gid": group_id(item["group"])}
        missing = [item[key] for key, number in (("owner", owner["uid"]), ("group", owner["gid"])) if number < 0]
        if missing and not self._check:
            raise FilesetError(f"{item['path']}: the host has no account or group {missing[0]!r}; the role that makes it must run first")
        if item["state"] == "directory":
            return PathState("directory", mode=int(item["mode"] or "0755", 8), **owner)
        content = item["content"]
        if content is None:
            raise FilesetError(f"{item['path']}: a file needs content or a template")
        return PathState("file", content=content.encode(), mode=int(item["mode"] or "0644", 8), **owner)

    def _changes(self) -> dict[str, tuple[PathState, PathState]]:
        wanted = {path: self._record.original(path) for path in self._record.owned() if path not in self._wanted}
        wanted.update(self._wanted)
        changes = {}
        for path, after in wanted.items():
            assert_trusted_parents(path)
            before = read_path(path)
            if not before.same_as(after):
                changes[path] = (before, after)
        return changes

    def _apply(self, changes: dict[str, tuple[PathState, PathState]], active: bool) -> None:
        """Replace the files and tell the services.

        :param active: whether services may be running with other files than the old ones.
        """
        self._record.save({path: before for path, (before, _after) in changes.items()})
        # If this run has restored the files of a killed one, services may be running with any of them.
        self._told = {*self._wanted} if active else {*changes}
        try:
            _let_end(changes)
            self._retire_units(changes)
            write_all({path: after for path, (_before, after) in changes.items()})
            self._reload_manager(changes)
            self._commands("validate")
            active = True
            self._activate()
        except (CommandError, PathError, OSError) as error:
            again = self._undo(active)
            raise FilesetError(f"{error}\nThe old files are back{again}.") from error

    def _activate(self) -> None:
        self._commands("activate")
        self._handover = PortHandover(self._params["replaces"], list(self._units), self._steps)
        self._handover.take_ports(lambda: self._bring_up(changed=True))
        self._commands("confirm")

    def _catch_up(self, activate: bool) -> None:
        """Bring unchanged files into use: start lagging units, and hand the ports over to them.

        :param activate: whether to run the activate commands, too.
        """
        if activate:
            self._commands("activate")
        handover = PortHandover(self._params["replaces"], list(self._units), self._steps)
        try:
            handover.take_ports(lambda: self._bring_up(changed=False))
        except CommandError:
            handover.start_previous()
            raise
        if left := not_in_use(self._wanted, ()):
            raise CommandError(f"after a repair, still {'; '.join(left)}")

    def _restore(self) -> list[str]:
        """Restore the old files, and stop the units that have no file among them. Returns the names of these units."""
        saved = self._record.saved()
        changes = {path: (read_path(path), after) for path, after in saved.items()}
        _let_end(changes)
        leaving = _leaving_units(changes)
        if leaving:
            run(["systemctl", "disable", "--now", "--quiet", *leaving], check=False)
        self._record.restore()
        self._reload_manager(saved)
        return leaving

    def _undo(self, active: bool) -> str:
        """Restore the old files, and tell the services that saw the new ones. Returns words for the message."""
        for name in self._restore():
            self._units.pop(name, None)
        if self._retired:
            run(["systemctl", "enable", "--now", "--quiet", *self._retired], check=False)
        try:
            again = self._activate_again(active)
        except CommandError as error:
            return f", but activating them failed too: {error}"
        self._record.forget()
        return again

    def _activate_again(self, active: bool) -> str:
        if self._handover and (gives_way := self._handover.undo()):
            return f", and {', '.join(gives_way)} active"
        if not active:
            return ", and no service saw the new ones"
        self._commands("activate")
        self._bring_up(changed=True)
        return " and active"

    def _commands(self, kind: str) -> None:
        for command in self._params[kind]:
            self._steps.append(command)
            run(command)

    def _reload_manager(self, paths: t.Iterable[str]) -> None:
        if any(path.startswith(_UNIT_FOLDERS) for path in paths):
            run("systemctl daemon-reload")

    def _retire_units(self, changes: dict[str, tuple[PathState, PathState]]) -> None:
        """Stop the units whose files this change removes. systemd would keep running a unit without its file."""
        self._retired = [name for name, state in units.states(_leaving_units(changes)).items() if units.is_on(state)]
        if self._retired:
            self._steps.append(f"systemctl disable --now {' '.join(self._retired)}")
            units.systemctl("disable", "--now", "--quiet", *self._retired)

    def _lagging_units(self) -> list[str]:
        """What is wrong with the units, in words."""
        replaces: list[str] = self._params["replaces"]
        return lagging(list(self._units), replaces, units.states([*self._units, *replaces]))

    def _bring_up(self, changed: bool) -> None:
        found = units.states(list(self._units))
        if any(state.get("NeedDaemonReload") == "yes" for state in found.values()):
            run("systemctl daemon-reload")
        for name, on_change in self._units.items():
            state = found[name]
            verb = "start"
            if not units.is_up(state):
                # A unit that failed before may have reached its limit of starts.
                run(["systemctl", "reset-failed", name], check=False)
            if changed and units.is_active(state) and self._unit_files.get(name, self._told) & self._told:
                verb = {"reload": "reload-or-restart", "restart": "restart", "none": ""}[on_change]
            for words in ([] if units.is_enabled(state) else ["enable"]), [verb] if verb else []:
                if words:
                    self._steps.append(f"systemctl {words[0]} {name}")
                    units.systemctl(words[0], name)
        for name, state in units.states(list(found)).items():
            if not units.is_up(state):
                raise CommandError(f"{name} did not stay up ({state.get('ActiveState')})\n{units.journal(name)}")

    def _diff(self, path: str, before: PathState, after: PathState) -> dict[str, str]:
        texts = [before.text, after.text]
        if path in self._secret | self._was_secret or _is_private(before) or _is_private(after):
            texts = ["(secret)\n" if before.kind == "file" else "", "(secret, changed)\n" if after.kind == "file" else ""]
        if before.content == after.content and before.kind == after.kind != "link":
            texts = [f"{state.uid}:{state.gid} {state.mode:04o}\n" for state in (before, after)]
        elif "directory" in (before.kind, after.kind):
            texts = [f"{state.kind}\n" for state in (before, after)]
        headers = [path if state.kind != "absent" else f"{path} (absent)" for state in (before, after)]
        return {"before": texts[0], "after": texts[1], "before_header": headers[0], "after_header": headers[1]}


def _is_private(state: PathState) -> bool:
    """Whether a file is not world-readable. Then it does not belong on a terminal or in a log either."""
    return state.kind == "file" and not state.mode & 0o004


def _leaving_units(changes: dict[str, tuple[PathState, PathState]]) -> list[str]:
    """The units to stop because a change removes their files. A slice can stay, because stopping it would stop everything in it."""
    paths = [path for path in _leaving(changes) if f"{os.path.dirname(path)}/" in _UNIT_FOLDERS]
    return [os.path.basename(path) for path in paths if "@." not in path and not path.endswith(".slice")]


def _let_end(changes: dict[str, tuple[PathState, PathState]]) -> None:
    """Wait for stopping units whose drop-in a change removes. Without the drop-in, systemd would give their requests another time limit."""
    folders = {os.path.dirname(path) for path in _leaving(changes) if path.startswith(_UNIT_FOLDERS)}
    units.wait_for_end(sorted(os.path.basename(folder)[:-2] for folder in folders if folder.endswith(".d")))


def _leaving(changes: dict[str, tuple[PathState, PathState]]) -> list[str]:
    return [path for path, (before, after) in changes.items() if (before.kind, after.kind) == ("file", "absent")]
