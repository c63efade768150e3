# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How restic reaches repositories of rclone and over SSH."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import places


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "CONFIG", tmp_path / "etc")
    monkeypatch.setattr(places, "RCLONE", tmp_path / "state" / "rclone.conf")
    monkeypatch.setattr(places, "_HOME", tmp_path / "home" / "rclone.conf")
    (tmp_path / "etc").mkdir()
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.mark.parametrize("repository", ["/var/backups/flask", "s3:s3.example.com/bucket", "sftp:backup@example.com:/srv/web1", "rest:https://example.com/"])
def test_most_repositories_need_no_setup(repository: str) -> None:
    assert places.access(repository) == ({}, [])


@pytest.mark.parametrize(
    ("repository", "end"),
    [
        ("sftp:backup@example.com:/srv/web1", "backup@example.com -s sftp"),
        ("sftp://backup@example.com:2222//srv/web1", "-p 2222 backup@example.com -s sftp"),
        ("sftp://example.com/srv", "example.com -s sftp"),
    ],
)
def test_ssh_knows_the_server_and_has_the_key(folders: Path, repository: str, end: str) -> None:
    for name in ("known_hosts", "ssh_key"):
        (folders / "etc" / name).touch()
    known, key = folders / "etc/known_hosts", folders / "etc/ssh_key"
    options = f"-o BatchMode=yes -o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -i {key}"
    assert places.access(repository) == ({}, ["--option", f"sftp.command=ssh {options} {end}"])


SESSION = "Fatal: unable to open repository at sftp://x: unable to start the sftp session, error: unexpected EOF\n"


def test_ssh_tells_what_restic_did_not_wait_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    words = places.why_refused(f"sftp://127.0.0.1:{port}/srv", SESSION)
    assert words.startswith("ssh: ") and f"port {port}: Connection refused" in words
    assert places.why_refused(f"sftp://127.0.0.1:{port}/srv", SESSION + words) == ""


@pytest.mark.parametrize(("repository", "output"), [("/var/backups/flask", SESSION), ("sftp://127.0.0.1/srv", "Fatal: wrong password or no key found\n")])
def test_ssh_is_not_asked_for_other_failures(repository: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert places.why_refused("sftp://127.0.0.1/srv", SESSION) == "ssh is not installed on the host"
    assert places.why_refused(repository, output) == ""


def test_token_of_rclone_stays_until_its_configuration_changes(folders: Path) -> None:
    declared = folders / "etc/rclone.conf"
    (folders / "home/rclone.conf").write_text("root's own")
    (variables, options) = places.access("rclone:drive:web1")
    copy = Path(variables["RCLONE_CONFIG"])
    assert (copy.read_text(), options) == ("root's own", [])
    declared.write_text("declared")
    places.access("rclone:drive:web1")
    copy.write_text("declared, with a new token")
    places.access("rclone:drive:web1")
    assert copy.read_text() == "declared, with a new token"
    declared.write_text("declared again")
    places.access("rclone:drive:web1")
    assert copy.read_text() == "declared again" and copy.stat().st_mode & 0o777 == 0o600
