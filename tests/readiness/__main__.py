# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check and print what it found."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from .checks import CHECKS, ReadinessError, Workplace


def main() -> int:
    """Run the checks that are asked for; how many failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.readiness", description=__doc__)
    parser.add_argument("--only", metavar="NAME", choices=[check.__name__ for check in CHECKS], action="append", help="one check; can be given more than once")
    only = parser.parse_args().only
    chosen = [check for check in CHECKS if not only or check.__name__ in only]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        workplace = Workplace(Path(folder))
        for check in chosen:
            began = time.monotonic()
            try:
                found, ok = check(workplace), True
            except ReadinessError as error:
                found, ok = str(error), False
            failed += not ok
            title = (check.__doc__ or "").rstrip(".")
            print(f"{'ok    ' if ok else 'FAILED'}  {title:<68}  {time.monotonic() - began:4.0f} s  {found if ok else ''}".rstrip(), flush=True)
            if not ok:
                print("\n".join(f"        {line}" for line in found.splitlines()[-40:]), flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(bool(main()))
