# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key C(files) of an app: secret files, and the variables that tell the app where they are."""

from __future__ import annotations

import base64
import typing as t

from .schema import Problem, check_env
from .stores import store_environment

#: Variables that every slot has.
_TAKEN = {
    "CACHE_DIRECTORY",
    "FLASK_APP",
    "HOME",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "STATE_DIRECTORY",
}
_MOST_BYTES = 2**20


def secret_file_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems of an app's files. Each single key is valid."""
    files, paths = app.get("files", []), set[str]()
    stores = store_environment(app["name"], app.get("database"), app.get("database_pool", False), app.get("queue"))
    variables = {*app.get("env", {}), *stores}
    for number, file in enumerate(files):
        where, path, variable = f"files[{number}]", file["path"], file["variable"]
        given = [key for key in ("content", "content_base64") if key in file]
        if len(given) != 1:
            yield f"{where} has {' and '.join(given) or 'no content'}; expected exactly one of content, content_base64"
        elif (content := _content(file)) is None:
            expected = "base64, as 'base64 --wrap=0 FILE' prints it" if given == ["content_base64"] else "text"
            yield f"{where}.{given[0]} is given, but not usable; expected {expected}"
        elif len(content) > _MOST_BYTES:
            yield f"{where} has {len(content)} bytes; expected at most {_MOST_BYTES}. Put larger files into persist"
        if clash := next((other for other in paths if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/")), None):
            yield f"{where}.path is {path!r}, and there is {clash!r} already; each file needs a path that is neither another's nor below it"
        if variable in variables:
            yield f"{where}.variable is {variable!r}, which env, another file, database or queue has already; choose another name"
        if variable in _TAKEN:
            yield f"{where}.variable is {variable!r}, which every app has already; choose another name, such as {app['name'].upper().replace('-', '_')}_FILE"
        problems: list[Problem] = []
        check_env({variable: f"/{path}"}, f"{where}.variable", problems)
        yield from (problem.text for problem in problems)
        paths.add(path)
        variables.add(variable)


def complete_secret_files(app: dict[str, t.Any]) -> dict[str, dict[str, str]]:
    """The files by path: C(variable), and C(content) in base64, which carries any bytes."""
    return {file["path"]: {"variable": file["variable"], "content": base64.b64encode(_content(file) or b"").decode("ascii")} for file in app.get("files", [])}


def _content(file: dict[str, t.Any]) -> bytes | None:
    """The content; None if it is not text or not base64."""
    try:
        if "content" in file:
            return str(file["content"]).encode()
        return base64.b64decode("".join(str(file["content_base64"]).split()), validate=True)
    except ValueError:
        return None
