"""Work outside of requests: RQ does it if there is a queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
import rq
from flask import Flask, current_app


def init_app(app: Flask) -> None:
    """Connect `app` to its queue."""
    url = app.config["REDIS_URL"]
    app.extensions["jobs"] = rq.Queue(connection=redis.Redis.from_url(url)) if url else None


def later(function: Callable[..., Any], *arguments: str) -> None:
    """Have a worker call `function`. Without a queue, or while it does not answer, this happens at once."""
    queue: rq.Queue | None = current_app.extensions["jobs"]
    if queue is not None:
        try:
            queue.enqueue(function, *arguments)
            return
        except redis.RedisError:
            current_app.logger.exception("the queue did not take a job")
    function(*arguments)


def work() -> None:
    """Do what is in the queue until a signal says to stop. A job that has begun is finished.

    :raises RuntimeError: there is no queue.
    """
    queue: rq.Queue | None = current_app.extensions["jobs"]
    if queue is None:
        raise RuntimeError("REDIS_URL is not set, so there is no queue to work on.")
    rq.Worker([queue], connection=queue.connection).work()
