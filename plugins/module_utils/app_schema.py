# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key can take, and the check of a mapping against its keys."""

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

    ``kind`` is str, int, bool, dict, list, env, headers, users, settings or lines; ``expected`` says in words what ``pattern``, ``choices``, or
    ``low`` and ``high`` mean.
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


def text(expected: str, pattern: str, **more: t.Any) -> Key:
    """A key that takes text of a pattern."""
    return Key("str", expected, pattern=pattern, **more)


def number(expected: str, low: int, high: int) -> Key:
    """A key that takes a whole number."""
    return Key("int", f"{expected}, from {low} to {high}", low=low, high=high)


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "dict": (dict,), "list": (list, tuple)}
#: Mappings whose names are the user's own: what their names and values have to be, and how that is said.
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
#: All that Flask reads as "no debugger". The debugger runs any code that a visitor sends.
_NO_DEBUG = ("", "0", "false", "no")
#: The loader would run code from them before the sandboxed interpreter starts.
_RESERVED_ENV = {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"}


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
            problems.append(Problem(f"unknown key {where}{name}; {hint}"))
    for name, key in keys.items():
        if name in given:
            check_value(key, given[name], f"{where}{name}", problems)
        elif key.required:
            problems.append(Problem(f"{where}{name} is missing; expected {key.expected}"))


def check_value(key: Key, value: t.Any, where: str, problems: list[Problem]) -> None:
    """Check one value against its key, appending to ``problems``."""

    def refuse() -> None:
        # What stands in the place of a mapping may be the one secret that belongs in it.
        shown = "given, but not usable" if key.secret or types == (dict,) else show(value)
        choices = f" ({', '.join(map(str, key.choices))})" if key.choices else ""
        problems.append(Problem(f"{where} is {shown}; expected {key.expected}{choices}"))

    types = _TYPES.get(key.kind, (dict,))
    well_typed = isinstance(value, types) and not (key.kind == "int" and isinstance(value, bool))
    if not well_typed:
        refuse()
    elif key.kind == "env":
        _check_env(value, where, problems)
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
    """Settings by their own names. Where they are written as they stand, C(lines), a value must not hold the end of one."""
    for name, value in given.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]*" if lines else r"[a-z][a-z0-9_]*", str(name)):
            problems.append(Problem(f"{where}: {show(name)} is no name of a setting"))
        elif lines and re.search(r"[\x00-\x1f\x7f]", str(value)):
            problems.append(Problem(f"{where}.{name} is {show(value)}; expected one line without control characters"))


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
        elif _starts_debugger(name, str(value)):
            problems.append(Problem(f"{where}.{name}={value} starts Flask's debugger, which lets visitors run code; remove it, production never needs it"))


def _starts_debugger(name: str, value: str) -> bool:
    """Whether Flask, of any version, reads a variable as a request for its debugger."""
    if name == "FLASK_ENV":
        return value.strip().lower() == "development"
    return name == "FLASK_DEBUG" and value.lower() not in _NO_DEBUG


def show(value: t.Any) -> str:
    """A value as messages quote it: with its plain type unless it is text, and without the credentials in a URL."""
    # Values from an inventory are of tagged subclasses, whose names would tell nobody anything.
    kind = next((kind.__name__ for kind in (bool, int, float, list, dict) if isinstance(value, kind)), type(value).__name__)
    text = re.sub(r"://.*@", "://***@", repr(str(value)) if isinstance(value, str) else f"{value!r} ({kind})")
    return text if len(text) <= 80 else f"{text[:77]}…"
