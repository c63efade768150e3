# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of one app on its host: what a slot consists of, which one is current, and the change from one to the next.

A change takes five steps: start the new slot on its own socket, gate, switch, check through the public door, drain and stop
the old one. Until the switch the old slot knows nothing of it; after it, any failure goes back.

What is current is one fact in two places, because /run is empty after a boot: the link C(current.sock), and the line of tmpfiles.d
that makes the link again. A slot is enabled before the link moves and the old one disabled after, so a crash in between leaves a host
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

from .commands import CommandError, run
from .entries import ABSENT, Entry, group_id, read_entry, write_entry
from .environment_file import environment_file, parse_environment_file
from .gate import Gate, GateError
from .release_records import STATE, Records
from .slot_manager import SlotManager
from .slot_supervisor import SupervisorSlots
from .slot_systemd import SystemdSlots

#: What runs slots. Each is asked to remove a slot, since the one that began it may not be the one in use now.
MANAGERS: dict[str, type[SlotManager]] = {"systemd": SystemdSlots, "supervisor": SupervisorSlots}
#: Stands for the slot's name, its folder, its release and an address of its own in rendered files, since all follow from the content.
TOKENS = {
    "slot": "@FLASKYARD_SLOT@",
    "slot_dir": "@FLASKYARD_SLOT_DIR@",
    "release_dir": "@FLASKYARD_RELEASE_DIR@",
    "slot_address": "@FLASKYARD_SLOT_ADDRESS@",
    "slot_port": "@FLASKYARD_SLOT_PORT@",
}
#: Stopping a slot right after the switch resets connections that wait in its queue: 39 to 370 of 2,600 requests failed, and none with 0.2 s.
_DRAIN_SECONDS = 0.5


class SlotError(Exception):
    """The change did not happen; what was current still is."""


class Slots:
    """The slots of one app.

    :param app: the app as the model completes it.
    :param release: its release, as C(release) returns it; None for the one that serves now.
    :param files: what a slot consists of, as rendered, by name. Those that the manager takes start it; the rest are the server's.
    :param env: the app's environment, as a file.
    :param manager: what runs the wanted slot, a name of C(MANAGERS).
    """

    def __init__(self, app: dict[str, t.Any], release: dict[str, t.Any] | None, files: dict[str, str], env: str, manager: str = "systemd") -> None:
        self.name: str = app["name"]
        self._app, self._files, self._env = app, files, env
        self._managers = {name: kind(app) for name, kind in MANAGERS.items()}
        self._manager = self._managers[manager]
        self._release: dict[str, t.Any] = release or self._serving_release()
        self._gate = Gate(app)

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

    def links(self) -> dict[str, str]:
        """What the proxy reaches, or would after a boot: slots by the path of their link. One link for each protocol: see C(settle)."""
        lines = [line.split() for line in read_entry(self._record).text.splitlines() if line.startswith("L+ ")]
        own = self._app["paths"]["socket"]
        found = {path: read_entry(path).target or target for path, target in {own: "", **{words[1]: words[-1] for words in lines}}.items()}
        return {path: target.removesuffix(".sock") for path, target in found.items() if target}

    def current(self) -> str | None:
        """Name of the slot that the proxy reaches."""
        links = self.links()
        return links.get(self._app["paths"]["socket"]) or next(iter(links.values()), None)

    def retained(self) -> dict[str, str]:
        """Links of other protocols with their slots, which the proxy uses until its configuration has changed."""
        return {path: slot for path, slot in self.links().items() if path != self._app["paths"]["socket"]}

    def present(self) -> list[str]:
        """Names of all slots that have files here."""
        try:
            return sorted(os.listdir(self._app["paths"]["slots"]))
        except FileNotFoundError:
            return []

    def names(self) -> list[str]:
        """What the manager calls the parts of the wanted slot."""
        slot = self.wanted()
        return self._manager.names(slot, self._files) if slot else []

    def lacks(self, states: dict[str, dict[str, str]]) -> list[str]:
        """What keeps the current slot from being the wanted one in full, in words; empty when nothing does.

        :param states: of everything that C(names) names, from the manager.
        """
        slot = self.wanted()
        if slot is None or slot != self.current():
            return [f"bring up slot {slot or '(not known yet)'} in place of {self.current() or 'none'}"]
        notes = self._manager.lacks(self.names(), states)
        links = self.links()
        if read_entry(self._record).text != _record_text(links) or any(read_entry(path).target != f"{name}.sock" for path, name in links.items()):
            notes.append("record the current slot")
        return notes + [f"remove the left-over slot {other}" for other in self.present() if other not in links.values()]

    @property
    def _record(self) -> str:
        return f"/etc/tmpfiles.d/{self._app['unit']}@current.conf"

    def manifest(self, slot: str | None) -> dict[str, str]:
        """The files of a slot as they were rendered, without secrets; for the diff."""
        entry = read_entry(f"{self._app['paths']['slots']}/{slot}/manifest.json")
        return json.loads(entry.text) if entry.kind == "file" else {}

    def wanted_manifest(self) -> dict[str, str]:
        """What C(manifest) will give. Of the environment it has the names, and a keyed digest to tell that a value changed."""
        key = read_entry(self._app["paths"]["secret_key"]).content
        lines = []
        for name, value in parse_environment_file(self._env).items():
            digest = f", {hashlib.blake2s(value.encode(), key=key[:32], digest_size=4).hexdigest()}" if key else ""
            lines.append(f"{name} = (secret{digest})\n")
        release = self._release.get("id") or "(not known yet)"
        return {**self._files, "release": f"{release}\n", "env": "".join(lines)}

    # --- the change

    def change(self) -> None:
        """Make the wanted slot current.

        :raises SlotError: when it could not; what was current still is.
        """
        slot = self.wanted()
        if slot is None:
            raise SlotError("its release is not prepared; run the role app first")
        with self._locked():
            before = self.links()
            old = self.current()
            for other in [other for other in self.present() if other != slot and other not in before.values()]:
                self._discard(other)
            try:
                self._start(slot)
                self._gate.wait(f"{self._app['paths']['run']}/{slot}.sock", lambda: self._manager.dead(slot))
            except (CommandError, GateError, OSError) as error:
                raise SlotError(self._give_up(slot, old, str(error), served=False)) from error
            self._switch_checked(slot, old, before)
            if old and old not in self.links().values():
                self._drain(old)
                self._discard(old)

    def settle(self) -> None:
        """Stop the slots that speak another protocol than the current one.

        A slot that speaks, say, FastCGI cannot take the link of one that speaks HTTP: the proxy has to be told. So it gets a link of
        its own, and the old slot serves on until the proxy's role has changed its configuration and calls this.
        """
        with self._locked():
            for slot in self.retained().values():
                self._drain(slot)
                self._point({path: name for path, name in self.links().items() if name != slot})
                self._discard(slot)

    def stop(self) -> None:
        """Stop and remove every slot; code, state and configuration of the app stay."""
        with self._locked():
            for slot in self.present():
                self._discard(slot)
            self._point({})
            write_entry(self._record, ABSENT)

    def _start(self, slot: str) -> None:
        self._write(slot)
        self._manager.start(slot)

    def _write(self, slot: str) -> None:
        folder = f"{self._app['paths']['slots']}/{slot}"
        group = group_id(self._app["user"])
        address, port = loopback_address(slot)
        values = {"slot": slot, "slot_dir": folder, "release_dir": self._release["dir"], "slot_address": address, "slot_port": str(port)}
        write_entry(folder, Entry("directory", gid=group, mode=0o750))
        secret = read_entry(self._app["paths"]["secret_key"]).text
        env = {"SECRET_KEY": secret, **parse_environment_file(self._env)}
        write_entry(f"{folder}/env", Entry("file", content=environment_file(env).encode(), mode=0o600))
        write_entry(f"{folder}/manifest.json", Entry("file", content=json.dumps(self.wanted_manifest()).encode(), mode=0o600))
        texts = dict(self._files)
        for token, value in values.items():
            texts = {name: text.replace(TOKENS[token], value) for name, text in texts.items()}
        for name, text in texts.items():
            if not self._manager.takes(name):
                write_entry(f"{folder}/{name}", Entry("file", content=text.encode(), gid=group, mode=0o640))
        self._manager.install(slot, {name: text for name, text in texts.items() if self._manager.takes(name)})

    def _give_up(self, slot: str, old: str | None, why: str, served: bool) -> str:
        log = self._manager.log(slot)
        if slot != old:
            if served:
                self._drain(slot)
            else:
                self._manager.kill(slot)
            self._discard(slot)
        if not read_entry(self._app["paths"]["current"]).target.endswith(self._release["id"]):
            self._mark("bad")
        serving = f"slot {old} serves as before" if old and old != slot else "nothing of the app was serving before"
        return f"the new slot {slot} did not pass its gate, {serving}.\n{why}\n{log}"

    def _switch_checked(self, slot: str, old: str | None, before: dict[str, str]) -> None:
        healthy = self._gate.public_answer()[0] if self._app["canonical"] and old and old != slot else False
        release_link = read_entry(self._app["paths"]["current"])
        self._switch(slot, {**before, self._app["paths"]["socket"]: slot}, Entry("link", target=f"releases/{self._release['id']}"))
        if not healthy:
            self._mark("built")
            return
        after = self._gate.public_answer()
        if not after[0]:
            after = self._gate.public_answer()
        if not after[0] and old:
            self._switch(old, before, release_link)
            raise SlotError(self._give_up(slot, old, f"{self._gate.public_url} gave {after[1]} after the switch, so it was undone", served=True))
        self._mark("built")

    def _switch(self, slot: str, links: dict[str, str], release: Entry) -> None:
        for manager in self._managers.values():
            manager.enable(slot)
        write_entry(self._app["paths"]["current"], release)
        self._point(links)

    def _point(self, links: dict[str, str]) -> None:
        """Have the links, and no others, now and after a boot."""
        for path in {*self.links(), *links}:
            write_entry(path, Entry("link", target=f"{links[path]}.sock") if path in links else ABSENT)
        write_entry(self._record, Entry("file", content=_record_text(links).encode(), mode=0o644))

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
        for manager in self._managers.values():
            manager.remove(slot)
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


def loopback_address(slot: str) -> tuple[str, int]:
    """Address and TCP port for a server that cannot take systemd's socket: below 127.77.0.0/16. Rules of the slot let only its door connect.

    Both follow from the slot's name, and the port is below the range from which outgoing connections get theirs.
    """
    number = int(slot[:7], 16)
    return f"127.77.{number >> 20}.{number >> 12 & 255}", 20000 + (number & 4095)


def _record_text(links: dict[str, str]) -> str:
    lines = [f"L+ {path} - - - - {slot}.sock\n" for path, slot in sorted(links.items())]
    return "".join(["# Which slot is current; written at each switch.\n", *lines])
