# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the release: hashes the sources on the controller, and sends those that a host lacks."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._host.errors import Failures
from ..module_utils._host.sealed import seal
from ..module_utils._host.wishes import veiled, wish
from ..module_utils._releases.revisions import FORMAT, is_fixed
from ..plugin_utils.operator import operator
from ..plugin_utils.source_tree import SourceTreeError, assert_sent, list_files, pack, revision_of, sha256_of
from ..plugin_utils.surveyed import holds, outdated, results, run_key, with_facts

#: Options that may hold credentials.
_SECRET_OPTIONS = ("apps", "locks", "index_url", "extra_index_urls", "environment")

#: The keys of an app that the module gets. Its environment and its certificate's key are not among them.
_APP_KEYS = (
    *("name", "user", "build_user", "server", "embeds_python", "python", "installer", "requirements", "directory", "install_project"),
    *("server_requirements", "server_lowest", "server_lock", "build_packages", "build_command", "persist", "persist_files", "seeded"),
    *("public", "served", "paths"),
)
_LOCKS = Path(__file__).resolve().parents[2] / "roles/python/files/locks"


display = Display()


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.release) if there is something to do, and again if the host asks for a source that it should have had."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Send the sources that the survey did not find, call the module, send sources that are still missing, and call again for those apps."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = dict(self._task.args)
        declared: list[dict[str, t.Any]] = args.pop("apps", None) or []
        sources, folders, failures = find_sources(declared)
        args["locks"] = {name: (_LOCKS / f"{name}.txt").read_text() for app in declared if (name := app["server_lock"])}
        args["declared"] = args.get("declared") or [app["name"] for app in declared]
        args["by"] = operator()
        apps = [{**{key: app[key] for key in _APP_KEYS}, "source": sources[app["name"]]} for app in declared if app["name"] not in failures]
        found = results(variables, "releases")
        answer = _unchanged(args, apps, found) or self._prepare(args, apps, folders, found, variables)
        if "releases" not in answer:
            return answer
        failures |= answer["failures"]
        for name, withdrawn in answer["withdrawn"].items():
            display.warning(held_back(str(variables.get("inventory_hostname", "")), name, answer["releases"][name], withdrawn))
        notices: dict[str, list[str]] = answer.get("notices", {})
        for name, words in notices.items():
            for notice in words:
                display.warning(f"{variables.get('inventory_hostname', '')}, {name}: {notice}")
        # Hosts with the same environment share what a release command changes.
        environments = {app["name"]: veiled(wish(app["env"]), run_key()) for app in declared}
        releases = dict(answer["releases"])
        # A release that serves in place of a withdrawn one served before without today's command.
        releases |= {app["name"]: {**releases[app["name"]], **_ran(app)} for app in declared if app["name"] in answer["withdrawn"]}
        facts = {"flask_releases": releases, "flask_environments": environments, "flask_failures": failures}
        if answer["changed"] and not self._task.check_mode:
            facts |= outdated(variables, "releases")
        result.update(changed=answer["changed"], diff=answer.get("diff", []), notices=notices, failures=failures)
        if failures and args.get("keep_going"):
            for name, reason in Failures(failures).headlines().items():
                display.warning(f"{variables.get('inventory_hostname', '')}: app {name} has no new release: {reason}")
        elif failures:
            result.update(failed=True, msg=Failures(failures).report(summary(failures, len(declared))))
        return with_facts(result, facts)

    def _prepare(
        self, args: dict[str, t.Any], apps: list[dict[str, t.Any]], folders: dict[str, LocalSource], found: dict[str, t.Any], variables: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        missing = [name for name, source in folders.items() if source.revision not in found.get(name, {}).get("sources", [])] if found else []
        try:
            answer = self._ask({**args, "uploads": self._send(folders, missing)}, apps, variables)
            if "releases" not in answer or not answer["wanted"]:
                return answer
            wanted = [app for app in apps if app["name"] in answer["wanted"]]
            second = self._ask({**args, "uploads": self._send(folders, answer["wanted"])}, wanted, variables)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if "releases" not in second:
            return second
        for key in ("releases", "failures", "withdrawn", "notices"):
            answer[key] |= second[key]
        answer["diff"] = answer.get("diff", []) + second.get("diff", [])
        answer["changed"] |= second["changed"]
        return answer

    def _ask(self, args: dict[str, t.Any], apps: list[dict[str, t.Any]], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = self._execute_module(
            module_name="flaskyard.server.release", module_args=seal({**args, "apps": apps}, *_SECRET_OPTIONS), task_vars=variables
        )
        return answer

    def _send(self, folders: dict[str, LocalSource], names: list[str]) -> dict[str, str]:
        """Copy sources to the host, and return the path of each file there."""
        if self._task.check_mode or not names:
            return {}
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        return {name: self._send_one(folders[name]) for name in names}

    def _send_one(self, source: LocalSource) -> str:
        with tempfile.TemporaryDirectory() as folder:
            archive = source.location
            if source.files is not None:
                archive = os.path.join(folder, "source.tar.gz")
                pack(source.location, source.files, archive)
            remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, os.urandom(6).hex())
            self._transfer_file(archive, remote)
        return remote


class LocalSource(t.NamedTuple):
    """A source on the controller. C(files) is None if it is an archive."""

    location: str
    revision: str
    files: list[str] | None


def _unchanged(args: dict[str, t.Any], apps: list[dict[str, t.Any]], found: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """The host's answer, if the survey has found every release complete; None if the host must be asked. Apps get their C(wish)."""
    settings = {key: value for key, value in args.items() if key not in ("locks", "declared", "keep_going", "redeploy", "by")}
    for app in apps:
        if is_fixed(app["source"]):
            app["wish"] = wish([FORMAT, settings, app, args["locks"].get(app["server_lock"])])
    if any(entry["grouped"] for entry in found.values()) or not all("wish" in app and holds(found.get(app["name"]), app["wish"]) for app in apps):
        return None
    withdrawn = {app["name"]: entry for app in apps if (entry := found[app["name"]]["withdrawn"])}
    if withdrawn and args.get("redeploy"):
        return None
    releases = {app["name"]: found[app["name"]]["release"] for app in apps}
    return {"changed": False, "diff": [], "failures": {}, "releases": releases, "withdrawn": withdrawn}


def find_sources(apps: list[dict[str, t.Any]]) -> tuple[dict[str, dict[str, t.Any]], dict[str, LocalSource], dict[str, str]]:
    """By app: the source for the module, with its revision if it is on the controller; the sources there; and the problems."""

    def look(app: dict[str, t.Any]) -> LocalSource | SourceTreeError | None:
        try:
            source = local_source(app["source"])
            if source and source.files is not None and not app["build_command"]:
                assert_sent(source.location, source.files, _needed(app))
            return source
        except SourceTreeError as error:
            return error

    sources = {app["name"]: dict(app["source"]) for app in apps}
    wanted = {app["name"]: app["install_project"] for app in apps}
    folders, failures = {}, {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for name, found in zip(sources, pool.map(look, apps), strict=True):
            if isinstance(found, LocalSource):
                folders[name] = found
                sources[name]["revision"] = found.revision
                sources[name] |= described(found) if wanted[name] else {}
            elif found:
                failures[name] = str(found)
    return sources, folders, failures


def _needed(app: dict[str, t.Any]) -> list[str]:
    """The files and folders of the source that the declaration names."""
    return [name for name in (app["directory"], app["requirements"], *app["public"]["release"]) if name and not name.startswith(".venv/")]


def described(source: LocalSource) -> dict[str, str]:
    """The output of C(git describe --tags) for a folder as C(described), if it belongs to a repository."""
    if source.files is None:
        return {}
    command = ["git", "-C", source.location, "describe", "--tags", "--long"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return {"described": done.stdout.strip()} if done.returncode == 0 else {}


def summary(failures: dict[str, str], total: int) -> str:
    """The failed apps, in one line."""
    have = "has" if len(failures) == 1 else "have"
    return f"{len(failures)} of {total} apps {have} no new release, and what runs of them stays as it is: {', '.join(failures)}"


def _ran(app: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"release_command": command["command"]} if (command := app["release_command"]) else {}


def held_back(host: str, app: str, serves: dict[str, t.Any], withdrawn: dict[str, str]) -> str:
    """A warning that a host does not run the declared release, why, and what to do."""
    at = withdrawn["at"][:16].replace("T", " ")
    return (
        f"{host}: app {app} keeps release {serves['id']}, since {withdrawn['by'] or 'somebody'} went back to it and withdrew release {withdrawn['words']}"
        f"{f' at {at} UTC' if at else ''}. Change the source, or run again with -e redeploy=true to have the withdrawn one serve again."
    )


def local_source(source: dict[str, t.Any]) -> LocalSource | None:
    """The source, if it is on the controller.

    :raises SourceTreeError: if it is missing there, or does not match its checksum.
    """
    if source["kind"] not in ("path", "archive") or "://" in source["location"]:
        return None
    location = os.path.abspath(os.path.expanduser(source["location"]))
    if source["kind"] == "path":
        files = list_files(location)
        return LocalSource(location, revision_of(location, files), files)
    if not os.path.isfile(location):
        raise SourceTreeError(f"source.archive is {location}, which is not a file on the controller; relative paths begin at the current directory")
    revision = f"sha256:{sha256_of(location)}"
    if source["checksum"] and source["checksum"].lower() != revision:
        raise SourceTreeError(f"source.checksum is {source['checksum']} and {location} has {revision}; set that checksum, or get the right file")
    return LocalSource(location, revision, None)
