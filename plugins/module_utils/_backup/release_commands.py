# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release commands after a restore. They ran for other data, so the host forgets that they ran, and the next run repeats the one of the current release."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .._releases import wished
from .._releases.records import Records
from .model import BackupError


@contextlib.contextmanager
def forgotten(records: Records) -> Iterator[dict[str, str]]:
    """Forget which release commands have run, by release. If the restore fails, record them again.

    This comes first, so that a killed restore leaves no record of a command that the restored data has not seen.
    """
    ran = {record["id"]: record["release_command"] for record in records.all("releases") if record.get("release_command")}
    for release in ran:
        records.note(release, release_command=None)
    try:
        yield {release: str(command["command"]) for release, command in ran.items()}
    except BackupError:
        for release, command in ran.items():
            records.note(release, release_command=command)
        raise


def to_run(records: Records, release: str, command: str) -> str:
    """What must happen to a release command that is forgotten, in words."""
    declared = (wished.recall(records.name) or {}).get("declared", release)
    # No run repeats by itself the command of a release that serves after a rollback.
    how = "the next run of site or deploy runs it" if declared == release else "run deploy with -e repeat_release_command=true"
    return f"release_command has not run on the restored data, so pages may fail; {how}: {command}"
