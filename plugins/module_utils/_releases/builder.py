# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an app's source to a complete release on the host: its name, whether it is there, how it is made.

Root decides and keeps the records. Every step that touches the app's code runs in the C(sandbox).
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import concurrent.futures
import contextlib
import os
import pwd
import subprocess
import threading
import typing as t

from .._host.errors import HostError
from .deploy_log import logged
from .in_place import InPlace
from .public import Publication, assert_served, groups_of_others, leave_groups
from .records import Kind, Outcome, Records, ReleaseError, assert_account, describe, short_hash
from .revisions import FORMAT
from .sandbox import Sandbox, explain
from .secret_text import mask
from .seeds import Seeds
from .settings import Settings, python_identity
from .sources import KINDS
from .steps.manifest import NAMES
from .survey import with_commands
from .wished import remember

_APPS_AT_ONCE = 16
#: The keys of an app about its persisted state.
_KEPT = ("persist", "persist_files", "seeded")
_LATER_KEYS = ("persist_files", "directory", "install_project", "build_packages")


def prepare_releases(
    apps: list[dict[str, t.Any]], settings: Settings, uploads: dict[str, str], declared: list[str], redeploy: bool, check: bool
) -> dict[str, t.Any]:
    """Prepare the releases of apps, several at a time. If one fails, the others go on.

    :param apps: as the model completes them; with a C(wish) if the survey can tell in a later run that nothing is to do.
    :param uploads: the file on the host by app, for sources that the controller sent.
    :param declared: the names of all apps of the host.
    :param redeploy: use withdrawn releases again.
    :param check: report changes without making them.
    :returns: C(changed), C(releases), C(failures), C(diff); C(notices), remarks by app that are not errors; C(wanted), the apps whose source the controller
        must send first; C(withdrawn), by app the declared release that does not serve.
    """
    turn = threading.Semaphore(os.cpu_count() or 1)

    def prepare(app: dict[str, t.Any]) -> tuple[str, Outcome | HostError]:
        try:
            in_place = app["source"]["kind"] == "in_place"
            maker = InPlace(app, settings) if in_place else Builder(app, settings, uploads.get(app["name"]), turn, redeploy)
            with logged("deploy", maker.records, failure_only=True) if not check else contextlib.nullcontext():
                outcome = maker.run(check)
            if "wish" in app and not check and not outcome.wanted:
                remember(app, outcome.release, outcome.withdrawn["id"] if outcome.withdrawn else None)
            return app["name"], outcome
        except HostError as error:
            return app["name"], error

    with concurrent.futures.ThreadPoolExecutor(_APPS_AT_ONCE) as pool:
        outcomes = dict(pool.map(prepare, apps))
    done = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Outcome) and not outcome.wanted}
    built_for = {app["user"] for app in apps if app["name"] in done}
    left = leave_groups(sorted({*built_for, *groups_of_others(declared)}), check)
    return {
        "changed": bool(left) or any(outcome.changed for outcome in done.values()),
        "releases": {app["name"]: with_commands(Records(app), done[app["name"]].release) for app in apps if app["name"] in done},
        "failures": {name: str(outcome) for name, outcome in outcomes.items() if isinstance(outcome, HostError)},
        "notices": {name: outcome.notices for name, outcome in done.items() if outcome.notices},
        "withdrawn": {name: outcome.withdrawn for name, outcome in done.items() if outcome.withdrawn},
        "wanted": [name for name, outcome in outcomes.items() if isinstance(outcome, Outcome) and outcome.wanted],
        "diff": [
            *(diff for outcome in done.values() for diff in outcome.diff),
            *({"prepared": f"take the proxy's account out of the group {name}\n"} for name in left),
        ],
    }


class Builder:
    """Makes the release of one app.

    :param app: the app as the model completes it; a source on the controller also has its C(revision).
    :param upload: the file on the host with the app's source, if the controller sent it.
    :param turn: limits how many apps build at a time.
    :param redeploy: whether a withdrawn release may serve again.
    """

    def __init__(self, app: dict[str, t.Any], settings: Settings, upload: str | None, turn: threading.Semaphore, redeploy: bool) -> None:
        self.app, self.redeploy = app, redeploy
        self.paths: dict[str, str] = app["paths"]
        self.settings = settings
        self.turn = turn
        self.records = Records(app)
        self.version, self.interpreter = "", ""
        self.sandbox = Sandbox(app, settings)
        self.publication = Publication(app, self.records)
        self.seeds = Seeds(app, self.records)
        self.source = KINDS[app["source"]["kind"]](app, settings, self.sandbox, upload)

    def run(self, check: bool) -> Outcome:
        """Find the release, or make it.

        :raises ReleaseError: if it cannot be made. An incomplete release is removed.
        """
        try:
            self.version, self.interpreter = self.settings.choose_python(self.app["python"])
            inputs = self._unspoilt(self._inputs(self.source.revision(check)))
            if check:
                outcome = self._look(inputs, check)
                if not outcome.to_build:
                    self._assert_served(outcome)
                return outcome.also(self.publication.missing()).also(self.seeds.missing(outcome.release["id"]))
            with self.records.lock():
                outcome = self._look(inputs, check).also(self.publication.missing())
                outcome.also(self.seeds.missing(outcome.release["id"]))
                self.publication.apply(self.settings)
                if outcome.to_build and self.source.wants_upload:
                    outcome.wanted = True
                    return outcome
                if outcome.to_build:
                    with self.turn:
                        outcome.release = self._build(outcome.release["id"], inputs)
                    self.publication.apply(self.settings)
                self._assert_served(outcome)
                outcome.notices += self.seeds.apply(self.settings, outcome.release["id"])
                return outcome
        except OSError as error:
            raise ReleaseError(mask(explain(str(error), ""), self.sandbox.secrets)) from error

    def _inputs(self, revision: str | None) -> dict[str, t.Any]:
        """Everything that the release depends on. The release's id is a hash over it."""
        keys = ("installer", "requirements", "server_requirements", "build_command", "persist")
        inputs = {"format": FORMAT, "source": revision, "python": python_identity(self.version), **{key: self.app[key] for key in keys}}
        # Keys that were added later are left out while they are empty, so that older releases keep their ids.
        return inputs | {key: self.app[key] for key in _LATER_KEYS if self.app[key]}

    def _assert_served(self, outcome: Outcome) -> None:
        # An older release that serves in place of a withdrawn one need not have what is declared today.
        if not outcome.withdrawn:
            assert_served(outcome.release["dir"], self.app["served"])

    def _unspoilt(self, inputs: dict[str, t.Any]) -> dict[str, t.Any]:
        """The inputs; with an additional number if somebody changed the release with these inputs by hand.

        A slot may run the changed release, so a new one is made beside it.
        """
        same = [record for record in self.records.all("releases") if {**record["inputs"], "again": None} == {**inputs, "again": None}]
        for record in same:
            if "withdrawn" in record and not self.redeploy:
                return dict(record["inputs"])
            if self._stands(record):
                return dict(record["inputs"])
        numbers = [record["inputs"].get("again", 0) for record in same]
        return {**inputs, "again": max(numbers) + 1} if numbers else inputs

    def _stands(self, record: dict[str, t.Any]) -> bool:
        return bool(self.records.whole("releases", record["id"]) and self.records.whole("venvs", record["venv"]))

    def _look(self, inputs: dict[str, t.Any], check: bool) -> Outcome:
        """What is on the host, and whether a build is needed."""
        identity = short_hash(inputs) if inputs["source"] else None
        record = self.records.get("releases", identity) if identity else None
        if record and "withdrawn" in record:
            return self._look_at_withdrawn(record, check)
        if record:
            return Outcome(self._facts(inputs, identity, record["venv"]))
        return Outcome(self._facts(inputs, identity, None), to_build=True, diff=[self.records.difference(identity, inputs)])

    def _look_at_withdrawn(self, record: dict[str, t.Any], check: bool) -> Outcome:
        """For a withdrawn release: the same release if it may serve again, otherwise the one that serves in its place.

        :raises ReleaseError: if no other release can serve.
        """
        withdrawal = self.records.withdrawal(record["id"])
        if self.redeploy:
            if not check:
                self.records.note(record["id"], withdrawn=None)
            return Outcome(self.records.facts(record)).also([f"put release {describe(record)} to use again, which {withdrawal['by']} withdrew"])
        if (serves := self.records.last_good()) and not self._stands(serves):
            raise ReleaseError(
                f"{withdrawal['by']} went back to release {describe(serves)}, which somebody has changed by hand since; change the source, or run again "
                f"with -e redeploy=true to have release {describe(record)} serve again"
            )
        if serves:
            return Outcome(self.records.facts(serves), withdrawn=withdrawal)
        raise ReleaseError(
            f"{withdrawal['by']} withdrew release {describe(record)}, and no other is left here that served well; change the source, or run again with "
            "-e redeploy=true"
        )

    def _facts(self, inputs: dict[str, t.Any], identity: str | None, venv: str | None) -> dict[str, t.Any]:
        return {
            "id": identity,
            "dir": self.records.tree("releases", identity) if identity else None,
            "venv": self.records.tree("venvs", venv) if venv else None,
            "python": self.version,
            "source": self.source.describe(inputs["source"]),
        }

    def _build(self, identity: str, inputs: dict[str, t.Any]) -> dict[str, t.Any]:
        """Make the tree and the virtualenv, if missing, and record each when it is complete."""
        self._assert_tools()
        # The last step of a killed run may still be running.
        subprocess.run(["systemctl", "stop", "--quiet", f"{self._units}*"], capture_output=True, check=False)
        with self._new("releases", identity, complete=False) as tree:
            with self.source.deliver() as delivery:
                keys = ("requirements", "installer", "directory", "install_project")
                arguments = {"source": delivery.source, "packages": self.source.packages, **{key: self.app[key] for key in (*keys, *_KEPT)}}
                arguments["insecure"] = self.settings.insecure_index
                manifest = self._step("tree.prepare", {"tree": tree, **arguments}, [tree, *delivery.writable], delivery.environment)
            venv = self._virtualenv(tree, identity, inputs, manifest)
            arguments = {
                "tree": tree,
                "venv": os.path.relpath(self.records.tree("venvs", venv), tree),
                "state": self.paths["state"],
                "uv": self.settings.uv,
                **{key: self.app[key] for key in ("build_command", "directory", *_KEPT)},
            }
            # The build may change a virtualenv that no other release shares.
            alone = [self.records.tree("venvs", venv)] if manifest["local"] else []
            brought = self._step("tree.finish", arguments, [tree, *alone])
            facts = self._facts(inputs, identity, venv)
            record = {"id": identity, "inputs": inputs, "source": facts["source"], "venv": venv, "python": self.version}
            missed = {"looked_for": list(NAMES)} if manifest["kind"] == "none" and not manifest["installs"] else {}
            self.records.put("releases", {**record, **brought, **missed, "status": "built"})
        return facts

    def _virtualenv(self, tree: str, identity: str, inputs: dict[str, t.Any], manifest: dict[str, t.Any]) -> str:
        """The virtualenv for a manifest. It is made unless an earlier release has the same one."""
        shared = {key: inputs[key] for key in ("format", "python", "installer", "server_requirements")}
        own = {"manifest": manifest["digest"], "release": identity if manifest["local"] else None}
        if self.app["build_packages"]:
            own["build_packages"] = self.app["build_packages"]
        if self.app["server_lock"]:
            own["server_lock"] = short_hash(self.app["server_lock"])
        if "again" in inputs:
            # The virtualenv may be what was damaged, and other releases still run from it.
            own["again"] = inputs["again"]
        venv = short_hash({**shared, **own})
        complete = self.records.get("venvs", venv) is not None
        with self._new("venvs", venv, complete) as place:
            if not complete:
                self._install(tree, place, manifest)
                self.records.put("venvs", {"id": venv, "inputs": {**shared, **own}})
        return venv

    def _install(self, tree: str, venv: str, manifest: dict[str, t.Any]) -> None:
        """Install from wheels with the cache. If packages must be built, install without it."""
        uv = self.settings.uv if self.app["installer"] == "uv" else None
        server, lock = self.app["server_requirements"], self.app["server_lock"]
        place = {"tree": tree, "venv": venv, "python": self.interpreter, "uv": uv}
        described = self.source.described() if manifest["installs"] else ""
        arguments = {**place, "state": self.paths["state"], "manifest": manifest, "described": described, "server_lock": lock}
        source = manifest["file"] if lock else "server_requirements"
        cache = self.paths["cache"]
        done = {"complete": False}
        if not manifest["builds"]:
            done = self._step("virtualenv.install", {**arguments, "cache": cache}, [venv, cache])
        if not done["complete"]:
            # An editable install writes next to the code.
            done = self._step("virtualenv.install", {**arguments, "cache": None}, [venv, *([tree] if manifest["local"] else [])])
        if server and not lock:
            self._step("virtualenv.add", {**place, "server_requirements": server}, [venv])
        if self.app["server_lowest"]:
            self._step("virtualenv.assert_new", {"venv": venv, "lowest": self.app["server_lowest"], "source": source}, [])
        if done["replaced"]:
            self._step("virtualenv.check", {"venv": venv, "uv": uv, "server_requirements": server}, [])

    @contextlib.contextmanager
    def _new(self, kind: Kind, identity: str, complete: bool) -> t.Iterator[str]:
        """A directory to fill, unless it exists already. It is removed if that fails."""
        if complete:
            yield self.records.tree(kind, identity)
            return
        account = pwd.getpwnam(self.app["build_user"])
        try:
            yield self.records.create(kind, identity, account.pw_uid, account.pw_gid)
        except BaseException:
            self.records.remove(kind, identity)
            raise

    def _step(self, step: str, arguments: dict[str, t.Any], writable: list[str], environment: dict[str, str] | None = None) -> t.Any:
        return self.sandbox.run(step, arguments, writable, self.settings.build_timeout_seconds, self._units, environment)

    @property
    def _units(self) -> str:
        """The prefix of its transient units' names. No app's name has a colon."""
        return f"flaskyard-release-{self.app['name']}:"

    def _assert_tools(self) -> None:
        """Check that earlier roles have installed what a build needs."""
        uv, wheelhouse = self.settings.uv, self.settings.wheelhouse
        if self.app["installer"] == "uv" and not (uv and os.access(uv, os.X_OK)):
            raise ReleaseError(f"installer is 'uv' and there is none at {uv}; the role python installs it, run it first, or set installer to pip")
        if wheelhouse and (not os.path.isdir(wheelhouse) or wheelhouse.startswith(("/home/", "/root/", "/tmp/"))):
            raise ReleaseError(
                f"the wheelhouse {wheelhouse} is not a directory that builds can see; put it outside of /home, /root and /tmp, such as /srv/wheels"
            )
        assert_account(self.app["build_user"])
