"""An application that keeps notes in a database and jobs in Valkey. It looks into whatever it is asked to: for test hosts only."""

from __future__ import annotations

import os

import redis
import sqlalchemy
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
queue = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def engine(url: str, **arguments: object) -> sqlalchemy.Engine:
    """Unshared connections to a database, by the driver that is installed."""
    url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args={"connect_timeout": 5, **arguments})


database = engine(os.environ["DATABASE_URL"])
with database.begin() as connection:
    connection.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS note (text text NOT NULL)"))


@app.get("/healthz")
def healthz() -> str:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("SELECT count(text) FROM note"))
    queue.ping()
    return "health\n"


@app.route("/notes", methods=["GET", "POST"])
def notes() -> Response:
    with database.begin() as connection:
        if request.method == "POST":
            connection.execute(sqlalchemy.text("INSERT INTO note (text) VALUES (:text)"), {"text": request.args["text"]})
        return jsonify(notes=[text for (text,) in connection.execute(sqlalchemy.text("SELECT text FROM note ORDER BY text"))])


@app.route("/jobs", methods=["GET", "POST"])
def jobs() -> Response:
    if request.method == "POST":
        queue.rpush("jobs", request.args["text"])
    return jsonify(jobs=queue.lrange("jobs", 0, -1))


@app.get("/prepared")
def prepared() -> Response:
    """The same statement in many transactions over separate connections: prepared in the server unless `prepare=no`."""
    pooled = engine(os.environ["DATABASE_URL"], prepare_threshold=None if request.args.get("prepare") == "no" else 0)
    try:
        for number in range(20):
            with pooled.begin() as connection:
                assert connection.scalar(sqlalchemy.text("SELECT :number + 1"), {"number": number}) == number + 1
    except sqlalchemy.exc.DBAPIError as error:
        return jsonify(refused=str(error))
    return jsonify(refused=None)


@app.get("/peek")
def peek() -> Response:
    """What comes of looking into a database or a queue."""
    try:
        if "database" in request.args:
            with engine(request.args["database"]).begin() as connection:
                connection.execute(sqlalchemy.text("SELECT 1"))
        else:
            redis.Redis.from_url(request.args["queue"]).ping()
    except (sqlalchemy.exc.DBAPIError, redis.RedisError) as error:
        return jsonify(refused=str(error))
    return jsonify(refused=None)
