"""An application that keeps notes in PostgreSQL and jobs in Valkey. It looks into whatever it is asked to: for test hosts only."""

from __future__ import annotations

import os

import psycopg
import redis
import sqlalchemy
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
queue = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def connect(url: str = "") -> psycopg.Connection[tuple[str, ...]]:
    return psycopg.connect(url or os.environ["DATABASE_URL"], connect_timeout=5, autocommit=True)


with connect() as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS note (text text NOT NULL)")


@app.get("/healthz")
def healthz() -> str:
    with connect() as connection:
        connection.execute("SELECT count(text) FROM note")
    queue.ping()
    return "health\n"


@app.route("/notes", methods=["GET", "POST"])
def notes() -> Response:
    with connect() as connection:
        if request.method == "POST":
            connection.execute("INSERT INTO note VALUES (%s)", [request.args["text"]])
        return jsonify(notes=[text for (text,) in connection.execute("SELECT text FROM note ORDER BY text")])


@app.route("/jobs", methods=["GET", "POST"])
def jobs() -> Response:
    if request.method == "POST":
        queue.rpush("jobs", request.args["text"])
    return jsonify(jobs=queue.lrange("jobs", 0, -1))


@app.get("/prepared")
def prepared() -> Response:
    """The same statement in many transactions over connections of their own, by SQLAlchemy: prepared in the server unless `prepare=no`."""
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:", 1)
    threshold = None if request.args.get("prepare") == "no" else 0
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args={"prepare_threshold": threshold})
    try:
        for number in range(20):
            with engine.begin() as connection:
                assert connection.scalar(sqlalchemy.text("SELECT :number + 1"), {"number": number}) == number + 1
    except sqlalchemy.exc.DBAPIError as error:
        return jsonify(refused=str(error))
    return jsonify(refused=None)


@app.get("/peek")
def peek() -> Response:
    """What comes of looking into a database or a queue."""
    try:
        if "database" in request.args:
            with connect(request.args["database"]) as connection:
                connection.execute("SELECT 1")
        else:
            redis.Redis.from_url(request.args["queue"]).ping()
    except (psycopg.Error, redis.RedisError) as error:
        return jsonify(refused=str(error))
    return jsonify(refused=None)
