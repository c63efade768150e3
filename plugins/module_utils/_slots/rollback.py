# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to a release that served well, with today's settings, through the same gate and switch as a deploy.

The serving slot keeps everything that it is made of, so this needs neither a controller nor the network.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t

from .._host.actor import stamp
from .._host.errors import Failures, HostError
from .._releases import wished
from .._releases.deploy_log import logged
from .._releases.records import Records, describe, is_good
from .._releases.settings import python_identity
from .change import SlotError
from .recalled import assert_recallable, recalled, slot_that_serves
from .slots import Slots
from .survey import present, serving

#: Steps of a change at which the release itself shows that it does not run.
_STEPS = ("start", "gate", "public check", "work")
_ADVICE = (
    "the older release ran with today's settings: if these need newer code, as a new process does, take them out of the inventory, deploy, and roll back then"
)


class RollbackError(HostError):
    """There is no release to go back to. The text says why, and what to do."""


@dataclasses.dataclass
class Step:
    """What a rollback does to one app.

    :param before: the record of the release that serves now.
    :param after: the record of the release that will serve.
    """

    app: str
    before: dict[str, t.Any]
    after: dict[str, t.Any]

    def words(self, done: bool) -> str:
        """The step in one line."""
        since = str(self.after.get("served", {}).get("at") or self.after["created"])[:16].replace("T", " ")
        return f"{self.app}: release {describe(self.after)}, of {since} UTC, {'serves' if done else 'would serve'} in place of {describe(self.before)}"

    def commands(self, records: Records) -> list[str]:
        """The release commands that ran since the older release's, in words and in their order. A rollback does not undo their changes to a database."""
        own = self.after.get("release_command") or {"at": self.after["created"]}
        ran = [record for record in records.all("releases") if record["id"] != self.after["id"] and record.get("release_command", {}).get("at", "") > own["at"]]
        ran.sort(key=lambda record: str(record["release_command"]["at"]))
        return [_command(self.app, record) for record in ran]


def _command(app: str, record: dict[str, t.Any]) -> str:
    ran = record["release_command"]
    return f"{app}: {ran['command']} ran for release {record['id']} at {ran['at'][:16].replace('T', ' ')} UTC, by {ran.get('by') or 'somebody'}"


class Rollback:
    """The rollback of one app.

    :param name: of the app.
    :param release: id of the release to go to. Default: the last one that served well before the present one.
    :raises HostError: if no slot of the app serves here, or the serving slot has no record.
    """

    def __init__(self, name: str, release: str | None = None) -> None:
        self._record, self._wanted = slot_that_serves(name), release
        self.slots, self.records = Slots(self._record.app), Records(self._record.app)

    def look(self) -> Step:
        """The step that C(run) would take.

        :raises HostError: if there is none.
        """
        before = self.records.get("releases", self._record.release) or {"id": self._record.release, "created": ""}
        after = self._chosen(before["id"])
        self._assert_whole(after, before)
        return Step(self.slots.name, before, after)

    def run(self) -> Step:
        """Roll back.

        :raises HostError: if that is not possible, or the release did not pass its gate. The slot that served still does.
        :raises Busy: if another run works on the app.
        """
        with self.records.lock():
            self._record = slot_that_serves(self.slots.name)
            step = self.look()
            change = recalled(self.slots, self._record, step.after["id"])
            with logged("rollback", self.records, step.after["id"]), self._written_down(step), _todays_settings():
                change.run()
        return step

    @contextlib.contextmanager
    def _written_down(self, step: Step) -> t.Iterator[None]:
        """Record which release will serve, and take that back if the change fails.

        The record is written before the change, so that the run after a killed one finishes the rollback and does not undo it.
        """
        before, after = step.before["id"], step.after["id"]
        again = step.after.get("withdrawn")
        # A release that is withdrawn now was left by an earlier rollback. Going to it undoes that rollback, and withdraws nothing.
        left = [] if again else [before, *self._between(step)]
        self.records.note(after, withdrawn=None)
        for release in left:
            self.records.note(release, withdrawn=stamp())
        undo = wished.put_in_place(self.slots.name, self.records.facts(step.after))
        try:
            yield
        except (HostError, OSError):
            if os.path.basename(self.slots.links.release()) != after:
                undo()
                for release in left:
                    self.records.note(release, withdrawn=None)
                self.records.note(after, withdrawn=again)
            raise

    def _between(self, step: Step) -> list[str]:
        """The releases that served after the one to go to. They are withdrawn too, so that the next rollback goes further back."""
        since = step.after.get("served", {}).get("at")
        good = [record for record in self.records.all("releases") if since and is_good(record) and record.get("served", {}).get("at", "") > since]
        return [record["id"] for record in good if record["id"] not in (step.before["id"], step.after["id"])]

    def _chosen(self, current: str) -> dict[str, t.Any]:
        name, others = self.slots.name, [record for record in self.records.all("releases") if record["id"] != current]
        if self._wanted is None:
            if found := self.records.last_good(but=current):
                return found
            raise RollbackError(f"there is no earlier release of {name} that served well; {_choice(others)}")
        if self._wanted == current:
            raise RollbackError(f"release {current} of {name} is the one that serves; {_choice(others)}")
        if found := self.records.get("releases", self._wanted):
            return found
        raise RollbackError(f"there is no release {self._wanted!r} of {name} here; {_choice(others)}")

    def _assert_whole(self, after: dict[str, t.Any], before: dict[str, t.Any]) -> None:
        """Check that the release is unchanged, and was made for this host and the present server."""
        inputs, words = after["inputs"], f"release {describe(after)} of {self.slots.name}"
        if not after["venv"]:
            raise RollbackError(f"the code of {self.slots.name} is in place, in {inputs['source']}: put it back there as it was, then deploy")
        if not (self.records.whole("releases", after["id"]) and self.records.whole("venvs", after["venv"])):
            raise RollbackError(f"{words} was changed by somebody after it was built; deploy its source again")
        if inputs["python"] != python_identity(after["python"]):
            raise RollbackError(f"{words} was built for another distribution ({inputs['python']}); deploy its source again")
        made, runs = (_servers(record.get("inputs", {})) for record in (after, before))
        if "inputs" in before and made != runs:
            raise RollbackError(f"{words} was built for another server ({made}; now {runs}); declare its source and its server, then deploy")
        assert_recallable(self._record)


@contextlib.contextmanager
def _todays_settings() -> t.Iterator[None]:
    """Say of a release that does not come up that it was tried with other settings than it served with."""
    try:
        yield
    except SlotError as error:
        first, dummy, rest = str(error).partition("\n")
        if first.partition(":")[0] not in _STEPS:
            raise
        raise SlotError("\n".join(filter(None, [first, _ADVICE, rest]))) from error


def _servers(inputs: dict[str, t.Any]) -> str:
    names = {re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower() for requirement in inputs.get("server_requirements") or []}
    return ", ".join(sorted(names)) or "only the default server"


def _choice(others: list[dict[str, t.Any]]) -> str:
    """The releases that the user could name."""
    if not others:
        return "no other release is left on this host. Declare an older source, then deploy"
    return f"these are here: {', '.join(map(describe, others))}. Name one of them, or declare an older source and deploy"


def roll_back(app: str | None, release: str | None, check: bool) -> tuple[dict[str, t.Any], Failures]:
    """Roll back one app, or all.

    :param app: its name. Default: all apps that have slots here.
    :param release: id of the release to go to. Without an app, it is the app that has this release.
    :param check: report the change without making it.
    :returns: C(changed), C(rolled_back) in words, C(release_commands) in words, C(diff); and the failures by app.
    """
    names = [app] if app else present()
    if release and not app:
        names = [name for name in names if (record := serving(name)) and Records(record.app).get("releases", release)]
    failures, words, commands = Failures(), [], []
    if not names:
        failures["rollback"] = f"there is no release {release!r} of any app on this host" if release else "there are no apps on this host"
    for name in names:
        with failures.of(name):
            rollback = Rollback(name, release)
            step = rollback.look() if check else rollback.run()
            words.append(step.words(done=not check))
            commands += step.commands(rollback.records)
    diff = [{"prepared": f"{line}\n"} for line in words]
    return {"changed": bool(words), "rolled_back": words, "release_commands": commands, "diff": diff}, failures
