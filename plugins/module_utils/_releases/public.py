# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the proxy's account read an app's public files, in every release and in the app's state, and nothing else.

The account is in no app's group. So a link that an app makes, even one that it swaps for a file while Apache looks at it, never
leads the proxy to another app's private files.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import grp
import json
import os
import pwd
import stat
import struct
import subprocess
import typing as t

from .._host import paths
from .._host.accounts import members
from .._host.commands import run
from .._host.path_state import PathState, read_json, write_path
from .records import Records, ReleaseError
from .sandbox import Sandbox
from .settings import Settings

#: The account under which Debian's nginx and Apache serve files.
READER = "www-data"
#: What is at a path that cannot be served.
_UNSERVED = {"": "is not in the release", "link": "is or leads through a symbolic link, which the proxy does not follow"}
_PROXY_UNITS = ("nginx.service", "apache2.service")

# acl(5), and the layout of the attribute from linux/posix_acl_xattr.h: a version, then tag, permissions and id of each entry.
_USER, _MASK, _READ_AND_ENTER, _ENTER = 0x02, 0x10, 5, 1


class Publication:
    """The public files of one app.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any], records: Records) -> None:
        self._app, self._records = app, records
        self._state: str = app["paths"]["state"]
        self._public: dict[str, list[str]] = app["public"]
        self._shared_file = os.path.join(records.folder, "shared.json")

    def missing(self) -> list[str]:
        """The changes to make, in words; empty if the proxy can read what is public, and no more."""
        notes = [f"let {READER} read the public files of release {record['id']}" for record in self._unpublished()]
        if self._state_differs():
            notes.append(f"let {READER} read of {self._state}: {', '.join(self._public['state']) or 'nothing'}")
        return notes

    def apply(self, settings: Settings) -> None:
        """Make the changes, each as the account that owns the files.

        :raises ReleaseError: if the access cannot be set.
        """
        public = self._public["release"]
        if releases := self._unpublished():
            tree = self._app["paths"]["releases"]
            # Files that were public stay public: the proxy may still be configured to serve them.
            shown = {record["id"]: sorted({*record.get("public", []), *public}) for record in releases}
            arguments = {"tree": tree, "releases": shown, "group": grp.getgrnam(self._app["user"]).gr_gid}
            self._run("public.close", arguments, tree, self._app["build_user"], settings)
            for record in releases:
                self._records.put("releases", {**record, "public": shown[record["id"]]})
        if self._state_differs():
            before, after = self._shared(), self._public["state"]
            arguments = {"state": self._state, "folders": after, "withdrawn": sorted({*before} - {*after}), "reader": READER}
            self._run("public.share", arguments, self._state, self._app["user"], settings)
            write_path(self._shared_file, PathState("file", json.dumps(after).encode(), mode=0o600))

    def _run(self, step: str, arguments: dict[str, t.Any], folder: str, user: str, settings: Settings) -> None:
        Sandbox(self._app, settings, user).run(step, arguments, [folder], settings.build_timeout_seconds)

    def _unpublished(self) -> list[dict[str, t.Any]]:
        """Releases with wrong access for the proxy. For code in place, its owner sets the access."""
        wanted = set(self._public["release"])
        return [record for record in self._records.all("releases") if record["venv"] and not ("public" in record and wanted <= set(record["public"]))]

    def _state_differs(self) -> bool:
        return self._shared() != self._public["state"] or not all(map(self._is_shared, self._public["state"]))

    def _shared(self) -> list[str]:
        return list(read_json(self._shared_file) or [])

    def _is_shared(self, folder: str) -> bool:
        path = self._state
        for part in folder.split("/"):
            if not _permits(path, "access", _ENTER):
                return False
            path = os.path.join(path, part)
        return all(_permits(path, kind, _READ_AND_ENTER) for kind in ("access", "default"))


def _permits(path: str, kind: str, permissions: int) -> bool:
    """Whether an access list gives the reader these permissions."""
    try:
        packed = os.getxattr(path, f"system.posix_acl_{kind}", follow_symlinks=False)
    except OSError:
        return False
    reader = pwd.getpwnam(READER).pw_uid
    entries = [struct.unpack_from("<HHI", packed, offset) for offset in range(4, len(packed), 8)]
    granted = next((bits for tag, bits, number in entries if (tag, number) == (_USER, reader)), 0)
    mask = next((bits for tag, bits, dummy in entries if tag == _MASK), 7)
    return granted & mask & permissions == permissions


def leave_groups(groups: t.Iterable[str], check: bool) -> list[str]:
    """Remove the proxy's account from the groups of apps, where earlier versions put it, and reload the proxies.

    :returns: the groups that it was in.
    """
    left = [name for name in groups if READER in members(name)]
    if left and not check:
        for name in left:
            run(["gpasswd", "--delete", READER, name])
        # A worker keeps the groups that it started with.
        run(["systemctl", "try-reload-or-restart", *_PROXY_UNITS], check=False)
    return left


def app_group(name: str) -> str:
    """The group of an app."""
    return f"flask-{name}"


def groups_of_others(declared: t.Collection[str]) -> list[str]:
    """The groups of apps that this host has or had and that are no longer declared."""
    names = sorted(os.listdir(paths.APPS)) if os.path.isdir(paths.APPS) else []
    return [app_group(name) for name in names if name not in declared]


def assert_served(tree: str, served: dict[str, dict[str, str]]) -> None:
    """Refuse a release without the files and folders that the proxy is to serve from it: visitors would get errors.

    :param tree: the folder of the release.
    :param served: by path, the C(kind) that must be there, and the C(key) of the app that names it.
    :raises ReleaseError: naming all that are not there.
    """
    found = {path: _kind(tree, path) for path in served}
    problems = [
        f"{wanted['key']}: {path!r} {_UNSERVED.get(found[path], f'is a {found[path]}')}, and must be a {wanted['kind']}"
        for path, wanted in served.items()
        if found[path] != wanted["kind"]
    ]
    if problems:
        raise ReleaseError("\n".join([*problems, "correct the key, add the path to the source, or make it in build_command"]))


def _kind(tree: str, path: str) -> str:
    """C(file), C(folder), C(link) if a part of the path is one, or an empty text. No link is followed."""
    place, kind = tree, ""
    for part in path.split("/"):
        place = os.path.join(place, part)
        try:
            mode = os.lstat(place).st_mode
        except OSError:
            return ""
        kind = "link" if stat.S_ISLNK(mode) else "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else ""
        if kind == "link":
            break
    return kind


def assert_readable(folder: str, public: list[str]) -> None:
    """Refuse code in place whose public files the proxy cannot read. Only the owner may change its modes.

    :raises ReleaseError: naming the first such file.
    """
    for place in public:
        path = os.path.join(folder, place)
        test = ["setpriv", f"--reuid={READER}", f"--regid={READER}", "--init-groups", "test", "-r", path]
        if os.path.exists(path) and subprocess.run(test, check=False).returncode != 0:
            raise ReleaseError(f"the proxy cannot read {path}; let everybody read it, and enter the folders above it (chmod o+x)")
