# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app on its host: what a slot consists of, which one is current, and the change from one to the next.

A change takes five steps: start the new slot on its own socket, gate, switch, check through the public door, drain and stop
the old one. Until the switch the old slot knows nothing of it; after it, any failure goes back.

What is current is one fact in two places, because /run is empty after a boot: the link C(current.sock), and the line of tmpfiles.d
that makes the link again. Units are enabled before the link moves and disabled after, so a crash in between leaves a host
that boots into a slot that has passed its gate.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
import typing as t

from . import units
from .commands import CommandError, run
from .entries import ABSENT, Entry, group_id, read_entry, write_entry
from .environment_file import environment_file, parse_environment_file
from .gate import Gate, GateError
from .release_records import STATE, Records

_UNITS = "/etc/systemd/system"
#: Stands for the slot's name, its folder and its release in rendered files, since all three follow from the content.
TOKENS = {"slot": "@FLASKYARD_SLOT@", "slot_dir": "@FLASKYARD_SLOT_DIR@", "release_dir": "@FLASKYARD_RELEASE_DIR@"}
#: Stopping a slot right after the switch resets connections that wait in its queue: 39 to 370 of 2,600 requests failed, and none with 0.2 s.
_DRAIN_SECONDS = 0.5


class SlotError(Exception):
    """The change did not happen; what was current still is."""


class Slots:
    """The slots of one app."""

    def __init__(self, app: dict[str, t.Any], release: dict[str, t.Any] | None, files: dict[str, str], env: str) -> None:
        self.name: str = app["name"]
        self._app, self._files, self._env = app, files, env
        self._release: dict[str, t.Any] = release or self._serving_release()
        self._gate = Gate(app["healthcheck"], app["canonical"])

    @property
    def release_id(self) -> str:
        """Id of the release that the wanted slot runs."""
        return str(self._release["id"])

    def _serving_release(self) -> dict[str, t.Any]:
        """The release that serves now: what a run that prepares no releases goes on with."""
        identity = os.path.basename(read_entry(self._app["paths"]["current"]).target)
        return {"id": identity, "dir": f"{self._app['paths']['releases']}/{identity}"} if identity else {}

    # --- what should be

    def wanted(self) -> str | None:
        """Name of the slot that these inputs give, or None while the release is not known (check mode on a new host)."""
        secret = read_entry(self._app["paths"]["secret_key"])
        if not self._release.get("id") or secret.kind != "file":
            return None
        content = json.dumps([self._release["id"], self._files, self._env, secret.text], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    def ensure_secret_key(self) -> None:
        """Make the app's SECRET_KEY once: 256 bits, readable by root alone."""
        path = self._app["paths"]["secret_key"]
        if read_entry(path).kind != "file":
            write_entry(path, Entry("file", content=secrets.token_hex(32).encode(), mode=0o600))

    # --- what is

    def current(self) -> str | None:
        """Name of the slot that the proxy reaches, or would after a boot."""
        target = read_entry(self._app["paths"]["socket"]).target or self._recorded()
        return target.removesuffix(".sock") or None

    def present(self) -> list[str]:
        """Names of all slots that have files here."""
        try:
            return sorted(os.listdir(self._app["paths"]["slots"]))
        except FileNotFoundError:
            return []

    def unit_names(self, slot: str) -> list[str]:
        """Socket and service of a slot."""
        return [f"{self._app['unit']}@{slot}.{kind}" for kind in ("socket", "service")]

    def lacks(self, states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps the current slot from being the wanted one in full, in words; empty when nothing does."""
        slot = self.wanted()
        if slot is None or slot != self.current():
            return [f"bring up slot {slot or '(not known yet)'} in place of {self.current() or 'none'}"]
        notes = [f"start {name}" for name in self.unit_names(slot) if not units.is_active(states.get(name, {}))]
        notes += [f"enable {name}" for name in self.unit_names(slot) if not units.is_enabled(states.get(name, {}))]
        if self._recorded() != f"{slot}.sock" or read_entry(self._app["paths"]["socket"]).target != f"{slot}.sock":
            notes.append("record the current slot")
        notes += [f"remove the left-over slot {other}" for other in self.present() if other != slot]
        return notes

    def _recorded(self) -> str:
        words = read_entry(self._record).text.split()
        return words[-1] if words else ""

    @property
    def _record(self) -> str:
        return f"/etc/tmpfiles.d/{self._app['unit']}@current.conf"

    def manifest(self, slot: str | None) -> dict[str, str]:
        """The files of a slot as they were rendered, without secrets; for the diff."""
        entry = read_entry(f"{self._app['paths']['slots']}/{slot}/manifest.json")
        return json.loads(entry.text) if entry.kind == "file" else {}

    def wanted_manifest(self) -> dict[str, str]:
        """What C(manifest) will give. Of the environment it has the names, and a keyed digest to tell that a value changed."""
        key = read_entry(self._app["paths"]["secret_key"]).content or b"-"
        lines = []
        for name, value in parse_environment_file(self._env).items():
            digest = hashlib.blake2s(value.encode(), key=key[:32], digest_size=4).hexdigest()
            lines.append(f"{name} = (secret, {digest})\n")
        release = self._release.get("id") or "(not known yet)"
        return {**self._files, "release": f"{release}\n", "env": "".join(lines)}

    # --- the change

    def change(self) -> None:
        """Make the wanted slot current.

        :raises SlotError: when it could not; what was current still is.
        """
        old = self.current()
        slot = self.wanted()
        if slot is None:
            raise SlotError("its release is not prepared; run the role app first")
        with self._locked():
            for other in [other for other in self.present() if other not in (slot, old)]:
                self._discard(other)
            try:
                self._start(slot)
                self._gate.wait(f"{self._app['paths']['run']}/{slot}.sock", lambda: self._dead(slot))
            except (CommandError, GateError, OSError) as error:
                raise SlotError(self._give_up(slot, old, str(error), served=False)) from error
            self._switch_checked(slot, old)
            if old and old != slot:
                self._drain(old)
                self._discard(old)

    def stop(self) -> None:
        """Stop and remove every slot; code, state and configuration of the app stay."""
        with self._locked():
            for slot in self.present():
                self._discard(slot)
            for path in (self._record, self._app["paths"]["socket"]):
                write_entry(path, ABSENT)

    def _start(self, slot: str) -> None:
        self._write(slot)
        run("systemctl daemon-reload")
        # A slot that failed before may have used up its starts, or still be trying.
        run(["systemctl", "reset-failed", *self.unit_names(slot)], check=False)
        timeout = self._app["healthcheck"]["timeout_seconds"] + 30
        units.systemctl("start", *self.unit_names(slot), timeout=timeout)

    def _write(self, slot: str) -> None:
        folder = f"{self._app['paths']['slots']}/{slot}"
        group = group_id(self._app["user"])
        values = {"slot": slot, "slot_dir": folder, "release_dir": self._release["dir"]}
        write_entry(folder, Entry("directory", gid=group, mode=0o750))
        secret = read_entry(self._app["paths"]["secret_key"]).text
        env = {"SECRET_KEY": secret, **parse_environment_file(self._env)}
        write_entry(f"{folder}/env", Entry("file", content=environment_file(env).encode(), mode=0o600))
        write_entry(f"{folder}/manifest.json", Entry("file", content=json.dumps(self.wanted_manifest()).encode(), mode=0o600))
        for name, text in self._files.items():
            for token, value in values.items():
                text = text.replace(TOKENS[token], value)
            if name in ("socket", "service"):
                write_entry(f"{_UNITS}/{self._app['unit']}@{slot}.{name}", Entry("file", content=text.encode(), mode=0o644))
            else:
                write_entry(f"{folder}/{name}", Entry("file", content=text.encode(), gid=group, mode=0o640))

    def _dead(self, slot: str) -> str:
        service = self.unit_names(slot)[1]
        output = run(["systemctl", "show", "--property=ActiveState,NRestarts", service]).stdout
        state = dict(line.split("=", 1) for line in output.splitlines())
        if state["ActiveState"] in ("failed", "inactive") or int(state.get("NRestarts") or 0) > 1:
            return "the service does not stay up"
        return ""

    def _give_up(self, slot: str, old: str | None, why: str, served: bool) -> str:
        service = self.unit_names(slot)[1]
        journal = units.journal(service)
        if slot != old:
            if not served:  # no request to wait for, and an import that hangs would use up the time they get
                run(["systemctl", "kill", "--signal=SIGKILL", service], check=False)
            self._discard(slot)
        if not read_entry(self._app["paths"]["current"]).target.endswith(self._release["id"]):
            self._mark("bad")
        serving = f"slot {old} serves as before" if old and old != slot else "nothing of the app was serving before"
        return f"the new slot {slot} did not pass its gate, {serving}.\n{why}\n{journal}"

    def _switch_checked(self, slot: str, old: str | None) -> None:
        before = self._gate.public_answer() if self._app["canonical"] and old and old != slot else (False, "")
        release_link = read_entry(self._app["paths"]["current"])
        self._switch(slot, Entry("link", target=f"releases/{self._release['id']}"))
        if not before[0]:
            self._mark("built")
            return
        after = self._gate.public_answer()
        if not after[0]:
            after = self._gate.public_answer()
        if not after[0] and old:
            self._switch(old, release_link)
            door = f"https://{self._app['canonical']}{self._app['healthcheck']['path']}"
            raise SlotError(self._give_up(slot, old, f"{door} gave {after[1]} after the switch, so it was undone", served=True))
        self._mark("built")

    def _switch(self, slot: str, release: Entry) -> None:
        names = self.unit_names(slot)
        units.systemctl("enable", "--quiet", *names)
        write_entry(self._app["paths"]["current"], release)
        write_entry(self._app["paths"]["socket"], Entry("link", target=f"{slot}.sock"))
        line = f"# Which slot is current; written at each switch.\nL+ {self._app['paths']['socket']} - - - - {slot}.sock\n"
        write_entry(self._record, Entry("file", content=line.encode(), mode=0o644))

    def _drain(self, slot: str) -> None:
        """Wait until no connection waits to be accepted in the old slot, and a moment more."""
        end = time.monotonic() + self._app["graceful_timeout_seconds"]
        quiet_since = time.monotonic()
        while time.monotonic() < min(end, quiet_since + _DRAIN_SECONDS):
            if self._waiting(slot):
                quiet_since = time.monotonic()
            time.sleep(0.05)

    def _waiting(self, slot: str) -> int:
        output = run(["ss", "--no-header", "--listening", "--unix", "src", f"{self._app['paths']['run']}/{slot}.sock"]).stdout
        return sum(int(line.split()[2]) for line in output.splitlines())

    def _discard(self, slot: str) -> None:
        """Stop a slot, giving its requests the time they may take, and remove its files."""
        names = self.unit_names(slot)
        loaded = [name for name in names if os.path.lexists(f"{_UNITS}/{name}")]
        if loaded:
            run(["systemctl", "disable", "--quiet", *loaded], check=False)
            run(["systemctl", "stop", *loaded], timeout=self._app["graceful_timeout_seconds"] + 60, check=False)
        for name in loaded:
            os.unlink(f"{_UNITS}/{name}")
        run("systemctl daemon-reload")
        run(["systemctl", "reset-failed", *names], check=False)
        shutil.rmtree(f"{self._app['paths']['slots']}/{slot}", ignore_errors=True)

    def _mark(self, status: str) -> None:
        """Write into the release's record how it fared."""
        Records(self._app).mark(self._release["id"], status)

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[None]:
        os.makedirs(f"{STATE}/{self.name}", mode=0o700, exist_ok=True)
        with open(f"{STATE}/{self.name}/slot.lock", "w", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SlotError("another run is changing it at this moment; wait for it and run again") from error
            yield
