# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that is on the host already: whether it can run, and a digest that changes with it."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t
from pathlib import Path

from .commands import StepError, run

#: What changes without a change to the code.
_PASSED_OVER = {"__pycache__", ".git"}
_VERSIONS = "import sys, importlib.metadata as m; print('%d.%d' % sys.version_info[:2]); [m.version(name) for name in sys.argv[1:]]"


def look(folder: str, packages: list[str]) -> dict[str, str]:
    """The Python of a folder's virtualenv, and a digest of names, sizes and times.

    :param packages: requirements of the WSGI server. The virtualenv must have some version of each.
    :raises StepError: if the code cannot run as it is.
    """
    here = Path(folder)
    try:
        os.listdir(here)
        digest = digest_of(here)
    except FileNotFoundError:
        raise StepError(f"source.in_place is {folder}, and there is no such folder on this host") from None
    except PermissionError as error:
        raise StepError(f"the app's accounts cannot read {error.filename}; let everybody, or the app's group, read {folder} with all that is in it") from None
    python = here / ".venv" / "bin" / "python"
    if not os.access(python, os.X_OK):
        raise StepError(f"{python} cannot be run; source.in_place needs a virtualenv, or a link to one, at {here}/.venv, outside of /home and /root")
    names = [re.split(r"[\[<>=!~; ]", package, maxsplit=1)[0] for package in packages]
    try:
        version = run([str(python), "-I", "-c", _VERSIONS, *names]).strip()
    except StepError as error:
        wanted = " ".join(f"'{package}'" for package in packages)
        raise StepError(f"{here}/.venv has not all that the server needs; install it there: {python} -m pip install {wanted}", error.output) from None
    return {"digest": digest, "python": version}


def digest_of(folder: Path) -> str:
    """A digest of the names, modes, sizes and times in a folder and its virtualenv."""
    total = hashlib.sha256()
    virtualenv = folder / ".venv"
    for top in [folder, *([virtualenv.resolve()] if virtualenv.is_symlink() else [])]:
        for path in sorted(_below(top)):
            status = os.lstat(path)
            total.update(f"{os.path.relpath(path, top)}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return total.hexdigest()[:32]


def _below(top: Path) -> t.Iterator[str]:
    for folder, folders, files in os.walk(top, onerror=_fail):
        folders[:] = set(folders) - _PASSED_OVER
        yield from (os.path.join(folder, name) for name in [*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))])


def _fail(error: OSError) -> None:
    raise error
