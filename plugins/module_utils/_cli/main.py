# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command C(flaskyard): does what the playbooks do, on the host itself, with the same packages. Each verb is a module."""

from __future__ import annotations

import argparse
import os
import sys
import types

from .._host.actor import act
from .._host.errors import HostError
from .._host.program import complain
from . import backup, history, logs, releases, restart, restore, rollback, run, status

#: The verbs, in the order of the help.
VERBS: tuple[types.ModuleType, ...] = (status, releases, history, rollback, run, restart, logs, backup, restore)
#: The exit statuses, for the manual.
STATUSES = {
    0: "Success.",
    1: "Failure. Standard error has the reason.",
    2: "The command line is wrong.",
    3: "status: some part of an app does not run.",
}


def name_of(verb: types.ModuleType) -> str:
    """The name of a verb."""
    return verb.__name__.rpartition(".")[2]


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    made = argparse.ArgumentParser(prog="flaskyard", description="Manage the Flask apps of this host. Only root may run it.")
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        summary = str(verb.__doc__).partition("\n")[0]
        one = verbs.add_parser(name_of(verb), help=summary[0].lower() + summary[1:].rstrip("."), description=verb.__doc__)
        verb.arguments(one)
    return made


def main(words: list[str]) -> int:
    """Parse the command line, run the verb, and return the exit status."""
    given = parser().parse_args(words)
    if os.geteuid() != 0:
        complain("flaskyard: only root may look into apps and change them; run it with sudo")
        return 1
    os.umask(0o077)
    act(given.verb)
    try:
        status: int = next(verb for verb in VERBS if name_of(verb) == given.verb).run(given)
        return status
    except (HostError, OSError) as error:
        complain(f"flaskyard: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
