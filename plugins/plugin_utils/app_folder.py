# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what an app's declaration needs from the folder of a Flask app. The code is parsed and never run."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import shlex
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ..module_utils._apps.procfile import SERVING, ProcfileError, parse_procfile
from ..module_utils._releases.steps.manifest import NAMES
from .source_tree import SourceTreeError, list_files

_LARGEST = 1_000_000
#: Folders whose code does not serve.
_ASIDE = {"tests", "test", "migrations", "docs", "examples", "scripts", "node_modules", "venv", "build", "dist"}
_HEALTH_PATHS = ("/healthz", "/health", "/healthcheck", "/livez", "/up", "/ping", "/status")
_DATABASES = {
    "postgresql": ("psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000"),
    "mariadb": ("pymysql", "mysqlclient", "mariadb", "mysql-connector-python"),
}
_QUEUES = ("celery", "rq", "dramatiq", "huey", "redis", "valkey")
#: Variables that Flaskyard, Flask or systemd sets.
_GIVEN = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "PORT", "PATH", "HOME", "USER", "TMPDIR"}
#: Admits nothing that Ansible would take for a template in an inventory.
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\([^{}]*\))?")
_PLAIN = re.compile(r"[\w./-]+")
_INSTANCES, _FACTORIES = ("app", "application"), ("create_app", "make_app", "app_factory", "build_app")


class AppFolderError(Exception):
    """The folder cannot be described. The text says why, and what to do."""


@dataclasses.dataclass
class Found:
    """What a folder tells about its app."""

    wsgi: str
    static: list[dict[str, str]] = dataclasses.field(default_factory=list)
    manifest: str = ""
    procfile: bool = False
    release_command: str = ""
    database: str = ""
    queue: str = ""
    health_path: str = ""
    #: Variables that the code reads and nothing else sets.
    variables: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def rank(self) -> tuple[int, int, str]:
        """A sort key. Modules that are more likely to hold the app come first."""
        base = self.name.rpartition(".")[2]
        return (0 if base == "wsgi" else 1 if base in ("app", "application", "main") else 2, self.name.count("."), self.name)


def describe(folder: Path, wsgi: str = "") -> Found:
    """Read a folder.

    :param wsgi: the application, if it is known already.
    :raises AppFolderError: if it is not a folder, or has no Flask application.
    """
    try:
        files = [Path(name) for name in list_files(str(folder))]
    except SourceTreeError as error:
        raise AppFolderError(str(error)) from error
    modules = sorted(_modules(folder, files), key=lambda module: module.rank)
    lines = _procfile(folder, files)
    candidates = [*_named(lines, folder, files), *_instances(modules), *_factories(modules)]
    if not (wsgi or candidates):
        raise AppFolderError(
            f"no Flask application was found in {folder}: no module assigns Flask(...) or has a function that returns it. Name it: -e wsgi=module:app"
        )
    packages = _packages(folder, files)
    found = Found(wsgi or candidates[0])
    if not wsgi and len({*candidates}) > 1:
        found.notes.append(f"also found: {', '.join(dict.fromkeys(name for name in candidates if name != found.wsgi))}")
    found.static = list(_static(folder, modules))
    found.manifest = next((name for name in NAMES if Path(name) in files), "")
    if not found.manifest:
        found.notes.append(f"none of {', '.join(NAMES)} is there, so no package is installed; write one, for instance with pip freeze > requirements.txt")
    found.procfile = bool({*lines} - {*SERVING})
    migrates = "flask-migrate" in packages and any(path.parts[-2:] == ("migrations", "env.py") for path in files)
    found.release_command = "flask db upgrade" if migrates and "release" not in lines else ""
    found.database = next((kind for kind, drivers in _DATABASES.items() if packages & {*drivers}), "")
    found.queue = "valkey" if packages & {*_QUEUES} else ""
    routes = {*_routes(modules)}
    found.health_path = next((path for path in _HEALTH_PATHS if path in routes), "")
    found.variables = sorted({*_variables(modules)} - _GIVEN)
    return found


def _modules(folder: Path, files: list[Path]) -> Iterator[_Module]:
    for path in files:
        if path.suffix != ".py" or {*path.parts[:-1]} & _ASIDE or path.name.startswith(("test_", "conftest", "setup.")):
            continue
        full = folder / path
        if full.is_symlink() or full.stat().st_size > _LARGEST:
            continue
        try:
            tree = ast.parse(full.read_bytes())
        except (SyntaxError, ValueError):
            continue
        parts = path.with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name and all(part.isidentifier() for part in name.split(".")):
            yield _Module(name, path, tree)


def _procfile(folder: Path, files: list[Path]) -> dict[str, str]:
    if Path("Procfile") not in files:
        return {}
    try:
        return parse_procfile((folder / "Procfile").read_text(encoding="utf-8"))
    except (ProcfileError, UnicodeDecodeError):
        return {}


def _named(lines: dict[str, str], folder: Path, files: list[Path]) -> Iterator[str]:
    """The application that the Procfile serves, then the one in .flaskenv."""
    try:
        words = shlex.split(next((lines[name] for name in SERVING if name in lines), ""))
        words = shlex.split(words[2]) if words[:2] == ["sh", "-c"] else words
    except ValueError:
        words = []
    for word in reversed(words):
        if _TARGET.fullmatch(word) and not word.startswith("unix:"):
            yield word
    if Path(".flaskenv") in files:
        for line in (folder / ".flaskenv").read_text(encoding="utf-8", errors="replace").splitlines():
            value = line.removeprefix("export ").partition("FLASK_APP=")[2].strip().strip("\"'")
            if _TARGET.fullmatch(value):
                yield value


def _calls_flask(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (
        (isinstance(node.func, ast.Name) and node.func.id == "Flask") or (isinstance(node.func, ast.Attribute) and node.func.attr == "Flask")
    )


def _instances(modules: list[_Module]) -> Iterator[str]:
    """The names to which a module assigns a Flask application, usual names first."""
    for module in modules:
        names = []
        for node in module.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            value = getattr(node, "value", None)
            made = _calls_flask(value) if value else False
            made = made or (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _FACTORIES)
            names += [target.id for target in targets if made and isinstance(target, ast.Name)]
        yield from (f"{module.name}:{name}" for name in sorted(names, key=lambda name: name not in _INSTANCES))


def _factories(modules: list[_Module]) -> Iterator[str]:
    """The functions without required arguments that make a Flask application."""
    for module in modules:
        for node in module.tree.body:
            if not isinstance(node, ast.FunctionDef) or not any(map(_calls_flask, ast.walk(node))):
                continue
            needed = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
            if (
                needed <= 0
                and all(node.args.kw_defaults)
                and (node.name in _FACTORIES or any(isinstance(part, ast.Return) and part.value for part in ast.walk(node)))
            ):
                yield f"{module.name}:{node.name}()"


def _static(folder: Path, modules: list[_Module]) -> Iterator[dict[str, str]]:
    """The static folders of applications, if they exist."""
    seen = set()
    for module in modules:
        for node in ast.walk(module.tree):
            if not _calls_flask(node):
                continue
            given = {word.arg: word.value.value for word in t.cast(ast.Call, node).keywords if isinstance(word.value, ast.Constant)}
            name = given.get("static_folder", "static")
            if not isinstance(name, str):
                continue
            path = Path(os.path.normpath(module.path.parent / name))
            url = str(given.get("static_url_path") or f"/{path.name}").rstrip("/")
            if (
                ".." not in path.parts
                and not path.is_absolute()
                and (folder / path).is_dir()
                and url.startswith("/")
                and url not in seen
                and all(map(_PLAIN.fullmatch, (url, str(path))))
            ):
                seen.add(url)
                yield {"url": url, "path": path.as_posix()}


def _packages(folder: Path, files: list[Path]) -> set[str]:
    """The names of the packages in the manifests."""
    found: set[str] = set()
    for path in files:
        if len(path.parts) == 1 and (path.name in (*NAMES, "Pipfile", "setup.py", "setup.cfg") or re.fullmatch(r"requirements.*\.(txt|in)", path.name)):
            text = (folder / path).read_text(encoding="utf-8", errors="replace")
            found |= {word.lower().replace("_", "-").replace(".", "-") for word in re.findall(r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]", text)}
    return found


def _routes(modules: list[_Module]) -> Iterator[str]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("route", "get", "add_url_rule") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith("/"):
                    yield first.value.rstrip("/") or "/"


def _variables(modules: list[_Module]) -> Iterator[str]:
    """The environment variables that the code needs: it reads them without a default, or as a key."""
    for module in modules:
        for node in ast.walk(module.tree):
            name: ast.expr | None = None
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "environ"):
                name = node.slice
            elif isinstance(node, ast.Call) and len(node.args) == 1 and ast.unparse(node.func) in ("os.environ.get", "environ.get", "os.getenv", "getenv"):
                name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", name.value):
                yield name.value
