# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role app: two accounts that cannot write what the other runs, and a release that works."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

ROOT = "/srv/flask/probe"


@pytest.fixture
def release(host: Host) -> str:
    """The directory of the newest release."""
    with host.sudo():
        return f"{ROOT}/releases/{host.check_output(f'ls -t {ROOT}/releases').split()[0]}"


@pytest.mark.parametrize("name", ["flask-probe", "flask-probe-b"])
def test_accounts_cannot_log_in(host: Host, name: str) -> None:
    with host.sudo():
        user = host.user(name)
        assert user.shell == "/usr/sbin/nologin"
        assert user.password in ("!", "!*", "*")
        assert 0 < user.uid < 1000


def test_release_runs_as_the_service_account(host: Host, release: str) -> None:
    code = "import probe, flask; print(probe.MARKER, flask.__file__)"
    with host.sudo():
        said = host.check_output(f"cd {release} && runuser -u flask-probe -- .venv/bin/python -c '{code}'")
    assert said.startswith(f"one {release}/.venv/lib/python3.")


def test_virtualenv_matches_the_lock_file(host: Host, release: str) -> None:
    code = 'import importlib.metadata as m; print(m.version("flask"), m.version("gunicorn"))'
    with host.sudo():
        flask, gunicorn = host.check_output(f"{release}/.venv/bin/python -c '{code}'").split()
        assert f'name = "flask"\nversion = "{flask}"' in host.file(f"{release}/uv.lock").content_string
    assert gunicorn == "27.0.1"


def test_service_account_cannot_write_its_code(host: Host, release: str) -> None:
    with host.sudo():
        assert host.check_output(f"runuser -u flask-probe -- find -L {ROOT} -writable -print 2>/dev/null || true") == ""


def test_other_accounts_cannot_read_the_release(host: Host) -> None:
    with host.sudo():
        assert host.run(f"runuser -u nobody -- ls {ROOT}").rc != 0
        assert host.run(f"runuser -u www-data -- cat {ROOT}/current/probe.py").rc != 0
        assert host.run(f"runuser -u flask-probe -- ls {ROOT}/cache").rc != 0


def test_only_root_can_change_the_record_of_a_release(host: Host, release: str) -> None:
    with host.sudo():
        path = f"/var/lib/flaskyard/apps/probe/releases/{release.rpartition('/')[2]}.json"
        record = host.file(path)
        assert (record.user, oct(record.mode)) == ("root", "0o600")
        assert json.loads(record.content_string)["status"] == "built"
