# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who changes this host, and what for. Records, the deploy log and locks store it.

A process acts for one person. A module gets the name from its action plugin; a program on the host takes it from the login session.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import pwd
import socket

#: The kernel's login number for a process that belongs to no login.
_NO_LOGIN = 2**32 - 1


@dataclasses.dataclass
class Actor:
    """Who acts.

    :param by: C(user@machine).
    :param action: what for, in one word, such as V(deploy).
    """

    by: str = ""
    action: str = "change"


_present = Actor()


def act(action: str, by: str = "") -> None:
    """Set what this process does, and who asked for it.

    :param by: who runs it. Default: the login of this session.
    """
    _present.action, _present.by = action, by


def actor() -> Actor:
    """Who acts in this process."""
    _present.by = _present.by or f"{_login()}@{socket.gethostname()}"
    return _present


def stamp() -> dict[str, str]:
    """The time and the actor, as records store them."""
    return {"at": now(), "by": actor().by}


def now() -> str:
    """The time, as records store it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _login() -> str:
    """Who logged in. sudo keeps the name, and the kernel the account number with which the session began."""
    if name := os.environ.get("SUDO_USER"):
        return name
    number = os.getuid()
    try:
        with open("/proc/self/loginuid", encoding="ascii") as handle:
            number = number if (login := int(handle.read())) == _NO_LOGIN else login
        return pwd.getpwuid(number).pw_name
    except (OSError, ValueError, KeyError):
        return str(number)
