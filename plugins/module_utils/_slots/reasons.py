# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out from the output of a slot's servers why the slot failed, in one line. Text in, text out."""

from __future__ import annotations

import re

_LONGEST = 300
#: Passenger's prefix of each line from an app.
_PREFIX = re.compile(r"^App \d+ (?:output|stdout|stderr): ?", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last):"
#: The last line of a traceback: the exception's class, and its text if it has one.
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
#: Between two tracebacks, of which the second came while the first was handled.
_CHAINED = "During handling of the above exception, another exception occurred:"
#: Exceptions with which a server or Python ends after the app has failed.
_CONSEQUENCES = re.compile(r"gunicorn\.errors\.|SystemExit|KeyboardInterrupt")
#: The words of servers and systemd, in case the app itself printed nothing. The first pattern that matches counts.
_WORDS = (
    re.compile(r"WORKER TIMEOUT \(pid:\d+\)"),
    re.compile(r"Worker \(pid:\d+\) exited with code \d+"),
    re.compile(r"Worker \(pid:\d+\) was sent SIG(?:KILL|SEGV|ABRT|ILL|BUS)\b.*"),
    re.compile(r"worker \d+ \(pid: \d+\) died\b"),
    re.compile(r"Unexpected exit from worker-\d+"),
    re.compile(r"Could not spawn process for application [^:]*: (.*)"),
    re.compile(r"unable to load app \d+ .*"),
    re.compile(r"Failed to locate executable .*|Failed at step \w+ spawning .*"),
    # The last line of a program before its exit. Lines of systemd about starts do not count.
    re.compile(r"^(?!Start(?:ing|ed) |\S+\.service: )(\S.*)\n\S+\.service: Main process exited, code=", re.MULTILINE),
    # The same under supervisor. Lines of the launcher about starts do not count.
    re.compile(r"^(?!\S+@\S+ starts$)(\S.*)\n\S+@\S+ (?:starts$|has ended: )", re.MULTILINE),
    re.compile(r"Main process exited, code=\w+, status=\S+"),
)
#: What to do about a reason, by a text in it.
_HINTS = (
    ("Address already in use", "another process holds the port or lock; if it is the old slot, set exclusive: true"),
    ("No space left on device", "free some space (df -h)"),
    ("Read-only file system", "an app may write only to its state; list a folder of the source in persist, or one of the host in sandbox.writable_paths"),
    ("Address family not supported by protocol", "if it asks for the host's network interfaces, set sandbox.netlink: true"),
    (": '/dev/", "name the device in sandbox.devices"),
    (": '/proc/", "if it reads system figures there, set sandbox.proc_subset_pid: false"),
    ("unsupported locale setting", "name the locale in host_locales"),
    ("write+execute memory", "set sandbox.memory_deny_write_execute: false"),
    ("allocate section memory", "set sandbox.memory_deny_write_execute: false"),
    ("out of memory", "raise sandbox.memory_max_mb"),
)
#: The same where the web server failed.
_HINTS_OF_SERVERS = (
    ("No module named", "add it to the requirements, correct the key wsgi, or name the folder of the code in directory"),
    ("AttributeError: module '", "if the key wsgi names it, correct the key"),
    ("but 2 were given", "if it is the app's factory, call it in the key wsgi, as in shop:create_app()"),
    *_HINTS,
)
#: The same where a command failed: a process, a schedule, a release command.
_HINTS_OF_COMMANDS = (("No module named", "add it to the requirements, or correct the command"), *_HINTS)
_OF_COMMANDS = ("release_command", "work")
_OUT_OF_MEMORY = re.compile(r"Failed with result 'oom-kill'|killed by the OOM killer")


def reason(journal: str, step: str = "") -> str:
    """Why it failed, with the next step if there is a usual one; empty if the journal does not say."""
    journal = _PREFIX.sub("", journal)
    found = "it ran out of memory" if _OUT_OF_MEMORY.search(journal) else _last_exception(journal) or _last_words(journal)
    if len(found) > _LONGEST:
        found = f"{found[: _LONGEST - 1]}…"
    hint = next((hint for mark, hint in (_HINTS_OF_COMMANDS if step in _OF_COMMANDS else _HINTS_OF_SERVERS) if mark in found), "")
    return f"{found}: {hint}" if hint else found


def headline(step: str, seen: str, journal: str) -> str:
    """The first lines of a message: the step that failed and the reason, then what was seen of it.

    :param seen: the step's own message: first what happened, and after C("; ") what was expected.
    """
    why = reason(journal, step)
    said, dummy, wanted = seen.partition("; ")
    answered = re.search(r" gave status (\d)", said)
    if not why or (answered and answered[1] != "5"):
        return f"{step}: {seen}"
    if " gave " in said and "does not stay up" not in wanted:
        # It runs, so its output may be about something else.
        return "\n".join(filter(None, [f"{step}: {said} ({why})", wanted]))
    return f"{step}: {why}\n{seen}"


def mentions(text: str, name: str) -> bool:
    """Whether a text names a unit or program. A longer name that begins with it does not count.

    >>> mentions("shop@1-process.worker.1 does not stay up", "shop@1")
    False
    """
    return bool(re.search(rf"{re.escape(name)}(?!\.?[\w-])", text))


def without_journal(message: str) -> str:
    """A command's error without the journals at its end, and without systemctl's advice to read them."""
    said = message.partition("\n--- journal of ")[0]
    return "\n".join(line for line in said.splitlines() if not line.startswith('See "systemctl status '))


def without_consequences(journal: str) -> str:
    """The output without the tracebacks with which a server ends after the app has failed."""
    kept: list[str] = []
    held: list[str] = []
    dropped = False
    for line in journal.splitlines():
        if line.strip() == _TRACEBACK:
            kept, held = kept + held, [line]
        elif not held:
            kept += [] if line == _CHAINED and dropped else [line]
        elif _EXCEPTION.fullmatch(line):
            # Other processes may have written between the frames, which are indented.
            dropped = bool(_CONSEQUENCES.match(line))
            kept += [said for said in held[1:] if not said[:1].isspace()] if dropped else [*held, line]
            held = []
        else:
            held.append(line)
    return "\n".join(kept + held)


def _last_exception(journal: str) -> str:
    """The exception at the end of the app's last traceback. Its frames are indented, and other processes may have written between them."""
    found, inside = "", False
    for line in journal.splitlines():
        if line.strip() == _TRACEBACK:
            inside = True
        elif inside and _EXCEPTION.fullmatch(line):
            inside = False
            found = found if _CONSEQUENCES.match(line) else line
    return found


def _last_words(journal: str) -> str:
    matches = (match for words in _WORDS for match in [words.search(journal)] if match)
    return next((match[match.lastindex or 0] for match in matches), "")
