# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that is on the host already, with an existing virtualenv. tests/unit/releases/test_in_place.py shows what counts as a change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import APPS, App, Host

BRING = """
    mkdir -p /opt/code && cd /opt/code && echo 'VERSION = 1' > app.py
    /usr/bin/python3 -m venv --without-pip .venv
    cd .venv/lib/python3*/site-packages && mkdir gunicorn-20.0.dist-info
    printf 'Metadata-Version: 2.1\\nName: gunicorn\\nVersion: 20.0\\n' > gunicorn-20.0.dist-info/METADATA
"""


def app(name: str = "shop", folder: str = "/opt/code") -> App:
    return {"name": name, "source": {"in_place": folder}}


@pytest.fixture
def code(fresh: Host) -> Iterator[Host]:
    """The host with code in a folder, and a virtualenv with some version of the server."""
    fresh.sh(BRING)
    yield fresh
    fresh.sh("rm -rf /opt/code*")


def test_code_in_place_is_not_changed(code: Host) -> None:
    before = code.sh("find /opt/code | sort | xargs ls -ld --full-time")
    first = code.release(app())
    assert first.changed
    assert code.sh('readlink "$1"', first.release["dir"]) == "/opt/code\n"
    assert code.sh("find /opt/code | sort | xargs ls -ld --full-time") == before, "nothing in it is touched"
    assert not code.release(app()).changed

    code.sh("echo 'VERSION = 2' > /opt/code/app.py")
    promised = code.release(app(), play=("--check",))
    assert promised.changed and not code.exists(promised.release["dir"])
    assert code.release(app()).release["id"] == promised.release["id"] != first.release["id"]

    built = code.release({"name": "shop", "source": {"pypi": "itsdangerous", "version": "2.2.0"}})
    assert built.changed and code.exists("/opt/code/app.py"), "another kind of source takes over"


def test_unusable_code_in_place_is_refused(code: Host) -> None:
    code.sh("""
        cp -a /opt/code /opt/code-closed && chmod 0700 /opt/code-closed
        cp -a /opt/code /opt/code-bare && rm -rf /opt/code-bare/.venv
        rm -r /opt/code/.venv/lib/python3*/site-packages/gunicorn*""")
    folders = dict(zip(APPS, ("/opt/code-closed", "/opt/code-bare", "/opt/code"), strict=True))
    failures = code.release(*(app(name, folder) for name, folder in folders.items())).answer["failures"]
    closed, bare, empty = (failures[name] for name in APPS)
    assert "cannot read /opt/code-closed; let everybody, or the app's group, read" in closed
    assert "/opt/code-bare/.venv/bin/python cannot be run; source.in_place needs a virtualenv" in bare
    assert "install it there: /opt/code/.venv/bin/python -m pip install 'gunicorn==" in empty
    assert "there is no such folder on this host" in code.release(app(folder="/opt/nothing")).failure
    assert code.sh("ls -A /srv/flask/*/releases | grep -v :").split() == []


@pytest.mark.long
@pytest.mark.parametrize("server", [{"server": "mod_wsgi"}, {"server": "uwsgi", "uwsgi": {"package": "debian"}}], ids=["mod_wsgi", "uwsgi"])
def test_server_of_debian_does_not_run_another_python(code: Host, server: App) -> None:
    assert code.release({**app(), **server}).changed
    code.sh("""
        apt-get install --quiet --quiet --yes --no-install-recommends pypy3 pypy3-venv >/dev/null 2>&1
        rm -r /opt/code/.venv; pypy3 -m venv --without-pip /opt/code/.venv""")
    refused = code.release({**app(), **server}).failure
    assert "/opt/code/.venv has Python 3." in refused and "make the virtualenv with /usr/bin/python3" in refused
