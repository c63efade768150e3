# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd units: read their state, change it, explain a failure."""

from __future__ import annotations

import contextlib
import os
import re
import time

from .commands import CommandError, run, tail

_ENABLED = {"enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "transient"}
#: The last line of a traceback, which says what happened.
_EXCEPTION = re.compile(r"^[\w.]*(?:Error|Exception|Exit)\b.*", re.MULTILINE)
#: The message of nginx, and that of Apache.
_TAKEN = re.compile(r"bind\(\) to \S*:(\d+) failed .*Address already in use|Address already in use: .* could not bind to address \S*:(\d+)")
_JOURNAL_LINES = 400
_LISTENING = ["ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes"]
_ASKED = ("Id", "ActiveState", "SubState", "UnitFileState", "NeedDaemonReload", "LoadState", "MainPID", "NRestarts")


def states(names: list[str], asked: tuple[str, ...] = _ASKED) -> dict[str, dict[str, str]]:
    """Properties of several units in one call, by unit name."""
    if not names:
        return {}
    output = run(["systemctl", "show", f"--property={','.join(asked)}", "--", *names]).stdout
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in output.strip().split("\n\n")]
    return dict(zip(names, blocks, strict=True))


def is_up(state: dict[str, str]) -> bool:
    """Whether a unit is running. A unit that restarts in a loop is not."""
    return state.get("ActiveState") in ("active", "reloading")


def is_active(state: dict[str, str]) -> bool:
    """Whether a unit is running or starting."""
    return is_up(state) or state.get("ActiveState") == "activating"


def is_enabled(state: dict[str, str]) -> bool:
    """Whether a unit starts at boot, or is of a kind that other units start."""
    return state.get("UnitFileState") in _ENABLED


def is_on(state: dict[str, str]) -> bool:
    """Whether a unit is running, or enabled at boot itself."""
    return is_active(state) or state.get("UnitFileState") == "enabled"


def wait_for_end(names: list[str], seconds: float = 120) -> None:
    """Wait until stopping units have stopped. systemd limits the time."""
    end = time.monotonic() + seconds
    while any(state.get("ActiveState") == "deactivating" for state in states(names).values()) and time.monotonic() < end:
        time.sleep(0.1)


def wait_while_active(name: str, seconds: float) -> None:
    """Wait until a unit that somebody else started has ended, but no longer than this time."""
    end = time.monotonic() + seconds
    while is_active(states([name])[name]) and time.monotonic() < end:
        time.sleep(0.2)


def systemctl(*arguments: str, timeout: float = 120) -> None:
    """Run systemctl. An error includes the journal of the named units.

    :raises CommandError: with systemctl's error and the last journal lines.
    """
    begin = time.time()
    try:
        run(["systemctl", *arguments], timeout=timeout)
    except CommandError as error:
        # Older lines of the unit may be about a port that is free by now.
        since = [f"--since=@{begin:.3f}"]
        journals = "\n".join(journal(name, match=[f"--unit={name}", *since]) for name in arguments[1:] if "." in name)
        raise CommandError("\n".join([str(error), *_who_took(taken_ports(journals)), journals])) from error


def stop(name: str) -> None:
    """Stop a unit, if there is one of this name."""
    run(["systemctl", "stop", "--quiet", name], check=False)


def ports(names: list[str]) -> dict[str, set[int]]:
    """The TCP ports on which the processes of each unit listen."""
    held: dict[str, set[int]] = {name: set() for name in names}
    for line in run(_LISTENING).stdout.splitlines() if names else []:
        port = int(line.split()[3].rpartition(":")[2])
        for process in re.findall(r"pid=(\d+)", line):
            with contextlib.suppress(OSError), open(f"/proc/{process}/cgroup", encoding="utf-8") as handle:
                unit = os.path.basename(handle.read().strip())
                held.get(unit, set()).add(port)
    return held


def taken_ports(journals: str) -> set[int]:
    """The TCP ports that another process holds, by what a journal says."""
    return {int(nginx or apache) for nginx, apache in _TAKEN.findall(journals)}


def _who_took(wanted: set[int]) -> list[str]:
    lines = []
    for port in sorted(wanted):
        output = run([*_LISTENING, f"sport = :{port}"], check=False).stdout
        owners = ", ".join(sorted({f"{name} (process {pid})" for name, pid in re.findall(r'\("([^"]+)",pid=(\d+)', output)}))
        lines.append(f"Port {port} is taken by {owners or 'another program'}; stop it and keep it from starting at boot, then run again.")
    return lines


def printed(name: str, match: list[str] | None = None) -> str:
    """The last output of a unit, and systemd's messages about it.

    :param match: other matches for its lines in the journal, in place of the unit's name.
    """
    command = ["journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", str(_JOURNAL_LINES), *(match or [f"--unit={name}"])]
    return run(command, check=False).stdout


def journal(name: str, lines: int = 25, match: list[str] | None = None) -> str:
    """The last journal lines of a unit's present or last run, and the error that began it: a server's traceback comes after the app's.

    :param match: as in C(printed).
    """
    output = printed(name, match)
    error = _EXCEPTION.search(output)
    first = f"; the first error in it: {error[0]}" if error and error[0] not in tail(output, lines) else ""
    return journal_of(f"{name}{first}", output, lines)


def journal_of(name: str, output: str, lines: int = 25) -> str:
    """The last lines of a unit's output, under its name."""
    return f"--- journal of {name}\n{tail(output, lines) or '(empty)'}"
