# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A single command, run as the serving slot of an app runs."""

from __future__ import annotations

from .command import transient
from .recalled import slot_that_serves
from .slots import Slots


def command_line(name: str, words: list[str], terminal: bool) -> list[str]:
    """The command line that runs a command as an app, waits for it, and exits with its status.

    :param name: of the app.
    :param words: the program and its arguments.
    :param terminal: whether to give it this process's terminal. Otherwise it gets the standard input and outputs.
    :raises HostError: if no slot of the app serves here.
    """
    slots = Slots(slot_that_serves(name).app)
    options = ["--quiet", "--wait", "--collect", "--pty" if terminal else "--pipe", f"--description=Command of Flask app {name}"]
    return transient(slots.folder(str(slots.links.current())), words, *options)
