# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of hosts, and the differences that a change and its reversal leave behind."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass

from .harness import ROOT, Host

SCRIPT = ROOT / "tests" / "hosts" / "picture.py"
#: Files that stay on purpose, for a rollback: releases and their virtualenvs with the server.
KEPT = re.compile(r"(/srv/flask|/var/lib/flaskyard/apps)/[\w-]+/(releases|venvs)/[0-9a-f]{12}(\.json)?")
#: Files that a package's command makes when it runs. They stay until the next boot.
MADE = {"apache2": {"/run/apache2", "/run/apache2/socks", "/run/lock/apache2"}}
#: Files that a build leaves until the next boot. On a host from an image, the build was before that boot.
BUILT = {"/run/flaskyard-agents", "/run/systemd/transient"}


@dataclass(frozen=True)
class Picture:
    """The files and units of a host: see `tests/hosts/picture.py`."""

    entries: dict[str, str]
    packages: dict[str, list[str]]
    altered: list[str]

    @classmethod
    def of(cls, host: Host) -> Picture:
        return cls(**json.loads(host.sh(f"python3 - <<'END'\n{SCRIPT.read_text()}\nEND")))


def assert_same(changed: Picture, direct: Picture) -> None:
    """Check that a changed host equals one that was provisioned directly. Its additional packages may stay unchanged."""
    names = changed.packages.keys() - direct.packages
    further = {path for name in names for path in (*changed.packages[name], *MADE.get(name, ()))}
    of_any = {path for paths in changed.packages.values() for path in paths}

    def stays(name: str) -> bool:
        """Whether a file belongs to a package, is a link to such a file (from a postinst script), or belongs to an old release."""
        look = changed.entries[name]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), look.removeprefix("link to "))) if look.startswith("link to ") else ""
        return name in further or (target in of_any and not name.startswith("/etc/systemd/")) or bool(KEPT.fullmatch(name))

    found = []
    for name in sorted({*changed.entries, *direct.entries}):
        here, there = (picture.entries.get(name, "nothing") for picture in (changed, direct))
        if here != there and not (there == "nothing" and stays(name)) and not ("nothing" in (here, there) and name in BUILT):
            found.append(f"{name}: {here}, directly: {there}")
    # A line is what differs, "c" for configuration, and the path.
    found += [f"not as the package has it: {line}" for line in changed.altered if line.split()[-1] in further]
    assert not found, "\n".join(["other than on a host that never changed:", *found])
