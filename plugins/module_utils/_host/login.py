# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of the SSH session in which a module runs, even if sudo has removed it."""

from __future__ import annotations

import os


def login_environment(name: str) -> str:
    """The value of a variable in this process or the nearest parent process that has it; empty if none has."""
    if name in os.environ:
        return os.environ[name]
    process = os.getppid()
    while process > 1:
        try:
            with open(f"/proc/{process}/environ", "rb") as handle:
                variables = dict(pair.split(b"=", 1) for pair in handle.read().split(b"\0") if b"=" in pair)
            with open(f"/proc/{process}/stat", "rb") as handle:
                process = int(handle.read().rpartition(b")")[2].split()[1])
        except OSError:
            break
        if name.encode() in variables:
            return os.fsdecode(variables[name.encode()])
    return ""
