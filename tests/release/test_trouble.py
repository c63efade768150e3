# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed runs, concurrent runs, a full disk, and builds that misbehave."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import time
import typing as t
from pathlib import Path

import pytest

from .conftest import App, Host

UNITS = "systemctl list-units --plain --no-legend --state=active 'flaskyard-release-*'"


def slow(source: Path, seconds: int = 600) -> App:
    """An app whose build takes long enough to be interrupted."""
    return {"name": "shop", "source": {"path": str(source)}, "build_command": f"touch started; test -e /srv/quick || sleep {seconds}"}


def wait_for_build(host: Host) -> None:
    host.sh("for i in $(seq 300); do ls /srv/flask/shop/releases/*/started >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1")


def second(host: Host, tmp_path: Path) -> Host:
    """The same host for a run at the same time."""
    scratch = tmp_path / "second"
    scratch.mkdir()
    return dataclasses.replace(host, scratch=scratch)


def test_killed_run_is_finished_by_the_next(fresh: Host, source: Path, tmp_path: Path) -> None:
    fresh.sh("rm -f /srv/quick")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        killed = pool.submit(fresh.release, slow(source))
        wait_for_build(fresh)
        # Only the module is killed. Its transient unit keeps running.
        fresh.sh("for fd in /proc/[0-9]*/fd/*; do case $(readlink $fd) in */apps/shop/lock) fd=${fd#/proc/}; kill -9 ${fd%%/*};; esac; done")
        assert killed.exception(timeout=60) or killed.result().answer["failed"]
    assert "flaskyard-release-shop:" in fresh.sh(UNITS)
    fresh.sh("touch /srv/quick")
    started = time.monotonic()
    again = second(fresh, tmp_path).release(slow(source))
    assert again.changed and time.monotonic() - started < 60
    assert fresh.sh(UNITS) == ""
    assert not fresh.release(slow(source)).changed


@pytest.mark.long
def test_second_run_at_once_is_refused(fresh: Host, source: Path, tmp_path: Path) -> None:
    fresh.sh("rm -f /srv/quick")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(fresh.release, slow(source, seconds=45))
        wait_for_build(fresh)
        assert "another run is at work here" in second(fresh, tmp_path).release(slow(source, seconds=45)).failure
        assert first.result().changed


def test_build_that_takes_too_long_is_stopped(fresh: Host, source: Path) -> None:
    fresh.sh("rm -f /srv/quick")
    failure = fresh.release(slow(source), build_timeout_seconds=5).failure
    assert "did not end within 5 s" in failure and "build_timeout_seconds" in failure
    assert fresh.sh("ls -A /srv/flask/shop/releases; pgrep -u flask-shop-b || true") == ""


def test_full_disk_is_reported_and_recovers(fresh: Host, source: Path) -> None:
    fresh.sh("mount -t tmpfs -o size=600k,mode=0755 none /srv/flask/shop/venvs")
    try:
        failure = fresh.release({"name": "shop", "source": {"path": str(source)}}).failure
        assert "the disk is full" in failure, failure
    finally:
        fresh.sh("umount /srv/flask/shop/venvs")
    assert fresh.release({"name": "shop", "source": {"path": str(source)}}).changed


def test_lost_virtualenv_is_made_again_beside_the_old_release(fresh: Host, source: Path) -> None:
    app = {"name": "shop", "source": {"path": str(source)}}
    release = fresh.release(app).release
    fresh.sh('rm -rf "$1"', release["venv"])
    again = fresh.release(app)
    assert again.changed and again.release["source"] == release["source"] and again.release["id"] != release["id"]
    assert fresh.exists(f"{again.release['venv']}/bin/gunicorn")
    after = fresh.release(app)
    assert not after.changed and after.release == again.release


def test_build_can_write_only_its_own(fresh: Host, source: Path) -> None:
    other = fresh.release({"name": "shop", "source": {"path": str(source)}}).release
    fresh.sh("echo canary > /var/lib/flaskyard/canary; mkdir -p /etc/flask/blog")
    attempts = [
        f"{other['dir']}/app.py",
        f"{other['venv']}/x",
        "/srv/flask/shop/releases/x",
        "/srv/flask/shop/source/x",
        "/var/lib/flask-shop/x",
        "/etc/x",
        "/run/x",
        "/var/tmp/../lib/x",
    ]
    script = "; ".join(f"if echo x 2>/dev/null > {path}; then echo wrote {path} >> result; fi" for path in attempts)
    for path in ("/root/.ssh", "/home/admin", "/var/lib/flaskyard", "/etc/flask/blog"):
        script += f"; if ls {path}/ >/dev/null 2>&1; then echo saw {path} >> result; fi"
    script += "; id -un > who; grep -E '^(NoNewPrivs|CapBnd)' /proc/self/status | tr '\\n' ' ' >> who"
    release = fresh.release({"name": "shop", "source": {"path": str(source)}, "build_command": script}).release
    assert fresh.sh('cat "$1/result" 2>/dev/null || true', release["dir"]) == ""
    assert fresh.sh('cat "$1/who"', release["dir"]).split() == ["flask-shop-b", "CapBnd:", "0000000000000000", "NoNewPrivs:", "1"]


def test_root_follows_no_links(fresh: Host, source: Path) -> None:
    """A build leaves links to other places, and the next removal follows none of them."""
    fresh.sh("mkdir -p /srv/canary; echo canary > /srv/canary/file")
    app = {"name": "shop", "source": {"path": str(source)}, "build_command": "ln -s /srv/canary out; mkdir deep; ln -s /srv/canary deep/out; exit 1"}
    assert "build_command" in fresh.release(app).failure
    assert fresh.sh("cat /srv/canary/file; ls -A /srv/flask/shop/releases") == "canary\n"


def test_index_credentials_are_never_shown(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("no-such-package-of-flaskyard\n")
    options: dict[str, t.Any] = {"index_url": "http://user:sesame-index@localhost:9/simple", "extra_index_urls": ["http://sesame-token@localhost:9/more"]}
    options["insecure_index"] = True
    options["environment"] = {"ALL_PROXY": "http://user:sesame-proxy@localhost:9"}
    for installer in ("uv", "pip"):
        app = {"name": "shop", "source": {"path": str(source)}, "installer": installer, "build_command": "env", "env": {"KEY": "sesame-env"}}
        result = fresh.release(app, play=("-vvv", "--diff"), **options)
        assert result.answer["failed"] and "sesame" not in result.printed
        assert "sesame" not in json.dumps(result.answer)
    assert "sesame" not in fresh.sh("journalctl -q --no-pager")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_environment_reaches_the_build_exactly(fresh: Host, source: Path, installer: str) -> None:
    value = "a 'b' \"c\" $HOME %n \\ # é\nsecond line"
    app = {"name": "shop", "source": {"path": str(source)}, "installer": installer, "build_command": 'printf %s "$ODD" > odd'}
    release = fresh.release(app, environment={"ODD": value}).release
    assert fresh.sh('cat "$1/odd"', release["dir"]) == value
