# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five kinds of workers during a deploy: the old worker finishes its job, and the new worker does all later jobs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from .harness import APPS, Server, assert_nothing_failed

QUEUES = ("celery", "rq", "dramatiq", "huey")
PROCESSES = [
    {"name": "celery", "command": "celery --app queues:tasks worker --concurrency 2 --loglevel INFO"},
    {"name": "rq", "command": """sh -c 'exec rq worker --url "$REDIS_URL"'"""},
    {"name": "dramatiq", "command": "dramatiq queues --processes 1 --threads 2"},
    {"name": "huey", "command": "huey_consumer queues.consumer", "stop_signal": "INT"},
    {"name": "apscheduler", "command": "python -c 'import queues; queues.schedule()'", "stop_signal": "INT"},
]
DONE = "/var/lib/flask-probe/done"


@pytest.fixture
def queues(server: Server) -> Iterator[Server]:
    shutil.rmtree(server.source)
    shutil.copytree(APPS / "queues", server.source)
    server.app |= {"wsgi": "queues:app", "queue": "valkey", "workers": 1, "threads": 4, "processes": PROCESSES}
    server.app["healthcheck"] = {"path": "/healthz", "status": 200}
    # Dramatiq's processes share locks, and APScheduler and Celery read system figures.
    server.app["sandbox"] = {"memory_deny_write_execute": False, "proc_subset_pid": False}
    yield server
    server.reset()
    server.apply()


def done(server: Server) -> list[str]:
    return [line for line in server.host.sh(f"cat {DONE} || true").splitlines() if not line.startswith("apscheduler")]


def test_running_job_is_done_once_by_the_old_code(queues: Server) -> None:
    queues.apply()
    for queue in QUEUES:
        assert queues.host.ask(f"/jobs/{queue}/long/8.0", method="POST").status == 200
    queues.host.sh("sleep 2")
    file = queues.source / "queues.py"
    file.write_text(file.read_text().replace('MARKER = "one"', 'MARKER = "two"'))
    with queues.load(paths=["/healthz"], slow_path=None, post_path=None, marker=r"(.*)") as load:
        queues.apply()
        for queue in QUEUES:
            assert queues.host.ask(f"/jobs/{queue}/short/0.0", method="POST").body == b"two"
        report = queues.finish(load)
    assert_nothing_failed(report, enough=100)
    queues.wait(f"grep -c -v apscheduler {DONE} | grep -x {2 * len(QUEUES)}")
    assert sorted(done(queues)) == sorted(f"{queue} {job}" for queue in QUEUES for job in ("long one", "short two"))
    queues.wait(f"grep -c 'apscheduler tick two' {DONE}")
    # Killed in the middle of a job: because of acks_late, the job comes back once Celery's visibility_timeout is over.
    assert queues.host.ask("/jobs/celery/killed/3.0", method="POST").status == 200
    queues.host.sh("sleep 1; systemctl kill --signal=KILL 'flask-probe@*-process.celery.1.service'")
    queues.wait(f"grep -x 'celery killed two' {DONE}", 120)
    assert done(queues).count("celery killed two") == 1
