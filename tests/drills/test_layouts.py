# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Common layouts of sources: the app in a folder, below src, or as an installed package. Each finds its code, files and instance folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import SERVERS

from .harness import App, Server

#: Writes into its instance folder, as in Flask's tutorial, and reports that folder and its working directory.
CODE = """
import os
import pathlib

from flask import Flask
{imports}
app = Flask(__name__)
os.makedirs(app.instance_path, exist_ok=True)
pathlib.Path(app.instance_path, "written").touch()


@app.get("/")
def index():
    return f"{{os.getcwd()}} {{os.path.realpath(app.instance_path)}}"
"""
PROJECT = """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tinyapp"
version = "1.0"
dependencies = ["flask"]
"""
#: By layout: the files, the keys, where below the release it runs, and its instance folder below the state.
LAYOUTS: dict[str, tuple[dict[str, str], App, str, str]] = {
    "monorepo": (
        {
            "backend/app.py": CODE.format(imports="from models import NAME"),
            "backend/models.py": "NAME = 1",
            "backend/requirements.txt": "flask",
            "backend/Procfile": "tidy: sleep infinity",
            "frontend/index.html": "",
        },
        {"directory": "backend", "wsgi": "app:app", "build_command": "test -f models.py", "procfile": True, "release_command": "test -f models.py"},
        "/backend",
        "/backend/instance",
    ),
    "src": ({"src/shop/__init__.py": CODE.format(imports=""), "requirements.txt": "flask"}, {"wsgi": "shop:app"}, "", "/instance"),
    "named-src": ({"src/__init__.py": CODE.format(imports=""), "requirements.txt": "flask"}, {"wsgi": "src:app"}, "", "/instance"),
    "package": (
        {"tinyapp/pyproject.toml": PROJECT, "tinyapp/tinyapp/__init__.py": CODE.format(imports=""), "requirements.txt": "./tinyapp"},
        {"wsgi": "tinyapp:app"},
        "",
        "/var/tinyapp-instance",
    ),
}


def declared(folder: Path, name: str, layout: str, **more: object) -> App:
    files, keys, dummy, dummy = LAYOUTS[layout]
    for path, text in files.items():
        (folder / layout / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / layout / path).write_text(text)
    common = {"domains": [f"{name}.test"], "tls": {"issuer": "selfsigned"}, "workers": 1}
    return {**common, "name": name, "source": {"path": str(folder / layout)}, **keys, **more}


def seen(server: Server, name: str) -> tuple[str, str]:
    place, instance = server.host.ask("/", host=f"{name}.test").body.decode().split()
    return place, instance


def expected(server: Server, name: str, layout: str) -> tuple[str, str]:
    release = server.host.sh(f"realpath /srv/flask/{name}/current")
    return f"{release}{LAYOUTS[layout][2]}", f"/var/lib/flask-{name}{LAYOUTS[layout][3]}"


def test_each_layout_finds_its_code_and_its_files(server: Server, tmp_path: Path) -> None:
    server.others = [declared(tmp_path, layout, layout) for layout in LAYOUTS]
    server.apply("site")
    assert {layout: seen(server, layout) for layout in LAYOUTS} == {layout: expected(server, layout, layout) for layout in LAYOUTS}
    assert server.host.sh("systemctl list-units --plain --no-legend 'flask-monorepo@*-process.tidy.*' | grep -c running") == "1"
    assert server.host.sh("flaskyard run monorepo -- python -c 'import models; print(models.NAME)'").strip() == "1"
    assert server.apply("site").changed == 0
    server.reset()
    server.apply_twice("site")


@pytest.mark.long
def test_every_server_runs_an_app_in_a_folder(server: Server, tmp_path: Path) -> None:
    server.others = [declared(tmp_path, f"on-{kind.replace('_', '-')}", "monorepo", server=kind) for kind in SERVERS]
    server.apply("site")
    names = [app["name"] for app in server.others]
    assert {name: seen(server, name) for name in names} == {name: expected(server, name, "monorepo") for name in names}
    server.reset()
    server.apply_twice("site")
