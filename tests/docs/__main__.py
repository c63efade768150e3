# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the reference into its pages, or with ``--check`` say which are out of date and exit with 1."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from . import apps, cli, conformance, declared, plugins, roles
from .page import ROOT, Block, Page


def stale() -> Iterator[Block | Page]:
    """Blocks that their pages do not have as the code says."""
    for source in (declared, roles, apps, plugins, conformance, cli):
        for block in source.blocks():
            if block.placed() != block.current():
                yield block


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    found = 0
    # One page may follow from another, which is written by then.
    for block in stale():
        found += 1
        if not check:
            block.page.write_text(block.placed(), encoding="utf-8")
        print(f"{block.page.relative_to(ROOT)}: {'out of date; run python -m tests.docs' if check else 'written'}")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
