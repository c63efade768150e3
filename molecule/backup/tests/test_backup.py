# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role backup: restore, verification of damaged repositories, and apps that try to misuse the backup."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound
from tests.hosts.playbook import PROJECT, Outcome, run_playbook

CONVERGE = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "converge.yml")
STATE = "/var/lib/flask-guestbook"
DATABASE = f"{STATE}/instance/guestbook.sqlite3"
UNITS = ("flask-backup.service", "flask-backup-verify.service")


@dataclass
class Server:
    """A host with its guestbook and its backups."""

    host: Host
    name: str

    def run(self, command: str) -> str:
        """Run a command as root."""
        with self.host.sudo():
            return str(self.host.check_output(command))

    def as_app(self, script: str) -> str:
        """Run a script as the app's account, in its state directory."""
        return self.run(f"cd {STATE} && runuser -u flask-guestbook -- sh -euc {shlex.quote(script)}")

    def query(self, statement: str) -> str:
        """Run a statement on the guestbook's database, as the app does."""
        program = f"import sqlite3; c = sqlite3.connect('{DATABASE}', 10); print(c.execute({statement!r}).fetchall()); c.commit()"
        return self.as_app(f"python3 -c {shlex.quote(program)}")

    def start(self, unit: str) -> tuple[bool, str]:
        """Start a unit, wait for its end; whether it succeeded, and its journal."""
        with self.host.sudo():
            done = self.host.run(f"systemctl start {unit}")
            invocation = self.host.check_output(f"systemctl show --value --property=InvocationID {unit}")
            said = self.host.check_output(f"journalctl --sync; journalctl --output=cat _SYSTEMD_INVOCATION_ID={invocation}")
        return done.rc == 0, said

    def status(self) -> dict[str, Any]:
        """What flask-backup noted."""
        noted: dict[str, Any] = json.loads(self.run("flask-backup status"))
        return noted

    def fingerprint(self) -> str:
        """Names, owners, modes and contents below the state directory, without the database that the app works on."""
        return self.run(
            f"cd {STATE} && find . ! -path './instance/*' ! -type d -printf '%p %u %g %m %l\\n' | sort; "
            "find . ! -path './instance/*' -type f -exec sha256sum {} + | sort"
        )

    def healthy(self) -> bool:
        """Whether the app answers."""
        script = (
            "import http.client, socket; c = http.client.HTTPConnection('x'); c.sock = socket.socket(socket.AF_UNIX); "
            "c.sock.connect('/run/flask-guestbook/current.sock'); c.request('GET', '/healthz'); print(c.getresponse().status)"
        )
        return self.run(f"python3 -c {shlex.quote(script)}").strip() == "200"

    def converge(self, **variables: Any) -> Outcome:
        """Run the role with other variables."""
        return run_playbook(CONVERGE, self.name, tags="backup", **variables)

    def playbook(self, verb: str, **variables: Any) -> Outcome:
        """Run one of the collection's playbooks."""
        return run_playbook(PROJECT / "playbooks" / f"{verb}.yml", self.name, **variables)


@pytest.fixture
def server(host: Host, name: str) -> Server:
    """The host."""
    return Server(host, name)


@pytest.fixture
def filled(server: Server) -> Server:
    """The host, its guestbook with an entry and a picture, saved in a snapshot."""
    server.query("DELETE FROM entry")
    server.query("INSERT INTO entry (name, message) VALUES ('Ada', 'saved')")
    server.as_app("mkdir -p uploads/sub && head -c 300000 /dev/urandom > uploads/sub/picture.png && chmod 640 uploads/sub/picture.png")
    ok, said = server.start("flask-backup.service")
    assert ok, said
    return server


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_sandboxed_and_has_low_priority(unit: str, host: Host, unit_property: Callable[[str, str], str], exposure: Callable[[str], float]) -> None:
    with host.sudo():
        assert exposure(unit) <= bound(unit)
    assert unit_property(unit, "IOSchedulingClass") == "3"
    assert unit_property(unit, "OnFailure") == f"flask-backup-failed@{unit.removesuffix('.service')}.service"
    timer = host.service(unit.replace(".service", ".timer"))
    assert timer.is_running and timer.is_enabled
    assert unit_property(unit.replace(".service", ".timer"), "Persistent") == "yes"


def test_password_is_long_and_readable_only_by_root(server: Server, host: Host) -> None:
    with host.sudo():
        password = host.file("/etc/flask-backup/password")
        assert (password.user, oct(password.mode)) == ("root", "0o600")
        assert re.fullmatch("[0-9a-f]{64}", password.content_string.strip()), "256 bits"
        assert oct(host.file("/var/backups/flask").mode) == "0o700"
    for secret in (password.content_string.strip(), "canary-90d1f6c4"):
        found = server.run(f"journalctl --output=cat | grep -v COMMAND= | grep -cF {secret} || true; grep -rlF {secret} /etc /run /var/lib /usr/local || true")
        assert found.splitlines()[0] == "0"
        assert [line for line in found.splitlines()[1:] if not line.startswith(("/etc/flask-backup/", "/var/lib/flaskyard/"))] == []


def test_restore_brings_back_a_destroyed_app(filled: Server) -> None:
    before = filled.fingerprint()
    filled.query("INSERT INTO entry (name, message) VALUES ('Eve', 'after the backup')")
    filled.run(f"rm -rf {STATE}/uploads {DATABASE}")
    outcome = filled.playbook("restore", app="guestbook")
    assert outcome.ok, outcome.text
    assert filled.fingerprint() == before
    assert filled.query("SELECT name, message FROM entry") == "[('Ada', 'saved')]"
    assert filled.query("PRAGMA integrity_check") == "[('ok',)]"
    assert filled.healthy()
    assert filled.run("ls /var/lib/flask-backup") == "lock\nstatus.json"


def test_restore_brings_back_a_deleted_state_directory(filled: Server) -> None:
    before = filled.fingerprint()
    filled.run(f"systemctl stop 'flask-guestbook@*.socket' 'flask-guestbook@*.service' && rm -rf {STATE}")
    outcome = filled.playbook("restore", app="guestbook")
    assert outcome.ok, outcome.text
    assert filled.fingerprint() == before
    assert filled.healthy()


def test_snapshot_that_breaks_the_app_is_undone(filled: Server) -> None:
    good = filled.status()["run"]["snapshot"]
    filled.as_app("mv instance/guestbook.sqlite3 instance/kept && printf 'no database' > instance/guestbook.sqlite3 && rm -f instance/*-wal instance/*-shm")
    assert filled.start("flask-backup.service")[0]
    filled.as_app("mv instance/kept instance/guestbook.sqlite3; touch uploads/newer")
    outcome = filled.playbook("restore", app="guestbook")
    assert not outcome.ok and "The state that was there is back" in outcome.text
    assert filled.as_app("ls uploads") == "newer\nsub"
    assert filled.healthy()
    assert filled.playbook("restore", app="guestbook", snapshot=good[:8]).ok
    assert filled.as_app("ls uploads") == "sub"


def test_impossible_restore_says_why(server: Server) -> None:
    for variables, words in (({"app": "guestbok"}, "the apps are guestbook"), ({"app": "guestbook", "snapshot": "ffffffff"}, "no matching ID")):
        outcome = server.playbook("restore", **variables)
        assert not outcome.ok and words in outcome.text
    assert server.healthy()


def test_verification_restores_the_newest_snapshot(filled: Server) -> None:
    ok, said = filled.start("flask-backup-verify.service")
    assert ok, said
    assert filled.status()["verify"]["ok"] and filled.status()["verify"]["files_compared"] >= 3
    assert "all dumps are sound" in said


def test_flipped_bit_is_found_and_reported(filled: Server) -> None:
    script = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(999); b = f.read(1)[0]; f.seek(999); f.write(bytes([b ^ 1]))"
    pack = filled.run("find /var/backups/flask/data -type f -size +200k -printf '%T@ %p\\n' | sort -n | tail -1").split()[1]
    flip = f"chmod u+w {pack}; python3 -c {shlex.quote(script)} {pack}"
    filled.run(flip)
    ok, said = filled.start("flask-backup-verify.service")
    assert not ok and "restic" in said
    assert not filled.status()["verify"]["ok"]
    assert "flask-backup-verify has FAILED" in filled.run("sleep 1; cat /run/motd.d/flask-backup-verify")
    filled.run(flip)
    assert filled.start("flask-backup-verify.service")[0]
    assert filled.run("ls /run/motd.d") == ""


def test_files_planted_by_an_app_do_no_harm(filled: Server) -> None:
    victims = "/root/canary /etc/shadow /etc/flask/guestbook/secret_key"
    filled.run("echo mine > /root/canary && chmod 600 /root/canary")
    before = filled.run(f"stat -c '%U %a %Y' {victims}; sha256sum {victims}")
    filled.as_app(
        "ln -s /root uploads/root; ln -s /root/canary uploads/canary.sqlite3; ln -s /etc/shadow instance/shadow; mkfifo uploads/pipe.db;"
        "printf 'SQLite format 3\\0 rubbish' > uploads/rubbish.db; mkdir -p 'uploads/odd\nname'; touch 'uploads/odd\nname/*?[x]\\'"
    )
    planted = filled.fingerprint()
    ok, said = filled.start("flask-backup.service")
    assert ok and "rubbish.db" in said, said
    assert filled.start("flask-backup-verify.service")[0]
    outcome = filled.playbook("restore", app="guestbook")
    assert outcome.ok, outcome.text
    assert filled.fingerprint() == planted
    assert filled.run(f"stat -c '%U %a %Y' {victims}; sha256sum {victims}") == before
    assert filled.run(f"find {STATE} ! -user flask-guestbook") == ""
    filled.as_app("rm -r uploads/* instance/shadow")


def test_failing_dump_fails_the_backup_after_saving_the_rest(server: Server) -> None:
    commands = [
        {"name": "empty", "user": "nobody", "command": "true"},
        {"name": "failing", "user": "nobody", "command": "sh -c 'echo half; echo no server >&2; exit 3'"},
    ]
    assert server.converge(backup_commands=commands, backup_paths=["/srv/missing"]).ok
    outcome = server.playbook("backup")
    assert not outcome.ok
    for words in ("command 'empty': it succeeded and printed nothing", "command 'failing': no server", "/srv/missing of backup_paths is not there"):
        assert words in outcome.text
    assert "flask-backup has FAILED" in server.run("sleep 1; cat /run/motd.d/flask-backup")
    assert server.run("flask-backup snapshots | tail -1").endswith("  app-guestbook"), "the app was saved completely anyway"
    assert server.converge().changed
    assert server.playbook("backup").ok


def test_wrong_password_changes_nothing(server: Server) -> None:
    before = server.run("sha256sum /etc/flask-backup/*")
    outcome = server.converge(backup_password="another")
    assert not outcome.ok and "give the right one as backup_password" in outcome.text
    assert server.run("sha256sum /etc/flask-backup/*") == before


def test_removal_keeps_the_repository_and_its_password(server: Server) -> None:
    assert server.converge(backup_enabled=False).changed
    assert server.run("find /etc /usr/local -name '*flask-backup*'") == "/etc/flask-backup"
    assert server.run("ls /etc/flask-backup") == "password"
    assert not server.converge(backup_enabled=False).changed
    assert server.converge().changed
    assert server.start("flask-backup.service")[0]
