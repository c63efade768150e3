# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a backup that touches files that an app can write. It runs as the app's own account, in the app's state directory.

So whatever an app plants there (links, pipes, huge or broken files), the agent has only the app's rights.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import json
import os
import secrets
import shutil
import sqlite3
import stat
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator

#: How long a writer may keep a database locked.
WAIT_SECONDS = 60.0
_PR_SET_DUMPABLE = 4
_HEADER = b"SQLite format 3\0"
_UNSOUND = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA}
#: SQLite's files beside a database. They belong to the file that is replaced, not to the new one.
_COMPANIONS = ("-wal", "-shm", "-journal")


def files() -> Iterator[tuple[str, os.stat_result]]:
    """The regular files below the working directory, without following links."""
    for folder, _folders, names in os.walk("."):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name))
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    yield path, status


def opened(path: str) -> io.BufferedReader:
    """Open a file for reading, without following a link or waiting for a pipe."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def is_database(path: str) -> bool:
    """Whether a file begins like a SQLite database."""
    with contextlib.suppress(OSError), opened(path) as handle:
        return handle.read(len(_HEADER)) == _HEADER
    return False


def problems_of(path: str) -> str:
    """The problems that SQLite finds in a database; empty if there are none."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            found = "; ".join(row[0] for row in database.execute("PRAGMA integrity_check(5)"))
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found


def copied(path: str, target: str) -> None:
    """Copy a database that may be in use, with SQLite's backup, so that the copy is consistent.

    :raises sqlite3.Error: if the file is not a usable database, or stayed locked.
    """
    source = sqlite3.connect(f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=rw", uri=True, timeout=WAIT_SECONDS)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy, progress=_give_up_when_locked)


def _give_up_when_locked(status: int, _remaining: int, _total: int) -> None:
    """Stop the copy of a locked database. Python would retry forever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError(f"locked by another program for {WAIT_SECONDS:.0f} s")


def dump() -> int:
    """Write every intact database to a tar stream. Report the others, and go on.

    A damaged database is only saved as a file. That is not a failure, because visitors may upload such files. A database
    that could not be copied for another reason is a failure.
    """
    reports: list[str] = []
    failed = False
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as stream:
        for path, status in files():
            if not is_database(path):
                continue
            with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
                copy = os.path.join(folder, "copy")
                words = ""
                try:
                    copied(path, copy)
                    words = problems_of(copy)
                except (sqlite3.Error, OSError) as error:
                    words = str(error)
                    failed = failed or getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF not in _UNSOUND
                if words:
                    reports.append(f"{path!r}: {words}")
                    continue
                member = tarfile.TarInfo(path)
                member.size, member.mode = os.path.getsize(copy), stat.S_IMODE(status.st_mode)
                with open(copy, "rb") as handle:
                    stream.addfile(member, handle)
    sys.stderr.write("\n".join([*reports[:5], f"and {len(reports) - 5} more"] if len(reports) > 5 else reports))
    return int(failed)


def check() -> int:
    """Check the database on standard input."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        copy = os.path.join(folder, "copy")
        with open(copy, "wb") as handle:
            shutil.copyfileobj(sys.stdin.buffer, handle)
        words = problems_of(copy)
    sys.stderr.write(words)
    return int(bool(words))


def listing() -> int:
    """Write one line of JSON for each file: path, size, time of change in ns, SHA-256."""
    for path, status in files():
        with contextlib.suppress(OSError), opened(path) as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
            sys.stdout.write(json.dumps([path, status.st_size, status.st_mtime_ns, digest]) + "\n")
    return 0


def write() -> int:
    """Replace the databases here by those in the tar stream on standard input."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as stream:
        for member in stream:
            content = stream.extractfile(member)
            if content is None:
                raise OSError(f"{member.name} is not a file")
            folder = os.path.dirname(member.name) or "."
            os.makedirs(folder, exist_ok=True)
            # tempfile makes paths absolute, and the account cannot enter the folders above.
            temporary = os.path.join(folder, f".flask-backup-{secrets.token_hex(8)}")
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as handle:
                shutil.copyfileobj(content, handle)
                os.fchmod(handle.fileno(), member.mode)
            os.replace(temporary, member.name)
            for companion in _COMPANIONS:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(member.name + companion)
    return 0


VERBS: dict[str, Callable[[], int]] = {"dump": dump, "check": check, "list": listing, "write": write}

if __name__ == "__main__":
    # Otherwise the app, which has the same account, could write to the stream that root reads, and enter the directory that root is in.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
    raise SystemExit(VERBS[sys.argv[1]]())
