# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases from a folder on the controller: what they contain, and that an unchanged folder makes no second release."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from .conftest import Host


def packages(host: Host, venv: str) -> set[str]:
    return set(host.sh('ls "$1"/lib/python3*/site-packages | sed -n "s/\\.dist-info$//p"', venv).split())


def test_unchanged_folder_makes_no_second_release(fresh: Host, source: Path) -> None:
    build = "echo $VIRTUAL_ENV > built; python -c 'import itsdangerous'"
    app = {"name": "shop", "source": {"path": str(source)}, "persist": ["uploads"], "build_command": build}
    told = fresh.release(app, play=("--check", "--diff"))
    assert told.changed and not fresh.exists(told.release["dir"])

    made = fresh.release(app)
    release = made.release
    assert made.changed and release["id"] == told.release["id"]
    assert release["dir"] == f"/srv/flask/shop/releases/{release['id']}"
    assert packages(fresh, release["venv"]) == {"itsdangerous-2.2.0", "gunicorn-27.0.1"}
    assert fresh.sh('readlink -f "$1/.venv"', release["dir"]).strip() == release["venv"]
    assert fresh.sh('readlink "$1/uploads" "$1/instance"', release["dir"]).split() == ["/var/lib/flask-shop/uploads", "/var/lib/flask-shop/instance"]
    assert fresh.sh('cat "$1/built"', release["dir"]).strip() == f"{release['dir']}/.venv"

    assert not fresh.release(app).changed
    assert not fresh.release(app, play=("--check",)).changed

    (source / "app.py").write_text("VERSION = 2\n")
    second = fresh.release(app, play=("--diff",))
    assert second.changed and second.release["id"] != release["id"]
    assert second.release["venv"] == release["venv"], "the same requirements share a virtualenv"
    assert second.printed.count("\n+source: ") == 1 and second.printed.count("\n-source: ") == 1
    assert "\n+build_command" not in second.printed


def test_owner_and_readers_of_a_release(fresh: Host, source: Path) -> None:
    (source / "app.py").chmod(0o600)
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o700)
    release = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    listing = fresh.sh('cd "$1"; stat -c "%n %a %U:%G" . app.py tool', release["dir"])
    assert listing.splitlines() == [f"{name} {mode} flask-shop-b:flask-shop" for name, mode in ((".", 750), ("app.py", 640), ("tool", 750))]
    fresh.sh('runuser -u flask-shop -- test -r "$1/app.py" -a -x "$1/.venv/bin/python"', release["dir"])
    fresh.sh('! runuser -u flask-shop -- touch "$1/app.py" 2>/dev/null && ! runuser -u flask-shop -- touch "$1/.venv/x" 2>/dev/null', release["dir"])
    fresh.sh('! runuser -u flask-blog -- test -r "$1/app.py" && ! runuser -u www-data -- test -r "$1/app.py"', release["dir"])
    assert fresh.sh("stat -c %a /var/lib/flaskyard/apps /var/lib/flaskyard/apps/shop/releases/*.json").split() == ["700", "600"]


def test_ignored_files_and_repository_stay_behind(fresh: Host, source: Path) -> None:
    (source / ".gitignore").write_text("*.log\n/.secret\n")
    for name in ("debug.log", ".secret", ".venv/x", ".git/HEAD"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("x")
    release = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    assert fresh.sh('ls -A "$1"', release["dir"]).split() == [".gitignore", ".venv", "__pycache__", "app.py", "instance", "requirements.txt"]


DEPENDENCIES = {
    "none": ({}, set()),
    "hashes": (
        {"requirements.txt": "itsdangerous==2.2.0 --hash=sha256:c6242fc49e35958c8b15141343aa660db5fc54d4f13a1db01a3f5891b98700ef\n"},
        {"itsdangerous-2.2.0"},
    ),
    "pyproject": ({"pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["itsdangerous==2.1.2"]\n'}, {"itsdangerous-2.1.2"}),
    "included": ({"requirements.txt": "-r more/base.txt\n", "more/base.txt": "itsdangerous==2.2.0\n"}, {"itsdangerous-2.2.0"}),
    "tool settings only": ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, set()),
}


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("kind", DEPENDENCIES)
def test_every_kind_of_manifest_is_installed(fresh: Host, tmp_path: Path, kind: str, installer: str) -> None:
    files, expected = DEPENDENCIES[kind]
    (tmp_path / "source").mkdir()
    for name, content in {"app.py": "", **files}.items():
        (tmp_path / "source" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "source" / name).write_text(content)
    release = fresh.release({"name": "shop", "source": {"path": str(tmp_path / "source")}, "installer": installer}).release
    assert {name for name in packages(fresh, release["venv"]) if not name.startswith(("pip-", "setuptools-"))} == {*expected, "gunicorn-27.0.1"}


def test_lock_of_uv_needs_uv(fresh: Host) -> None:
    app: dict[str, t.Any] = {"name": "shop", "source": {"path": "tests/apps/probe"}}
    release = fresh.release(app).release
    assert any(name.startswith("flask-") for name in packages(fresh, release["venv"]))
    assert "set installer to uv" in fresh.release({**app, "installer": "pip"}).failure


def test_server_version_of_the_app_wins(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("gunicorn==26.0.0\n")
    release = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    assert {name for name in packages(fresh, release["venv"]) if name.startswith("gunicorn")} == {"gunicorn-26.0.0"}


@pytest.mark.long
def test_too_old_server_is_refused_and_can_be_overruled(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("gunicorn==20.1.0\n")
    app = {"name": "shop", "source": {"path": str(source)}}
    assert (
        "requirements.txt brings gunicorn 20.1.0, older than what works here (21.2.0); raise the version, or remove it to get the tested one"
        in fresh.release(app).failure
    )
    asked = {**app, "server_requirements": ["gunicorn==20.0.4"]}
    assert "server_requirements brings gunicorn 20.0.4, older than what works here (21.2.0)" in fresh.release(asked).failure
    release = fresh.release({**app, "server_requirements": ["gunicorn==23.0.0"]}).release
    assert {name for name in packages(fresh, release["venv"]) if name.startswith("gunicorn")} == {"gunicorn-23.0.0"}, "the user's word wins"


def test_package_from_the_index_needs_no_tree(fresh: Host) -> None:
    app = {"name": "shop", "source": {"pypi": "httpbin", "version": "0.10.2"}}
    made = fresh.release(app)
    assert "httpbin-0.10.2" in packages(fresh, made.release["venv"])
    assert not fresh.release(app).changed


def test_editable_requirement_gets_a_separate_virtualenv(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("-e .\n")
    (source / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n[tool.setuptools]\npy-modules = ["app"]\n')
    first = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    (source / "app.py").write_text("VERSION = 2\n")
    second = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    assert first["venv"] != second["venv"]
    found = fresh.sh('cd /; "$1/bin/python" -c "import app; print(app.__file__)"', second["venv"]).strip()
    assert found == f"{second['dir']}/app.py"


@pytest.mark.long
def test_wheelhouse_is_enough(fresh: Host, source: Path) -> None:
    fresh.sh("python3 -m venv /tmp/v; mkdir -p /srv/wheels; /tmp/v/bin/pip -q download -d /srv/wheels itsdangerous==2.2.0 gunicorn==27.0.1")
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    for installer in ("uv", "pip"):
        app = {"name": "shop", "source": {"path": str(source)}, "installer": installer}
        release = fresh.release(app, wheelhouse="/srv/wheels", environment=nowhere).release
        assert {"itsdangerous-2.2.0", "gunicorn-27.0.1"} <= packages(fresh, release["venv"])


FAILURES: dict[str, tuple[dict[str, str], dict[str, t.Any], list[str]]] = {
    "no such package": ({"requirements.txt": "no-such-package-of-flaskyard==1\n"}, {}, ["no-such-package-of-flaskyard", "check its name"]),
    "wrong hash": ({"requirements.txt": f"itsdangerous==2.2.0 --hash=sha256:{'0' * 64}\n"}, {}, ["lock the requirements again"]),
    "no such file": ({}, {"requirements": "requirements/prod.txt"}, ["requirements/prod.txt", "it has requirements.txt"]),
    "build fails": ({}, {"build_command": "echo almost; npm run build"}, ["build_command", "almost", "npm"]),
    "no such python": ({}, {"python": "3.99"}, ["3.99", "this host has no such interpreter"]),
    "poetry": ({"requirements.txt": "", "pyproject.toml": "[tool.poetry.dependencies]\nflask = '*'\n"}, {"requirements": "pyproject.toml"}, ["poetry export"]),
    "a persisted folder that is a file": ({"uploads": "x"}, {"persist": ["uploads"]}, ["'uploads' is persisted as a folder", "persist_files"]),
    "instance with files": ({"instance/config.py": "x"}, {}, ["'instance' outlives releases", "instance/config.py", "persist: [instance]"]),
}


@pytest.mark.parametrize("what", FAILURES)
def test_failures_say_why_and_leave_nothing(fresh: Host, source: Path, what: str) -> None:
    files, keys, words = FAILURES[what]
    for name, content in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(content)
    good = {"name": "blog", "source": {"pypi": "itsdangerous", "version": "2.2.0"}}
    fresh.sh("rm -rf /srv/flask/blog/releases/* /var/lib/flaskyard/apps/blog/releases")
    result = fresh.release({"name": "shop", "source": {"path": str(source)}, **keys}, good)
    assert [word for word in words if word not in result.failure] == [], result.failure
    assert "1 of 2 apps" in result.answer["msg"]
    assert set(result.answer["failures"]) == {"shop"}
    assert len(fresh.sh("ls -A /srv/flask/blog/releases").split()) == 1, "the other app is prepared anyway"
    assert fresh.sh("ls -A /srv/flask/shop/releases") == ""
    recorded = "ls /var/lib/flaskyard/apps/shop/venvs 2>/dev/null | sed s/.json//"
    assert fresh.sh("ls -A /srv/flask/shop/venvs") == fresh.sh(recorded), "a virtualenv that is complete may stay for the next try"


def test_gitkeep_in_a_persisted_directory_is_ignored(fresh: Host, source: Path) -> None:
    (source / "uploads").mkdir()
    (source / "uploads/.gitkeep").touch()
    release = fresh.release({"name": "shop", "source": {"path": str(source)}, "persist": ["uploads"]}).release
    assert fresh.sh('readlink "$1/uploads"', release["dir"]).strip() == "/var/lib/flask-shop/uploads"


def test_persisted_folder_is_filled_from_the_source_once(fresh: Host, source: Path) -> None:
    (source / "pics").mkdir()
    for name in ("pics/default.png", "pics/other.png", "shop.db"):
        (source / name).write_text("one")
    app = {"name": "shop", "source": {"path": str(source)}, "persist": ["pics"], "persist_files": ["shop.db"]}
    fresh.release(app)
    look = "cd /var/lib/flask-shop && find pics shop.db -type f -user flask-shop -exec grep -H . {} + | sort | tr '\\n' ' '"
    assert fresh.sh(look).strip() == "pics/default.png:one pics/other.png:one shop.db:one"
    fresh.sh("cd /var/lib/flask-shop && runuser -u flask-shop -- sh -c 'rm pics/other.png; echo mine > shop.db'")
    (source / "pics/default.png").write_text("two")
    again = fresh.release(app)
    assert fresh.sh(look).strip() == "pics/default.png:one shop.db:mine", "later releases leave it alone"
    assert again.answer["notices"] == {"shop": ["the source has another pics than the one that was put into the app's state; what is there stays as it is"]}
    assert not fresh.release(app).answer["notices"]


def test_record_names_the_inputs_of_a_release(fresh: Host, source: Path) -> None:
    release = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    record = json.loads(fresh.sh('cat "/var/lib/flaskyard/apps/shop/releases/$1.json"', release["id"]))
    assert record["status"] == "built" and record["python"] == release["python"] and release["venv"].endswith(record["venv"])


#: Source distributions that need a compiler, the packages that the message must name, and the import name.
COMPILED = {
    "psycopg2==2.9.11": (["build-essential", "libpq-dev", "python3-dev"], "psycopg2"),
    "mysqlclient==2.2.7": (["build-essential", "default-libmysqlclient-dev", "pkg-config", "python3-dev"], "MySQLdb"),
    "python-ldap==3.4.5": (["build-essential", "libldap-dev", "libsasl2-dev", "python3-dev"], "ldap"),
    "pycairo==1.28.0": (["build-essential", "libcairo2-dev", "pkg-config", "python3-dev"], "cairo"),
    "--no-binary=lxml\nlxml==6.0.2": (["build-essential", "libxml2-dev", "libxslt1-dev", "python3-dev"], "lxml.etree"),
}


@pytest.mark.long
def test_failed_compilation_names_missing_packages(fresh: Host, source: Path) -> None:
    for requirement, (names, module) in COMPILED.items():
        (source / "requirements.txt").write_text(f"{requirement}\n")
        app: dict[str, t.Any] = {"name": "shop", "source": {"path": str(source)}}
        for dummy in range(3):
            result = fresh.release(app, build_timeout_seconds=900)
            if not result.answer["failures"]:
                break
            found = re.search(r"set build_packages: \[(.*?)\]", result.failure)
            assert found, result.failure
            app["build_packages"] = found[1].split(", ")
            assert set(app["build_packages"]) <= set(names), result.failure
            fresh.sh(f"apt-get -qq install -y --no-install-recommends {' '.join(app['build_packages'])} >/dev/null")
        fresh.sh('cd /; "$1/bin/python" -c "import $2"', result.release["venv"], module)
        fresh.sh(f"apt-get -qq purge -y --auto-remove {' '.join(names)} >/dev/null")
