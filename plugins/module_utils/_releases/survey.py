# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the last declared release of every app is complete, and the proxy can read its public files."""

from __future__ import annotations

import os
import typing as t

from .._host import paths
from .._host.accounts import members
from .._host.path_state import read_path
from .public import READER, Publication, app_group
from .records import Records
from .seeds import Seeds
from .settings import python_identity
from .wished import recall

#: Longer files are not read as a Procfile.
_PROCFILE_BYTES = 65536


def survey() -> dict[str, dict[str, t.Any]]:
    """For each app: the recorded C(wish) with its C(release); C(differences), what does not hold, in words; C(sources), the revisions that have a release
    here; C(withdrawn), the declared release if it was withdrawn; C(grouped), whether the proxy's account is in the app's group.
    """
    names = sorted(os.listdir(paths.APPS)) if os.path.isdir(paths.APPS) else []
    return {name: {**_look(name), "grouped": READER in members(app_group(name))} for name in names}


def _look(name: str) -> dict[str, t.Any]:
    stored = recall(name)
    if stored is None:
        return {"wish": "", "differences": [], "release": {}, "sources": [], "withdrawn": None}
    records, release = Records(stored["app"]), stored["release"]
    record, venv = records.whole("releases", release["id"]), records.whole("venvs", os.path.basename(release["venv"]))
    differences = Publication(stored["app"], records).missing() + Seeds(stored["app"], records).missing(release["id"])
    if not (record and venv):
        differences.append(f"release {release['id']} is missing, or was changed after it was built")
    elif record["inputs"]["python"] != python_identity(release["python"]):
        differences.append(f"release {release['id']} was built for another distribution")
    if "withdrawn" in (record or {}):
        differences.append(f"release {release['id']} was withdrawn by a rollback that was cut short")
    declared = stored.get("declared", release["id"])
    withdrawn = None if declared == release["id"] else records.withdrawal(declared)
    release, sources = with_commands(records, release), [one["inputs"]["source"] for one in records.all("releases")]
    return {"wish": stored["wish"], "differences": differences, "release": release, "sources": sources, "withdrawn": withdrawn}


def with_commands(records: Records, release: dict[str, t.Any]) -> dict[str, t.Any]:
    """A release with the C(release_command) that has run for it (or None), and the text of its C(procfile): empty if it has none, and None if the release is
    not made yet.
    """
    record = records.get("releases", release["id"]) if release["id"] else None
    if record is None:
        return {**release, "release_command": None, "procfile": None}
    procfile = os.path.join(records.tree("releases", release["id"]), record["inputs"].get("directory", ""), "Procfile")
    small = os.path.isfile(procfile) and os.path.getsize(procfile) <= _PROCFILE_BYTES
    return {**release, "release_command": (record.get("release_command") or {}).get("command"), "procfile": read_path(procfile).text if small else ""}
