# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of a key, and the check of a mapping against its keys."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
import typing as t

from .characters import NONCHARACTERS


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem, in words for the person who wrote the inventory."""

    text: str


@dataclasses.dataclass(frozen=True)
class Key:
    """The one declaration of a key. Checks, defaults, argument specifications, the tables in docs and the JSON Schema follow from it.

    :param kind: str, int, bool, dict, list, env, headers, users, settings or lines; auto for variables of servers.
    :param meaning: what it is for, as a sentence in the reference.
    :param expected: what C(pattern) admits, in words that follow "expected …" in a message.
    :param default: its value if the user gives none. None if there is no default, or if it follows from other keys.
    :param keys: the keys of a mapping.
    :param items: the declaration of each item of a list.
    :param group: its purpose, by which the reference groups keys: one of C(GROUPS) in C(keys.py).
    :param reaches: what its value affects: release, slot, proxy, certificate or backup.
    :param advice: returns how to correct a text that does not fit, or an empty text.
    :param variable: whether the role of its server has a variable of this name that applies to all apps.
    """

    kind: str
    meaning: str
    expected: str = ""
    default: t.Any = None
    required: bool = False
    pattern: str = ""
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    keys: dict[str, Key] = dataclasses.field(default_factory=dict)
    items: Key | None = None
    secret: bool = False
    group: str = ""
    reaches: tuple[str, ...] = ()
    variable: bool = True
    advice: t.Callable[[str], str] | None = None

    def allowed(self) -> str:
        """The allowed values, in words that follow "expected …" in a message."""
        if self.expected:
            return self.expected
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind == "auto":
            return f"auto, or a number from {self.low} to {self.high}"
        if self.kind == "int":
            return f"a whole number from {self.low} to {self.high}"
        if self.kind == "list" and self.items:
            return f"a list, each item {self.items.allowed()}"
        if self.keys:
            return f"a mapping with the keys {', '.join(self.keys)}"
        return _KINDS[self.kind]


def text(meaning: str, expected: str, pattern: str, **more: t.Any) -> Key:
    """A key that takes text that matches a pattern."""
    return Key("str", meaning, expected, pattern=pattern, **more)


def number(meaning: str, low: int, high: int, default: int | None = None, **more: t.Any) -> Key:
    """A key that takes a whole number."""
    return Key("int", meaning, low=low, high=high, default=default, **more)


def problems_of(keys: dict[str, Key], given: t.Any) -> list[str]:
    """The problems of a mapping, one line each."""
    problems: list[Problem] = []
    check_mapping(keys, given, "", problems)
    return [problem.text for problem in problems]


def complete(keys: dict[str, Key], given: dict[str, t.Any]) -> dict[str, t.Any]:
    """A checked mapping with every key present, at every depth."""
    return {name: _complete_value(key, given.get(name, key.default), name in given) for name, key in keys.items()}


def _complete_value(key: Key, value: t.Any, given: bool) -> t.Any:
    # A mapping with a required key stays absent until the user gives it.
    if key.keys and (given or not any(inner.required for inner in key.keys.values())):
        return complete(key.keys, value or {})
    if key.items and key.items.keys and value:
        return [complete(key.items.keys, item) for item in value]
    # All apps share the declared default, so each gets a copy.
    return copy.copy(value)


_KINDS = {
    "str": "text",
    "bool": "true or false",
    "dict": "a mapping",
    "list": "a list",
    "env": "a mapping of variables to their values",
    "headers": "a mapping of headers to their values",
    "users": "a mapping of names to password hashes",
    "settings": "a mapping of settings to their values",
    "lines": "a mapping of settings to their values, each of one line, or a list of such",
}
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "auto": (int,), "bool": (bool,), "dict": (dict,), "list": (list, tuple)}
#: Mappings with names that the user chooses: the patterns of names and values, and the words for messages.
_OPEN_MAPPINGS = {
    "headers": (
        r"(?i)(?!(connection|content-length|date|keep-alive|server|te|trailer|transfer-encoding|upgrade)$)[a-z][a-z0-9-]*",
        r"(?!expr=)[\x20-\x23\x25-\x7e]*",
        "a header such as Referrer-Policy: same-origin, printable ASCII on one line, without '$' and not beginning with 'expr=', which proxies would evaluate; "
        "Server, Date and what frames an answer, such as Content-Length, are the proxy's own",
    ),
    "users": (r"[A-Za-z0-9][A-Za-z0-9._@-]*", r"\$[A-Za-z0-9]+\$[A-Za-z0-9./$=,-]+", "a name and a hash as 'htpasswd -nB' prints it"),
}
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: The values that Flask reads as "no debugger". The debugger runs any code that a visitor sends.
_NO_DEBUG = ("", "0", "false", "no")
#: The loader would run code from them before the sandboxed interpreter starts.
_RESERVED_ENV = {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"}
#: Servers take options from them: https://docs.gunicorn.org/en/stable/settings.html, https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html and
#: granian's command line. Those that the keys set would be ignored, and the others would change what the proxy relies on.
_SERVER_OPTIONS = re.compile(r"WEB_CONCURRENCY|GUNICORN_CMD_ARGS|(?:GRANIAN|UWSGI)_\w+")

#: The prefixes of variables that people look for among the keys of an app.
_OF_HOST = re.compile(r"(?:flask|tls|backup|firewall|host|python)_")


def check_mapping(keys: dict[str, Key], given: t.Any, where: str, problems: list[Problem]) -> None:
    """Check a mapping against its keys, appending to ``problems``.

    :param where: the path of the mapping inside the app, such as "tls.", for the messages.
    """
    if not isinstance(given, dict):
        problems.append(Problem(f"{where.rstrip('.') or 'the item'} is {show(given)}; expected a mapping with the keys {', '.join(keys)}"))
        return
    for name in given:
        if name not in keys:
            close = difflib.get_close_matches(str(name), keys, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(keys)}"
            if not where and _OF_HOST.match(str(name)):
                hint = "it is a variable of the host: write it beside flask_apps, not in the app"
            problems.append(Problem(f"unknown key {where}{name}; {hint}"))
    for name, key in keys.items():
        if name in given:
            check_value(key, given[name], f"{where}{name}", problems)
        elif key.required:
            problems.append(Problem(f"{where}{name} is missing; expected {key.allowed()}"))


def check_value(key: Key, value: t.Any, where: str, problems: list[Problem]) -> None:
    """Check one value against its key, appending to ``problems``."""

    def refuse() -> None:
        # A text in the place of a mapping may be the secret that belongs in it.
        shown = "given, but not usable" if key.secret or types == (dict,) else show(value)
        advice = key.advice(value) if key.advice and isinstance(value, str) else ""
        problems.append(Problem(f"{where} is {shown}; expected {key.allowed()}{f'. {advice[0].upper()}{advice[1:]}' if advice else ''}"))

    types = _TYPES.get(key.kind, (dict,))
    well_typed = isinstance(value, types) and not (int in types and isinstance(value, bool))
    if not well_typed:
        refuse()
    elif key.kind == "env":
        check_env(value, where, problems)
    elif key.kind in ("settings", "lines"):
        _check_settings(value, where, problems, lines=key.kind == "lines")
    elif key.kind in _OPEN_MAPPINGS:
        _check_open_mapping(key.kind, value, where, problems)
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


def _check_open_mapping(kind: str, given: dict[t.Any, t.Any], where: str, problems: list[Problem]) -> None:
    name_pattern, value_pattern, expected = _OPEN_MAPPINGS[kind]
    for name, value in given.items():
        if not re.fullmatch(name_pattern, str(name)) or not isinstance(value, str) or not re.fullmatch(value_pattern, value):
            problems.append(Problem(f"{where}.{show(name)[1:-1]} is not usable; expected {expected}"))


def _check_settings(given: dict[t.Any, t.Any], where: str, problems: list[Problem], lines: bool) -> None:
    """Check settings under the server's own names. C(lines) are written unquoted, so a value must not contain a line break."""
    for name, value in given.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]*" if lines else r"[a-z][a-z0-9_]*", str(name)):
            problems.append(Problem(f"{where}: {show(name)} is not a valid name of a setting"))
        elif lines:
            # Each item of a list gets its own line.
            for single in value if isinstance(value, list) else [value]:
                if not isinstance(single, (str, int, float)):
                    problems.append(Problem(f"{where}.{name} is {show(single)}; expected text, a number, true or false, or a list of them"))
                elif re.search(r"[\x00-\x1f\x7f]", str(single)):
                    problems.append(Problem(f"{where}.{name} is {show(single)}; expected one line without control characters"))


def check_env(env: dict[t.Any, t.Any], where: str, problems: list[Problem]) -> None:
    """Check environment variables and their values, appending to ``problems``."""
    for name, value in env.items():
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            problems.append(Problem(f"{where}: {show(name)} is not a valid name of a variable; expected letters, digits and '_', such as DATABASE_URL"))
        elif name in _RESERVED_ENV:
            problems.append(Problem(f"{where}.{name} would run code outside the sandbox; remove it"))
        elif _SERVER_OPTIONS.fullmatch(name):
            problems.append(Problem(f"{where}.{name} is an option of a web server; use workers, threads or extra_settings of the server, and remove it"))
        elif isinstance(value, (dict, list)):
            problems.append(
                Problem(f"{where}.{name} is a {'mapping' if isinstance(value, dict) else 'list'}; expected text or a number (for JSON, use to_json)")
            )
        elif value is None:
            problems.append(Problem(f"{where}.{name} has no value; for an empty text, write ''"))
        elif not isinstance(value, (str, int)):  # a number with a point, or a date
            problems.append(Problem(f"{where}.{name} is {show(value)}, which may differ from what you wrote, such as 1.10; put it in quotes"))
        elif "\0" in str(value):
            problems.append(Problem(f"{where}.{name} contains a NUL character, which an environment variable cannot; remove it"))
        elif NONCHARACTERS.search(str(value)):
            problems.append(
                Problem(
                    f"{where}.{name} contains a Unicode noncharacter, with which systemd does not start the service; encode the value, for example in base64"
                )
            )
        elif _starts_debugger(name, str(value)):
            problems.append(Problem(f"{where}.{name}={value} starts Flask's debugger, which lets visitors run code; remove it, production never needs it"))


def _starts_debugger(name: str, value: str) -> bool:
    """Whether any version of Flask starts its debugger because of this variable."""
    if name == "FLASK_ENV":
        return value.strip().lower() == "development"
    return name == "FLASK_DEBUG" and value.lower() not in _NO_DEBUG


def show(value: t.Any) -> str:
    """A value as messages quote it: without credentials in a URL, and with its plain type unless it is text."""
    # Ansible wraps inventory values in tagged subclasses, whose names mean nothing to users.
    kind = next((kind.__name__ for kind in (bool, int, float, list, dict) if isinstance(value, kind)), type(value).__name__)
    text = re.sub(r"://.*@", "://***@", repr(str(value)) if isinstance(value, str) else f"{value!r} ({kind})")
    return text if len(text) <= 80 else f"{text[:77]}…"
