# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an app with their types and patterns, and the check of a mapping against them.

Patterns are narrow on purpose: what passes cannot break out of a systemd unit, an nginx file or a shell word.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong, in words for the person who wrote the inventory."""

    text: str


@dataclasses.dataclass(frozen=True)
class Key:
    """What a key takes.

    ``kind`` is str, int, bool, dict, list or env; ``expected`` says in words what ``pattern``, ``choices`` or ``low`` and ``high`` mean.
    """

    kind: str
    expected: str
    required: bool = False
    pattern: str = ""
    choices: tuple[t.Any, ...] = ()
    low: int | None = None
    high: int | None = None
    keys: dict[str, Key] = dataclasses.field(default_factory=dict)
    items: Key | None = None
    secret: bool = False


# RFC 1123 host names, at least two labels. A wildcard needs a DNS challenge, which nothing here answers.
_DOMAIN = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
_RELATIVE = r"(?!\.\.?(/|$))[A-Za-z0-9_.][A-Za-z0-9_.@+-]*(/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+)*/?"
_NO_PARENT = r"(?!(.*/)?\.\.(/|$))"
_URL_PATH = rf"{_NO_PARENT}/[A-Za-z0-9._~/@+=%&?-]*"
# URLs, absolute paths and scp-like addresses; nothing that git takes for a transport of its own, such as ext::.
_GIT = rf"{_NO_PARENT}((https?|ssh|git|file)://|/|([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:))[A-Za-z0-9._~:/@%+-]+"
_LINE = r"[^\x00-\x1f\x7f]+"


def _text(expected: str, pattern: str, **more: t.Any) -> Key:
    return Key("str", expected, pattern=pattern, **more)


def _number(expected: str, low: int, high: int) -> Key:
    return Key("int", f"{expected}, from {low} to {high}", low=low, high=high)


_SOURCE = Key(
    "dict",
    "where the code comes from, as a mapping with git, path, archive or pypi",
    required=True,
    keys={
        "git": _text("a git URL such as https://git.example.com/shop.git or git@git.example.com:shop.git", _GIT),
        "path": _text("a folder on the controller", _LINE),
        "archive": _text("a URL or a file on the controller, .tar.gz, .tar.xz, .tar.bz2 or .zip", _LINE),
        "pypi": _text("the name of a package", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._, -]+\])?"),
        "version": _text("a branch, tag, commit or package version", rf"{_NO_PARENT}(?!-)[A-Za-z0-9._/+!-]+"),
        "checksum": _text("sha256: and 64 hexadecimal digits", r"sha256:[0-9a-f]{64}"),
        "deploy_key": Key("str", "the text of a private SSH key", secret=True),
        "known_hosts": Key("str", "lines of an SSH known_hosts file"),
    },
)

_GUNICORN = {
    "worker_class": Key("str", "how a worker handles requests", choices=("sync", "gthread", "gevent")),
    "worker_connections": _number("connections of one gevent worker", 1, 100000),
    "max_requests": _number("requests after which a worker is renewed, 0 for never", 0, 10000000),
    "max_requests_jitter": _number("spread of max_requests", 0, 10000000),
    "keepalive_seconds": _number("seconds that an idle connection is kept", 0, 3600),
    "preload": Key("bool", "whether the app is imported before workers are forked"),
    "extra_settings": Key("dict", "further gunicorn settings by their own names"),
}

_SANDBOX = {
    "network": Key("bool", "whether the service may open network connections"),
    "memory_deny_write_execute": Key("bool", "false for apps with a just-in-time compiler"),
    "proc_subset_pid": Key("bool", "false for apps that read system figures from /proc"),
    "memory_max_mb": _number("megabytes the service may use", 32, 1048576),
}

APP: dict[str, Key] = {
    "name": _text(
        "at most 24 lower-case letters, digits and single '-', a letter first, not ending in '-b' (the build account's name)",
        r"(?=.{1,24}$)[a-z]([a-z0-9]|-(?=[a-z0-9]))*(?<!-b)",
        required=True,
    ),
    "source": _SOURCE,
    "wsgi": _text("module:callable, such as 'shop:app' or 'shop:create_app()'", r"[^\x00-\x1f\x7f]{1,200}", required=True),
    "domains": Key("list", "host names, the canonical one first", items=_text("a lower-case host name such as shop.example.com", _DOMAIN)),
    "server": Key("str", "the WSGI server", choices=("gunicorn",)),
    "server_requirements": Key(
        "list",
        "what to install for the server instead of the tested version",
        items=_text("a requirement such as gunicorn==27.0.1", r"[A-Za-z0-9][A-Za-z0-9._\[\],<>=!~ -]*"),
    ),
    "workers": _number("processes", 1, 512),
    "threads": _number("threads of each process", 1, 1024),
    "timeout_seconds": _number("seconds that a request may take", 1, 3600),
    "graceful_timeout_seconds": _number("seconds that running requests get when a slot stops, at least timeout_seconds", 1, 7200),
    "gunicorn": Key("dict", "settings of gunicorn", keys=_GUNICORN),
    "env": Key("env", "environment variables of the app"),
    "static": Key(
        "list",
        "folders that the proxy serves itself",
        items=Key(
            "dict",
            "{url: /static, path: shop/static}",
            keys={
                "url": _text("a path such as /static", r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?", required=True),
                "path": _text("a folder below the release, such as shop/static", _RELATIVE, required=True),
            },
        ),
    ),
    "persist": Key("list", "directories that outlive releases", items=_text("a directory below the release, such as uploads", _RELATIVE)),
    "healthcheck": Key(
        "dict",
        "how a slot proves that it works",
        keys={
            "path": _text("a path such as /healthz", _URL_PATH),
            "status": _number("the HTTP status that means healthy; without it, any below 500", 100, 599),
            "timeout_seconds": _number("seconds a new slot has to become healthy", 1, 3600),
            "successes": _number("good answers in a row", 1, 100),
        },
    ),
    "tls": Key(
        "dict",
        "where the certificate comes from",
        keys={
            "issuer": Key("str", "who signs", choices=("letsencrypt", "selfsigned", "files")),
            "certificate": Key("str", "the PEM text of the certificate and its chain"),
            "key": Key("str", "the PEM text of the private key", secret=True),
        },
    ),
    "max_body_mb": _number("megabytes a request body may have", 1, 102400),
    "python": _text('a version such as "3.12", in quotes', r"3\.\d{1,2}"),
    "installer": Key("str", "what installs the dependencies", choices=("uv", "pip")),
    "requirements": _text("a file below the source, such as requirements/production.txt", _RELATIVE),
    "build_command": _text("one line of shell, run in the release when it is built", _LINE),
    "keep_releases": _number("releases to keep", 2, 100),
    "sandbox": Key("dict", "single loosenings of the service's sandbox", keys=_SANDBOX),
    "nginx_extra": Key("str", "raw nginx configuration for the app's server block"),
}

_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "dict": (dict,), "list": (list, tuple), "env": (dict,)}
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Flask reads these as a request for its debugger, which runs any code a visitor sends.
_DEBUG = {"FLASK_DEBUG": {"1", "true", "yes", "on", "t"}, "FLASK_ENV": {"development"}}
#: The loader would run code from them before the sandboxed interpreter starts.
_RESERVED_ENV = {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"}


def check_mapping(keys: dict[str, Key], given: t.Any, where: str, problems: list[Problem]) -> None:
    """Check a mapping against its keys, appending to ``problems``.

    :param where: the path of the mapping inside the app, such as "tls.", for the messages.
    """
    if not isinstance(given, dict):
        problems.append(Problem(f"{where.rstrip('.') or 'the app'} is {show(given)}; expected a mapping with the keys {', '.join(keys)}"))
        return
    for name in given:
        if name not in keys:
            close = difflib.get_close_matches(str(name), keys, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(keys)}"
            problems.append(Problem(f"unknown key {where}{name}; {hint}"))
    for name, key in keys.items():
        if name in given:
            check_value(key, given[name], f"{where}{name}", problems)
        elif key.required:
            problems.append(Problem(f"{where}{name} is missing; expected {key.expected}"))


def check_value(key: Key, value: t.Any, where: str, problems: list[Problem]) -> None:
    """Check one value against its key, appending to ``problems``."""

    def refuse() -> None:
        shown = "given, but not usable" if key.secret else show(value)
        choices = f" ({', '.join(map(str, key.choices))})" if key.choices else ""
        problems.append(Problem(f"{where} is {shown}; expected {key.expected}{choices}"))

    well_typed = isinstance(value, _TYPES[key.kind]) and not (key.kind == "int" and isinstance(value, bool))
    if not well_typed:
        refuse()
    elif key.kind == "env":
        _check_env(value, where, problems)
    elif key.kind == "dict" and key.keys:
        check_mapping(key.keys, value, f"{where}.", problems)
    elif key.kind == "list" and key.items:
        for number, item in enumerate(value):
            check_value(key.items, item, f"{where}[{number}]", problems)
    elif not _fits(key, value):
        refuse()


def _fits(key: Key, value: t.Any) -> bool:
    if key.pattern:
        return re.fullmatch(key.pattern, value) is not None
    if key.choices:
        return value in key.choices
    return key.low is None or key.high is None or key.low <= value <= key.high


def _check_env(env: dict[t.Any, t.Any], where: str, problems: list[Problem]) -> None:
    for name, value in env.items():
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            problems.append(Problem(f"{where}: {show(name)} is no name of a variable; expected letters, digits and '_', such as DATABASE_URL"))
        elif name in _RESERVED_ENV:
            problems.append(Problem(f"{where}.{name} would run code outside the sandbox; remove it"))
        elif isinstance(value, (dict, list)) or value is None:
            problems.append(Problem(f"{where}.{name} is a {type(value).__name__}; expected text or a number (for JSON, use the filter to_json)"))
        elif "\0" in str(value):
            problems.append(Problem(f"{where}.{name} holds a NUL character, which no environment variable can"))
        elif str(value).lower() in _DEBUG.get(name, ()):
            problems.append(Problem(f"{where}.{name}={value} starts Flask's debugger, which lets visitors run code; remove it, production never needs it"))


def show(value: t.Any) -> str:
    """A value as messages quote it, with its plain type unless it is text."""
    # Values from an inventory are of tagged subclasses, whose names would tell nobody anything.
    kind = next((kind.__name__ for kind in (bool, int, float, list, dict) if isinstance(value, kind)), type(value).__name__)
    text = repr(str(value)) if isinstance(value, str) else f"{value!r} ({kind})"
    return text if len(text) <= 80 else f"{text[:77]}…"
