# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new SECRET_KEY: sessions survive one rotation, but not two."""

from __future__ import annotations

import json

from .harness import Server, assert_nothing_failed

#: The code that docs/howto/settings.md asks for, and a session to test it.
SESSIONS = """
import json
from flask import session

app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config["SECRET_KEY_FALLBACKS"] = json.loads(os.environ.get("SECRET_KEY_FALLBACKS", "[]"))


@app.get("/login/<name>")
def login(name: str) -> str:
    session["name"] = name
    return ""


@app.get("/name")
def name() -> str:
    return session.get("name", "nobody")
"""


def login(server: Server, name: str) -> str:
    """The cookie of a new login."""
    return server.host.ask(f"/login/{name}").headers["set-cookie"].partition(";")[0]


def name(server: Server, cookie: str) -> str:
    return server.host.ask("/name", headers={"Cookie": cookie}).body.decode()


def keys(server: Server) -> list[str]:
    """The key with which the app signs, and the others that it accepts."""
    environment = server.host.ask("/env").json
    return [environment["SECRET_KEY"], *json.loads(environment.get("SECRET_KEY_FALLBACKS", "[]"))]


def test_sessions_outlive_one_rotation(server: Server) -> None:
    server.replace("app = Flask(__name__)\n", f"app = Flask(__name__)\n{SESSIONS}")
    server.apply()
    before, ada = keys(server), login(server, "ada")
    assert name(server, ada) == "ada" and len(before) == 1
    slot = server.serving().current

    seen = server.apply("rotate", "--check", "--diff", "-e", "app=probe")
    assert "would get a new SECRET_KEY" in seen.output and keys(server) == before
    with server.load(slow_path=None) as load:
        said = [server.apply("rotate", "--diff", "-vvv", "-e", "app=probe")]
        report = server.finish(load)
    assert_nothing_failed(report)
    first = keys(server)
    assert first == [first[0], *before] and first[0] not in before and server.serving().current != slot
    assert name(server, ada) == "ada", "the old key still counts"
    assert server.apply("site").changed == 0
    ben = login(server, "ben")

    said += [server.apply("rotate", "--diff", "-vvv", "-e", "app=probe")]
    second = keys(server)
    assert second == [second[0], first[0]]
    assert (name(server, ben), name(server, ada)) == ("ben", "nobody"), "a second rotation drops the oldest key"
    assert server.host.sh("stat -c '%U %a' /etc/flask/probe/secret_key") == "root 600"
    assert server.apply("site").changed == 0

    journal = server.host.sh("journalctl --no-pager --output cat --all")
    for text in (*(run.output for run in said), journal):
        assert not any(key in text for key in {*before, *first, *second}), "a key is shown"


def test_key_in_the_inventory_is_not_rotated(server: Server) -> None:
    server.app["env"]["SECRET_KEY"] = "of the inventory"
    server.apply()
    run = server.play("rotate", "-e", "app=probe")
    run.assert_says("The key of probe stays as it is", "app probe declares SECRET_KEY in env", "SECRET_KEY_FALLBACKS beside it", "then deploy")
    assert keys(server) == ["of the inventory"]


def test_rotation_that_fails_leaves_the_key(server: Server) -> None:
    server.replace("app = Flask(__name__)", 'assert "SECRET_KEY_FALLBACKS" not in os.environ\napp = Flask(__name__)')
    server.host.sh("truncate --size=64 /etc/flask/probe/secret_key")
    server.apply()
    before, serving = keys(server), server.serving()
    server.play("rotate", "-e", "app=probe").assert_says("gate: AssertionError", f"slot {serving.current} serves as before")
    assert (keys(server), server.serving()) == (before, serving)
    assert server.apply("site").changed == 0
