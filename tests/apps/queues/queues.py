# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app that gives work to five queues. Each job writes down which code did it, once it is done."""

from __future__ import annotations

import os
import time
from pathlib import Path

import celery
import dramatiq
import huey
import redis
import rq
from apscheduler.schedulers.blocking import BlockingScheduler
from dramatiq.brokers.redis import RedisBroker
from flask import Flask

MARKER = "one"
URL = os.environ["REDIS_URL"]
DONE = Path(os.environ.get("STATE_DIRECTORY", "/tmp"), "done")

app = Flask(__name__)
client = redis.Redis.from_url(URL)
tasks = celery.Celery("queues")
tasks.conf.update(
    broker_url=os.environ["CELERY_BROKER_URL"],
    task_acks_late=True,
    broker_transport_options={"visibility_timeout": 20},
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
dramatiq.set_broker(RedisBroker(client=client))
consumer = huey.RedisHuey("queues", connection_pool=client.connection_pool)


def work(queue: str, job: str, seconds: float) -> None:
    """Take a while, then write it down."""
    time.sleep(seconds)
    with DONE.open("a") as file:
        file.write(f"{queue} {job} {MARKER}\n")


@tasks.task
def celery_work(job: str, seconds: float) -> None:
    work("celery", job, seconds)


@dramatiq.actor(max_retries=0)
def dramatiq_work(job: str, seconds: float) -> None:
    work("dramatiq", job, seconds)


@consumer.task()
def huey_work(job: str, seconds: float) -> None:
    work("huey", job, seconds)


@app.get("/healthz")
def healthz() -> str:
    client.ping()
    return "ok"


@app.post("/jobs/<queue>/<job>/<float:seconds>")
def enqueue(queue: str, job: str, seconds: float) -> str:
    {
        "celery": celery_work.delay,
        "rq": lambda *given: rq.Queue(connection=client).enqueue(work, "rq", *given),
        "dramatiq": dramatiq_work.send,
        "huey": huey_work,
    }[queue](job, seconds)
    return MARKER


def schedule() -> None:
    """APScheduler, in a separate process."""
    scheduler = BlockingScheduler()
    scheduler.add_job(work, "interval", ["apscheduler", "tick", 0], seconds=1)
    scheduler.start()
