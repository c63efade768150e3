# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue of jobs in the app's state, and a worker for it."""

from __future__ import annotations

import shlex

from .harness import Server

STATE = "/var/lib/flask-probe"
#: Takes one job after another until it is asked to stop, and finishes a job that it has begun. Records which code did each job.
WORKER = """
import os, pathlib, signal, sys, time
from probe import MARKER
STATE = pathlib.Path(os.environ["STATE_DIRECTORY"])
stopping = False
def stop(*_):
    global stopping
    stopping = True
signal.signal(signal.SIGTERM, stop)
if os.environ.get("WORKER_DIES"):
    sys.exit("the worker has lost its queue")
while not stopping:
    for job in sorted((STATE / "jobs").glob("*.job")):
        mine = job.with_suffix(f".{MARKER}")
        try:
            job.rename(mine)
        except FileNotFoundError:
            continue
        time.sleep(float(mine.read_text()))
        mine.rename(mine.with_suffix(f".{MARKER}-done"))
        if stopping:
            break
    time.sleep(0.05)
"""


def enqueue(server: Server, seconds: int, *names: str) -> None:
    """Give jobs to the workers."""
    steps = "; ".join(f"echo {seconds} > {name}; mv {name} {name}.job" for name in names)
    server.host.sh(f"cd {STATE}/jobs; runuser -u flask-probe -- sh -c {shlex.quote(steps)}")
