# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the release: hash the sources that are here, and send those that a host lacks."""

from __future__ import annotations

import concurrent.futures
import os
import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ..module_utils.sealed import seal
from ..plugin_utils.source_tree import SourceTreeError, list_files, pack, revision_of, sha256_of

#: Options that may hold credentials.
_SECRET_OPTIONS = ("apps", "locks", "index_url", "extra_index_urls", "environment")

#: What the module sees of an app: not its environment, nor its certificate's key.
_APP_KEYS = (
    *("name", "user", "build_user", "server", "embeds_python", "python", "installer", "requirements"),
    *("server_requirements", "server_lock", "build_command", "persist", "public", "paths"),
)
_LOCKS = Path(__file__).resolve().parents[2] / "roles/python/files/locks"


class ActionModule(ActionBase):
    """Runs the module C(flaskyard.server.release), twice when a host asks for a source of the controller."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ask the host, send what it lacks, ask again for those apps."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = dict(self._task.args)
        declared: list[dict[str, t.Any]] = args.pop("apps", None) or []
        sources, folders, failures = find_sources(declared)
        args["locks"] = {name: (_LOCKS / f"{name}.txt").read_text() for app in declared if (name := app["server_lock"])}
        apps = [{**{key: app[key] for key in _APP_KEYS}, "source": sources[app["name"]]} for app in declared if app["name"] not in failures]
        answer = self._ask(args, apps, variables)
        if "releases" not in answer:
            return answer
        if answer["wanted"]:
            try:
                uploads = {name: self._send(folders[name]) for name in answer["wanted"]}
                second = self._ask({**args, "uploads": uploads}, [app for app in apps if app["name"] in uploads], variables)
            finally:
                self._remove_tmp_path(self._connection._shell.tmpdir)
            if "releases" not in second:
                return second
            for key in ("releases", "failures"):
                answer[key] |= second[key]
            answer["diff"] += second["diff"]
            answer["changed"] |= second["changed"]
        failures |= answer["failures"]
        facts = {"flask_releases": answer["releases"]}
        result.update(changed=answer["changed"], diff=answer["diff"], failures=failures, ansible_facts=facts)
        if failures:
            result.update(failed=True, msg=report(failures, len(declared)))
        return result

    def _ask(self, args: dict[str, t.Any], apps: list[dict[str, t.Any]], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = self._execute_module(
            module_name="flaskyard.server.release", module_args=seal({**args, "apps": apps}, *_SECRET_OPTIONS), task_vars=variables
        )
        return answer

    def _send(self, source: LocalSource) -> str:
        """Copy a source to the host and return the path of the file there."""
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        with tempfile.TemporaryDirectory() as folder:
            archive = source.location
            if source.files is not None:
                archive = os.path.join(folder, "source.tar.gz")
                pack(source.location, source.files, archive)
            remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, os.urandom(6).hex())
            self._transfer_file(archive, remote)
        return remote


class LocalSource(t.NamedTuple):
    """A source on the controller. C(files) is None when it is one archive."""

    location: str
    revision: str
    files: list[str] | None


def find_sources(apps: list[dict[str, t.Any]]) -> tuple[dict[str, dict[str, t.Any]], dict[str, LocalSource], dict[str, str]]:
    """By app: the source for the module, with its revision if it lies on the controller; what lies there; and what is wrong."""

    def look(app: dict[str, t.Any]) -> LocalSource | SourceTreeError | None:
        try:
            return local_source(app["source"])
        except SourceTreeError as error:
            return error

    sources = {app["name"]: dict(app["source"]) for app in apps}
    folders, failures = {}, {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for name, found in zip(sources, pool.map(look, apps), strict=True):
            if isinstance(found, LocalSource):
                folders[name] = found
                sources[name]["revision"] = found.revision
            elif found:
                failures[name] = str(found)
    return sources, folders, failures


def report(failures: dict[str, str], total: int) -> str:
    """All the failures in one message."""
    lines = [f"{name}: {text}".replace("\n", "\n    ") for name, text in failures.items()]
    summary = f"{len(failures)} of {total} apps {'has' if len(failures) == 1 else 'have'} no new release; what runs on the host is untouched."
    return "\n".join([summary, *lines])


def local_source(source: dict[str, t.Any]) -> LocalSource | None:
    """The source, if it lies on the controller.

    :raises SourceTreeError: it should, and does not, or is not what its checksum says.
    """
    if source["kind"] not in ("path", "archive") or "://" in source["location"]:
        return None
    location = os.path.abspath(os.path.expanduser(source["location"]))
    if source["kind"] == "path":
        files = list_files(location)
        return LocalSource(location, revision_of(location, files), files)
    if not os.path.isfile(location):
        raise SourceTreeError(f"source.archive is {location}, which is no file on the controller; relative paths begin at the current directory")
    revision = f"sha256:{sha256_of(location)}"
    if source["checksum"] and source["checksum"].lower() != revision:
        raise SourceTreeError(f"source.checksum is {source['checksum']} and {location} has {revision}; set that checksum, or get the right file")
    return LocalSource(location, revision, None)
