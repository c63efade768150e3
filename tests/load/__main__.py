# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.load URL`: send load, print the report as JSON, exit 1 if one failed. SIGINT and SIGTERM end it early."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import Plan, Report, Target, run


def main() -> int:
    """Read the command line, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Steady load on a test host; the report goes to stdout as JSON.")
    parser.add_argument("url", help="origin: http(s)://HOST[:PORT], on loopback or a private network")
    parser.add_argument("--connect", metavar="ADDRESS", help="connect there instead of to the URL's host")
    parser.add_argument("--ca-file", type=Path, help="PEM file of the authorities to trust")
    parser.add_argument("--no-verify", dest="verify", action="store_false", help="accept any certificate")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="[%(default)s]")
    parser.add_argument("--requests", type=int, default=Plan.requests, help="end after so many [%(default)s]")
    parser.add_argument("--clients", type=int, default=Plan.clients, help="[%(default)s]")
    parser.add_argument("--fresh", type=int, default=Plan.fresh, help="clients of these that never keep a connection [%(default)s]")
    parser.add_argument("--rate", type=float, default=Plan.rate, help="requests per second in all, 0 for no limit [%(default)s]")
    parser.add_argument("--path", dest="paths", action="append", help="GET this, repeatable [/]")
    parser.add_argument("--post", dest="post_path", metavar="PATH", help="one request of ten is a POST to this")
    parser.add_argument("--slow", dest="slow_path", metavar="PATH", help="one more client asks for this all the time")
    parser.add_argument("--marker", metavar="REGEX", help="its first group in a body names the version that answered")
    arguments = vars(parser.parse_args())
    try:
        target = Target(*(arguments.pop(name) for name in ("url", "connect", "ca_file", "verify")))
        settings: dict[str, Any] = {name: value for name, value in arguments.items() if value is not None}
        plan = Plan(target, **settings | {"rate": settings["rate"] or None})
    except (OSError, ValueError) as error:
        parser.error(str(error))
    report = asyncio.run(_run(plan))
    json.dump(asdict(report), sys.stdout, indent=2)
    print()
    return 1 if report.failed or not report.requests else 0


async def _run(plan: Plan) -> Report:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await run(plan, stop)


sys.exit(main())
