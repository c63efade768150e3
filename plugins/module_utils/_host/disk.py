# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of a full disk in words: where, what is full, and the next step."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t


@contextlib.contextmanager
def naming(path: str) -> t.Iterator[None]:
    """Add to the error of a full disk what could not be written, and what to check. An error from an open file names no path.

    :raises OSError: with the original error number.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(error.errno, f"{path} cannot be written: {os.strerror(error.errno)}; {_way_out(os.path.dirname(path))}") from error


def _way_out(folder: str) -> str:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    if found.f_files and not found.f_ffree:
        return f"no inodes are left, so remove files, however small (df -i {folder})"
    return f"free some space (df -h {folder})"
