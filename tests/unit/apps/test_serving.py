# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes and settings in the templates of servers: the app's value first, then the role's, then the default."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import SERVERS
from ansible_collections.flaskyard.server.plugins.module_utils._apps.server_keys import SETTINGS, variables
from ansible_collections.flaskyard.server.plugins.module_utils._apps.serving import ServingError, served

HOST = {"cores": 2, "memory_mb": 4096}


def serve(server: str = "gunicorn", role: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """One app of a server, as its templates get it."""
    apps = complete_apps([{"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", "server": server, **keys}])
    return served(apps, server, HOST, role or {})[0]


@pytest.mark.parametrize(
    ("keys", "role", "expected"),
    [
        ({}, {}, (5, 1)),
        ({"workers": 3}, {"gunicorn_workers": 7, "gunicorn_threads": 2}, (3, 2)),
        ({"threads": 6}, {"gunicorn_workers": "4"}, (4, 6)),
        ({"workload": "io"}, {}, (5, 8)),
        ({}, {"gunicorn_worker_memory_mb": "1024"}, (2, 1)),
        ({"workload": "sessions"}, {"gunicorn_workers": 4, "gunicorn_threads": 2}, (1, 100)),
    ],
)
def test_app_then_role_then_workload_decide_the_size(keys: dict[str, Any], role: dict[str, Any], expected: tuple[int, int]) -> None:
    size = serve(role=role, **keys)["size"]
    assert (size["processes"], size["threads"]) == expected


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
def test_workers_with_sessions_are_not_recycled(server: str) -> None:
    assert serve(server, {f"{server}_max_requests": 1000}, workload="sessions")["settings"]["max_requests"] == 0


@pytest.mark.parametrize("given", ["Auto", "many", "", 0, -2, "0", None, True, [4]])
@pytest.mark.parametrize("what", ["workers", "threads"])
def test_unusable_size_variable_is_refused_by_name(what: str, given: Any) -> None:
    with pytest.raises(ServingError, match=rf"granian_{what} is .*; expected auto, or a number from 1"):
        serve("granian", {f"granian_{what}": given}, workers=3, threads=2)


@pytest.mark.parametrize(
    ("server", "role", "message"),
    [
        ("gunicorn", {"gunicorn_max_requests": -1}, "gunicorn_max_requests is -1 (int); expected a whole number from 0"),
        ("gunicorn", {"gunicorn_preload": "maybe"}, "gunicorn_preload is 'maybe'; expected true or false"),
        ("gunicorn", {"gunicorn_worker_class": "eventlet"}, "expected one of sync, gthread, gevent"),
        ("uwsgi", {"uwsgi_extra_settings": {"a": "b\nexec-as-root = true"}}, "expected one line without control characters"),
        ("mod_wsgi", {"mod_wsgi_connections": 8}, "mod_wsgi_connections is 8 (int); expected a whole number from 16 to 4096"),
    ],
)
def test_role_variables_take_what_the_app_s_keys_take(server: str, role: dict[str, Any], message: str) -> None:
    with pytest.raises(ServingError) as caught:
        serve(server, role)
    assert message in str(caught.value)


@pytest.mark.parametrize("server", SERVERS)
def test_every_setting_has_a_value(server: str) -> None:
    settings = serve(server)["settings"]
    assert set(settings) >= set(SETTINGS[server]) and None not in settings.values()


@pytest.mark.parametrize("server", SERVERS)
def test_variable_of_each_setting_reaches_the_app(server: str) -> None:
    for name, (setting, key) in variables(server).items():
        if setting in SETTINGS[server] and key.kind == "int":
            assert key.high is not None
            wanted = {"connections": 4096, "cheaper": 1}.get(setting, key.high)
            assert serve(server, {name: wanted})["settings"][setting] == wanted
            assert serve(server, {name: key.low}, **{server: {setting: wanted}})["settings"][setting] == wanted


@pytest.mark.parametrize("value", [True, "yes", "True", "on", "1"])
def test_variable_may_be_text_as_on_the_command_line(value: Any) -> None:
    assert serve(role={"gunicorn_preload": value, "gunicorn_max_requests": "7"})["settings"]["preload"] is True
    assert serve(role={"gunicorn_preload": value, "gunicorn_max_requests": "7"})["settings"]["max_requests"] == 7


def test_extra_settings_of_app_and_role_are_merged() -> None:
    settings = serve(role={"gunicorn_extra_settings": {"b": 1, "c": 1}}, gunicorn={"extra_settings": {"c": 2, "a": 2}})["settings"]
    assert list(settings["extra_settings"].items()) == [("a", 2), ("b", 1), ("c", 2)]
    both = serve("mod_wsgi", {"mod_wsgi_extra_configuration": "# role"}, mod_wsgi={"extra_configuration": "# app"})
    assert both["settings"]["extra_configuration"] == ["# role", "# app"]


def test_settings_that_follow_from_others() -> None:
    assert serve(threads=2)["settings"]["worker_class"] == "gthread"
    assert serve(threads=2, gunicorn={"worker_class": "gevent"})["settings"]["worker_class"] == "gevent"
    assert [serve("uwsgi", workers=4, uwsgi={"cheaper": number})["settings"]["cheaper"] for number in (3, 4)] == [3, 0]
    rounded = serve("mod_wsgi", mod_wsgi={"connections": 65})["settings"]
    assert (rounded["connections"], rounded["apache_processes"]) == (128, 2)


def test_all_apps_of_a_host_share_its_memory() -> None:
    one = {"source": {"path": "shop"}, "wsgi": "shop:app"}
    apps = complete_apps([{**one, "name": f"app{number}", "server": server} for number, server in enumerate(["gunicorn"] * 2 + ["uwsgi"] * 6)])
    assert [app["size"]["processes"] for app in served(apps, "gunicorn", HOST, {})] == [2, 2]
