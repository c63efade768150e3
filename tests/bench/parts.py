# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the duration of a run divides into parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

#: What tasks take their time for, by their action; of installing a tool, the action says nothing.
PARTS = {
    "flaskyard.server.packages": "packages of Debian",
    "install_tool": "tools from PyPI",
    "flaskyard.server.release": "dependencies of the app",
    "flaskyard.server.certificate": "certificates",
    "flaskyard.server.slot": "start and gate of the app",
    "flaskyard.server.fileset": "files and services",
    "flaskyard.server.survey": "looking at the host",
}
#: Those that wait for a package manager.
FETCHING = ("packages of Debian", "tools from PyPI", "dependencies of the app")
REST = "Ansible itself"


def parts_of(tasks: Sequence[str], begin: float, end: float) -> dict[str, float]:
    """Return the seconds of a run by what they went to.

    :param tasks: of each task, the moment it began, its action and its name.
    """
    parts: dict[str, float] = defaultdict(float)
    began, part = begin, REST
    for task in tasks:
        moment, action, name = task.split(" ", 2)
        parts[part] += float(moment) - began
        tool = "install_tool | Install" in name
        began, part = float(moment), PARTS.get("install_tool" if tool else action, REST)
    parts[part] += end - began
    return dict(parts)
