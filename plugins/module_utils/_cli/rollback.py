# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to the release that served before, or to another one, through the gate and the switch of a deploy.

The present release is withdrawn: the playbooks site and deploy keep the older one and say so, until the source changes or they run with
-e redeploy=true.
"""

from __future__ import annotations

import argparse

from .._host.program import say
from .._slots.rollback import Rollback


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument("--release", metavar="ID", help="the release to go to, as flaskyard releases lists it; the last one that served well by default")
    parser.add_argument("--check", action="store_true", help="change nothing, and show which release would serve")


def run(given: argparse.Namespace) -> int:
    """Run the verb, and print what serves."""
    rollback = Rollback(given.app, given.release)
    step = rollback.look() if given.check else rollback.run()
    say(step.words(done=not given.check))
    for command in step.commands(rollback.records):
        say(f"not undone: {command}")
    return 0
