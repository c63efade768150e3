# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:supervisor
"""Run the server or a process of a slot, begun by supervisord as root, as systemd would run it: as the app's account, without a way back to
privileges, its environment to the letter, its output in the journal, and a server with its socket as descriptor 3.

Everything that root does here is in this process: no program is run before the privileges are gone.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

sys.path.insert(0, "/usr/local/lib/flaskyard")
from flaskyard._host.environment_file import parse_environment_file

#: From linux/prctl.h.
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
LOG_INFO = 6
SOCKET = 3
RUN = "/run/flask-supervisor"


def main() -> None:
    """Become the server or the process."""
    arguments = parsed(sys.argv[1:])
    if arguments.process:
        drop_privileges("nobody")
        os.execve("/usr/bin/sleep", ["sleep", "infinity"], {})
    log_to_journal(arguments.account)
    # This line marks the program's lines in the journal.
    print(f"{arguments.slot} starts", flush=True)
    environment = environment_of(arguments.environment)
    if arguments.process is None:
        let_go_of_standard_input()
    else:
        environment |= pass_socket()
    before = group_before(arguments.slot)
    drop_privileges(arguments.account)
    if before:
        end_group(before)
    os.umask(0o027)
    for folder in arguments.make:
        os.makedirs(folder, mode=0o750, exist_ok=True)
    os.chdir(arguments.directory)
    os.execve(arguments.command[0], arguments.command, environment)


def parsed(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--process", type=int, help="of a server, 0 serves, and any other does nothing but be there")
    parser.add_argument("--slot", required=True, help="name of the program")
    parser.add_argument("--account", required=True, help="what it runs as, and the identifier of its lines in the journal")
    parser.add_argument("--environment", required=True, type=Path, help="file in the format of systemd's EnvironmentFile=")
    parser.add_argument("--directory", required=True, help="working directory")
    parser.add_argument("--make", action="append", default=[], help="folder that the account needs and can make")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(words)


def log_to_journal(identifier: str) -> None:
    """Connect standard output and error to the journal."""
    stream = ctypes.CDLL("libsystemd.so.0").sd_journal_stream_fd(identifier.encode(), LOG_INFO, 1)
    if stream < 0:
        raise OSError(-stream, os.strerror(-stream), "the journal")
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.close(stream)


def pass_socket() -> dict[bytes, bytes]:
    """Have the socket, which supervisord gives as standard input, where sd_listen_fds(3) looks for it; the variables that it looks at."""
    os.dup2(0, SOCKET)
    let_go_of_standard_input()
    return {b"LISTEN_FDS": b"1", b"LISTEN_PID": str(os.getpid()).encode()}


def let_go_of_standard_input() -> None:
    """Have nothing to read there."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def environment_of(file: Path) -> dict[bytes, bytes]:
    """What this process got from its command line, and the file over it."""
    given = parse_environment_file(file.read_text(encoding="utf-8"))
    return {**os.environb, **{name.encode(): value.encode() for name, value in given.items()}}


def group_before(program: str) -> int | None:
    """The process group of the program's last run since the boot, if there was one; and a note of this one's, which supervisord made, and of how many
    came before it."""
    file = Path(RUN, program)
    before, dummy, restarts = file.read_text(encoding="ascii").partition(" ") if file.exists() else ("", "", "")
    file.write_text(f"{os.getpgrp()} {int(restarts or 0) + 1 if before else 0}", encoding="ascii")
    return int(before) if before else None


def end_group(group: int) -> None:
    """End what is left of the last run: workers can outlive a master that was killed. As the account, so that it can hit no others."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def drop_privileges(account: str) -> None:
    """Become the account, for good: no capabilities, none to be had from any file either."""
    entry = pwd.getpwnam(account)
    libc = ctypes.CDLL(None, use_errno=True)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    for capability in range(last + 1):
        prctl(libc, PR_CAPBSET_DROP, capability)
    os.initgroups(account, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    prctl(libc, PR_SET_NO_NEW_PRIVS, 1)


def prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    """prctl(2), which Python does not have."""
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"prctl({option}, {value})")


if __name__ == "__main__":
    main()
