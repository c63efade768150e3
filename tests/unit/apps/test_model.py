# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of apps: accepted values, messages for refused ones, and the completed result."""

from __future__ import annotations

import copy
import datetime
import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, bare_app, complete_apps
from flask.helpers import get_debug_flag

App = dict[str, t.Any]
MINIMAL: App = {"name": "shop", "source": {"path": "/src"}, "wsgi": "shop:app"}

#: Texts that break out of one format or another: units, nginx, shells, paths, Python.
HOSTILE = [
    *(
        "a\nb",
        "a\rb",
        "a\0b",
        "a\x1b[2Jb",
        "a\u2028b\n",
        "a b\n",
        "\n",
        "",
        " ",
        "a;b",
        "a}b",
        "a{b",
        "a#b;",
        "a'b",
        'a"b',
        "a`id`b",
        "a$(id)b",
        "${IFS}",
        "$host",
        "%n%i",
        "%%",
        "a\\b",
    ),
    *(
        "../../etc/passwd",
        "..",
        "/../x",
        "a/../b",
        "-rf",
        "--upload-pack=touch x",
        "~root",
        "*",
        "?",
        "a|b",
        "a&b",
        "a>b",
        "a<b",
        "!x",
        "@x\n",
        "//",
        "\t",
        "a\tb",
    ),
    *(
        "x; location /leak { alias /etc/; }",
        "x\nExecStartPre=+/usr/bin/touch /pwned",
        "x\n[Service]\nUser=root",
        'x" always; add_header y "z',
        "{{ 7 * 7 }}",
        "{% raw %}",
    ),
    *(
        "ext::sh -c touch% /tmp/x",
        "ä",
        "日本",
        "\u202eabc",
        "a" * 10_000,
        "a." * 200,
        "0",
        "None",
        "__import__('os').system('id')",
        "x:y()\nimport os",
        "a=b",
        "[x]",
        "x,y\n",
    ),
]

#: Keys whose text goes into a unit, an nginx file, a command line or a path: pattern keys, with the app that carries the text there.
PLACES: dict[str, t.Callable[[str], App]] = {
    "name": lambda text: {"name": text},
    "domains": lambda text: {"domains": [text]},
    "static url": lambda text: {"static": [{"url": text, "path": "x"}]},
    "static path": lambda text: {"static": [{"url": "/x", "path": text}]},
    "persist": lambda text: {"persist": [text]},
    "healthcheck path": lambda text: {"healthcheck": {"path": text}},
    "git": lambda text: {"source": {"git": text, "version": "main"}},
    "version of a package": lambda text: {"source": {"pypi": "x", "version": text}},
    "pypi": lambda text: {"source": {"pypi": text, "version": "1"}},
    "checksum": lambda text: {"source": {"archive": "x.tar.gz", "checksum": text}},
    "python": lambda text: {"python": text},
    "requirements": lambda text: {"requirements": text},
    "env name": lambda text: {"env": {text: "x"}},
    "server": lambda text: {"server": text},
    "server_requirements": lambda text: {"server_requirements": [text]},
    "worker_class": lambda text: {"gunicorn": {"worker_class": text}},
    "extra setting": lambda text: {"gunicorn": {"extra_settings": {text: 1}}},
    "issuer": lambda text: {"tls": {"issuer": text}},
    "wsgi": lambda text: {"wsgi": text},
}
#: The characters of an accepted text: nothing here ends a word, a string or a line in any of the formats.
HARMLESS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/@+-=%&?~!,[]<> ")


def problems(*apps: t.Any, proxy: str = "nginx", manager: str = "systemd") -> str:
    with pytest.raises(AppModelError) as caught:
        complete_apps(list(apps), proxy, manager)
    return str(caught.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_hostile_text_is_refused_or_harmless(place: str, text: str) -> None:
    app = {**MINIMAL, **PLACES[place](text)}
    try:
        complete_apps([app])
    except AppModelError as error:
        assert len(error.problems) == 1 and len(str(error)) < 1500, "one cause gives one problem, and a message that can be read"
    else:
        assert set(text) <= HARMLESS and "\n" not in text
        assert not text.startswith("-") and ".." not in text.split("/")
        assert place not in ("name", "domains", "env name", "extra setting", "static url", "static path", "persist") or not set(text) & set("%&?!,[]<> :@=")


def test_ordinary_values_are_accepted() -> None:
    app = {
        **MINIMAL,
        "source": {"git": "git@git.example.com:team/shop.git", "version": "release/2.4+x", "deploy_key": "-----BEGIN\nx", "known_hosts": "a b c\n"},
        "wsgi": "shop.web:create_app('production', debug=False)",
        "domains": ["shop.example.com", "xn--bcher-kva.example", "a.b.c.d.example.com"],
        "static": [{"url": "/static/", "path": "./shop/static".removeprefix("./")}, {"url": "/favicon.ico", "path": "shop/favicon"}],
        "persist": ["uploads", "var/data/"],
        "healthcheck": {"path": "/healthz?deep=1&x=%20", "status": 204},
        "env": {"A": "x\ny\"'$%#\\", "B": 1, "C": True, "_E": ""},
        "python": "3.13",
        "gunicorn": {"worker_class": "gevent", "extra_settings": {"limit_request_line": 8190}},
    }
    [done] = complete_apps([app])
    assert done["env"].pop("FLASK_APP") == "shop.web:create_app('production', debug=False)"
    assert done["env"] == {"A": "x\ny\"'$%#\\", "B": "1", "C": "true", "_E": ""}
    assert done["persist"] == ["instance", "uploads", "var/data"]
    assert done["static"][0] == {"url": "/static", "path": "shop/static", "fallback": None, "app_paths": [], "base": "current"}
    assert any(package.startswith("gevent") for package in done["server_requirements"])
    assert done["wsgi"] == {"module": "shop.web", "expression": "create_app('production', debug=False)"}


def test_all_problems_are_reported_at_once() -> None:
    text = problems({"name": "shop", "sorce": 1, "wsgi": "x:y", "workers": "4"}, {"name": "Blog"}, 5)
    assert "unknown key sorce; did you mean 'source'?" in text
    assert "app 'shop': workers is '4'; expected a whole number from 1 to 512" in text
    assert "app 'Blog': name is 'Blog'" in text
    assert "item 3 of the apps: the item is 5 (int)" in text
    assert "nothing was touched" in text


#: Invalid changes of an app, each with its message.
WRONG: list[tuple[App, str]] = [
    ({"python": 3.12}, 'python is 3.12 (float); expected a version without its patch number, such as "3.12", in quotes'),
    ({"python": "3.12", "server": "mod_wsgi"}, "python is '3.12', and server 'mod_wsgi' of Debian runs only Debian's own Python"),
    ({"python": "3.12", "server": "uwsgi", "uwsgi": {"package": "debian"}}, "server 'uwsgi' of Debian runs only Debian's own Python"),
    ({"wsgi": "shop"}, "expected module:callable"),
    ({"wsgi": "shop:create_app(os.environ)"}, "must be literals"),
    ({"wsgi": "shop:create_app(**x)"}, "does not work here"),
    ({"wsgi": "shop:app.wsgi"}, "must be a name, or a call of a name"),
    ({"source": {}}, "expected exactly one of git, path, archive, pypi"),
    ({"source": {"git": "https://x", "path": "/y", "version": "1"}}, "source names git and path"),
    ({"source": {"git": "https://x"}}, "source.version is missing"),
    ({"source": {"pypi": "httpbin"}}, "source.version is missing"),
    ({"source": {"archive": "x.zip"}}, "source.checksum is missing"),
    ({"source": {"path": "/x", "version": "1"}}, "source.version has no meaning with path"),
    ({"source": {"git": "https://x", "version": 1.1}}, "source.version is 1.1 (float)"),
    *(({"env": {"FLASK_DEBUG": value}}, "starts Flask's debugger") for value in (1, 2, True, "y", "off", " true", " false", "development")),
    *(({"env": {"FLASK_ENV": value}}, "starts Flask's debugger") for value in ("development", " Development")),
    ({"env": {"API_VERSION": 1.1}}, "env.API_VERSION is 1.1 (float), which may differ from what you wrote, such as 1.10; put it in quotes"),
    ({"env": {"WEB_CONCURRENCY": 3}}, "env.WEB_CONCURRENCY is an option of a web server; use workers"),
    ({"env": {"UWSGI_PROCESSES": 3}}, "env.UWSGI_PROCESSES is an option of a web server"),
    ({"env": {"DAY": datetime.date(2026, 1, 2)}}, "which may differ from what you wrote, such as 1.10; put it in quotes"),
    ({"flask_proxy": "apache"}, "unknown key flask_proxy; it is a variable of the host: write it beside flask_apps"),
    ({"env": {"LD_PRELOAD": "/x"}}, "would run code outside the sandbox"),
    ({"env": {"X": ["a"]}}, "env.X is a list"),
    ({"env": {"X": None}}, "env.X has no value; for an empty text, write ''"),
    ({"env": {"X": "a\0b"}}, "NUL"),
    *(({"env": {"X": f"a{sign}"}}, "env.X contains a Unicode noncharacter") for sign in ("\ufdd0", "\ufdef", "\uffff", "\U0001fffe", "\U0010ffff")),
    ({"uwsgi": {"extra_settings": {"a": "b\nexec-as-root = true"}}}, "expected one line without control characters"),
    ({"uwsgi": {"extra_settings": {"a": ["b", "c\nd"]}}}, "uwsgi.extra_settings.a is 'c\\nd'; expected one line without control characters"),
    ({"uwsgi": {"extra_settings": {"a": {"b": 1}}}}, "uwsgi.extra_settings.a is {'b': 1} (dict); expected text, a number, true or false, or a list of them"),
    ({"uwsgi": {"extra_settings": {"a": [["b"]]}}}, "uwsgi.extra_settings.a is ['b'] (list); expected text, a number, true or false, or a list of them"),
    ({"uwsgi": {"extra_settings": {"a": None}}}, "expected text, a number, true or false, or a list of them"),
    ({"gunicorn": {"extra_settings": {"A B": 1}}}, "is not a valid name of a setting"),
    ({"workload": "sessions", "workers": 2}, "workload 'sessions' keeps all clients in one process, and workers is 2; remove one of the two"),
    ({"workload": "sessions", "server": "passenger"}, "workload 'sessions' needs many threads in one process, and server 'passenger' has one"),
    (
        {"workload": "sessions", "gunicorn": {"max_requests": 5}},
        "workload 'sessions' keeps the process that knows the clients, and gunicorn.max_requests replaces it; remove one of the two",
    ),
    ({"access": [{"users": {"ada": "plain"}}]}, "expected a name and a hash"),
    ({"headers": {"X-A": "b\r\nSet-Cookie: c"}}, "printable ASCII on one line"),
    ({"headers": {"X-A": "a$host"}}, "without '$'"),
    ({"headers": {"X-A": "expr=%{ENV:PATH}"}}, "not beginning with 'expr='"),
    *(({"headers": {name: "x"}}, "are the proxy's own") for name in ("Server", "content-length", "Transfer-Encoding", "TE", "Connection")),
    ({"gunicorn": {"extra_settings": {"worker-class": "x"}}}, "is not a valid name of a setting"),
    ({"access": [{"allow": ["192.0.2.1"]}, {"path": "/", "users": {"ada": "$6$a$b"}}]}, "path '/' is in two rules"),
    ({"access": [{"allow": ["999.1.1.1/77"]}]}, "allow has '999.1.1.1/77'"),
    ({"access": [{"allow": ["192.0.2.1/24"]}]}, "has host bits set"),
    ({"server": "unicorn"}, "server is 'unicorn'; expected one of gunicorn, "),
    ({"tls": {"issuer": "files"}}, "needs certificate and key"),
    ({"tls": {"key": "x"}}, "need issuer 'files'"),
    ({"domains": "shop.example.com"}, "domains is 'shop.example.com'; expected a list, each item a lower-case host name such as shop.example.com"),
    ({"workers": True}, "workers is True (bool)"),
    ({"workers": 0}, "from 1 to 512"),
    ({"name": "shop-b"}, "not ending in '-b'"),
    ({"name": "a" * 25}, "at most 24"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_value_is_reported_with_the_expected_one(change: App, message: str) -> None:
    text = problems({**MINIMAL, **change})
    assert message in text
    assert "1 problem;" in text


@pytest.mark.parametrize("value", ["", "0", "1", "2", "y", "n", "no", "No", "false", "False", "off", "true", " true", " false", "0 "])
def test_debug_is_off_only_for_values_flask_reads_as_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    if get_debug_flag():
        assert "starts Flask's debugger" in problems({**MINIMAL, "env": {"FLASK_DEBUG": value}})
    else:
        complete_apps([{**MINIMAL, "env": {"FLASK_DEBUG": value}}])


def test_secrets_are_not_in_messages() -> None:
    text = problems(
        {
            **MINIMAL,
            "source": {"git": "https://x", "version": "1", "deploy_key": ["SECRET"]},
            "tls": {"issuer": "files", "key": {"SECRET": 1}, "certificate": "x"},
        }
    )
    assert "deploy_key" in text and "tls.key" in text and "SECRET" not in text


def test_names_and_domains_occur_once() -> None:
    one = {**MINIMAL, "domains": ["shop.example.com"]}
    assert "the name 'shop' is used 2 times" in problems(one, {**MINIMAL})
    assert "'blog': domain 'shop.example.com' at path / is taken already by 'shop'" in problems(one, {**one, "name": "blog"})
    assert "domain 'shop.example.com' is listed twice" in problems({**MINIMAL, "domains": ["shop.example.com"] * 2})


def test_apps_may_share_a_domain_at_different_paths() -> None:
    one = {**MINIMAL, "domains": ["shop.example.com", "www.shop.example.com"]}
    complete_apps([one, {**one, "name": "blog", "path": "/blog"}, {**one, "name": "wiki", "path": "/wiki", "domains": ["shop.example.com"]}])
    assert "at path /blog is taken already by 'blog'" in problems(one, {**one, "name": "blog", "path": "/blog"}, {**one, "name": "wiki", "path": "/blog"})
    assert "belongs to the site 'shop.example.com' already" in problems(one, {**one, "name": "blog", "path": "/blog", "domains": ["www.shop.example.com"]})


def test_static_files_claim_their_path() -> None:
    one = {**MINIMAL, "domains": ["shop.example.com"], "static": [{"url": "/static", "path": "static"}]}
    assert "at path /static is taken already by 'shop'" in problems(one, {**MINIMAL, "name": "files", "domains": one["domains"], "path": "/static"})
    assert "static: the URL '/static' is listed twice; each URL maps to exactly one folder" in problems({**one, "static": one["static"] * 2})


def test_code_in_place_is_taken_as_it_is() -> None:
    one = {**MINIMAL, "source": {"in_place": "/opt/shop"}}
    [app] = complete_apps([one])
    assert (app["source"]["kind"], app["source"]["location"], app["persist"]) == ("in_place", "/opt/shop", [])
    for key, value in (("persist", ["uploads"]), ("build_command", "make"), ("python", "3.12"), ("keep_releases", 3)):
        assert f"{key} is about building a release" in problems({**one, key: value})
    assert "let the app keep its data in /var/lib/flask-shop, its $HOME" in problems({**one, "persist": ["uploads"]})
    for hidden in ("/home/me/shop", "/root", "/tmp/shop"):
        assert "which the service cannot see" in problems({**MINIMAL, "source": {"in_place": hidden}})
    for wrong in ("shop", "/opt/../etc", "/opt/my shop", "/"):
        assert "source.in_place is" in problems({**MINIMAL, "source": {"in_place": wrong}})


def test_list_and_the_proxy() -> None:
    assert "expected a list of apps" in problems_of_list({"shop": {}})
    assert "flask_proxy is 'caddy'; expected one of nginx" in problems(MINIMAL, proxy="caddy")


def test_sandbox_key_is_refused_under_supervisor() -> None:
    assert "flask_manager is 'runit'; expected one of systemd, supervisor" in problems(MINIMAL, manager="runit")
    loosened = {**MINIMAL, "sandbox": {"network": False}}
    assert complete_apps([loosened])
    assert "sandbox has no effect under flask_manager 'supervisor'" in problems(loosened, manager="supervisor")


@pytest.mark.parametrize(
    "given",
    [
        {"source": {"git": "https://ci:hunter2\\/@git.example.com/shop.git"}},
        {"source": "https://hunter2@git.example.com/shop.git"},
        {"env": "PASSWORD=hunter2"},
        {"tls": "-----BEGIN PRIVATE KEY-----hunter2"},
        {"access": [{"users": "hunter2"}]},
    ],
)
def test_no_message_shows_a_secret(given: dict[str, t.Any]) -> None:
    said = problems({**MINIMAL, **given})
    assert "hunter2" not in said and "expected" in said


def problems_of_list(value: t.Any) -> str:
    with pytest.raises(AppModelError) as caught:
        complete_apps(value)
    return str(caught.value)


def test_completion_is_idempotent_and_keeps_its_input() -> None:
    given = copy.deepcopy(MINIMAL)
    assert complete_apps([given]) == complete_apps([given])
    assert given == MINIMAL


def test_two_apps_share_no_path_unit_or_account() -> None:
    one, two = complete_apps([{**MINIMAL, "name": "shop"}, {**MINIMAL, "name": "shop-a"}])
    assert not set(one["paths"].values()) & set(two["paths"].values())
    assert len({one["user"], one["build_user"], two["user"], two["build_user"]}) == 4
    assert max(len(complete_apps([{**MINIMAL, "name": "a" * 24}])[0][key]) for key in ("user", "build_user")) <= 32, "useradd(8) takes no longer name"


def test_longest_timeout_decides_how_long_a_slot_may_drain() -> None:
    [app] = complete_apps([{**MINIMAL, "timeout_seconds": 300}])
    assert app["graceful_timeout_seconds"] == 300


def test_removed_app_has_its_paths() -> None:
    assert bare_app("shop")["paths"] == complete_apps([MINIMAL])[0]["paths"]
    with pytest.raises(AppModelError):
        bare_app("../etc")
