# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of a host where one app tries to read the files of another, and to spoil the backup of all apps."""

from __future__ import annotations

import json

import pytest

from .harness import App, Server

RUNS = 5
VICTIM = "/etc/flask/victim"
#: As the app's account, exchange directories with links to another app's files, as fast as possible.
FLIP = r"""
cat > /run/flip.py <<'END'
import ctypes, os, pwd, time
account = pwd.getpwnam("flask-probe")
os.setgroups([]); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
os.chdir("/var/lib/flask-probe")
targets = ["/etc/flask/victim", "/var/lib/flask-victim", "/etc/flask-backup", "/root"]
pairs = []
for number in range(60):
    folder, link = os.fsencode(f"flip/{number}"), os.fsencode(f"flip/link-{number}")
    os.makedirs(folder)
    for name in ("secret_key", "state", "password", "canary"):
        with open(os.path.join(folder, os.fsencode(name)), "w") as decoy:
            decoy.write("decoy")
    os.symlink(targets[number % len(targets)], link)
    pairs.append((folder, link))
exchange = ctypes.CDLL(None).renameat2
while True:
    time.sleep(0.0005)
    for folder, link in pairs:
        exchange(-100, folder, -100, link, 2)
END
rm -rf /var/lib/flask-probe/flip
systemd-run --quiet --collect --unit=flip python3 /run/flip.py
until test -d /var/lib/flask-probe/flip/59; do sleep 0.1; done"""
#: The same with files and named pipes. A backup that opens a pipe waits until somebody writes into it.
FLIP_PIPES = r"""
cat > /run/flip.py <<'END'
import ctypes, os, pwd, time
account = pwd.getpwnam("flask-probe")
os.setgroups([]); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
os.makedirs("/var/lib/flask-probe/flip")
os.chdir("/var/lib/flask-probe/flip")
pairs = []
for number in range(400):
    file, pipe = os.fsencode(f"file-{number}"), os.fsencode(f"pipe-{number}")
    open(file, "w").close()
    os.mkfifo(pipe)
    pairs.append((file, pipe))
exchange = ctypes.CDLL(None).renameat2
for _ in range(int(3e4)):
    for file, pipe in pairs:
        exchange(-100, file, -100, pipe, 2)
END
rm -rf /var/lib/flask-probe/flip
systemd-run --quiet --collect --unit=flip python3 /run/flip.py
until test -p /var/lib/flask-probe/flip/pipe-399 || test -p /var/lib/flask-probe/flip/file-399; do sleep 0.1; done"""
STILL = "systemctl kill --signal=KILL flip.service || true; rm -rf /var/lib/flask-probe/flip"
RESTIC = "restic --repo /var/backups/flask --password-file /etc/flask-backup/password --quiet"


def victim(server: Server) -> App:
    """Another app on the host, with a secret key and a file in its state."""
    return {**server.app, "name": "victim", "domains": ["victim.test"]}


def found_below_the_attacker(server: Server, secrets: list[str]) -> list[str]:
    """The files in all snapshots, below the attacker's folders, that contain somebody else's secret."""
    patterns = " ".join(f"-e {secret}" for secret in secrets)
    return server.host.sh(f"""
        rm -rf /run/looted; mkdir -m 0700 /run/looted
        for id in $({RESTIC} snapshots --json | python3 -c 'import json, sys; print(*(one["id"] for one in json.load(sys.stdin)))'); do
            {RESTIC} restore $id --target /run/looted/$id --include /var/lib/flask-probe >/dev/null 2>&1 || true
        done
        test -d /run/looted/*/var/lib/flask-probe || test "$(ls /run/looted | wc -l)" -gt 1
        grep -rlF {patterns} /run/looted || true
        rm -rf /run/looted""").splitlines()


@pytest.mark.long
def test_swapped_link_saves_no_file_of_another_app(server: Server) -> None:
    host = server.host
    server.others = [victim(server)]
    server.apply("site")
    host.sh("runuser -u flask-victim -- sh -c 'echo canary-of-the-victims-state > /var/lib/flask-victim/state'; echo canary-of-root > /root/canary")
    secrets = [host.sh(f"cat {VICTIM}/secret_key"), host.sh("cat /etc/flask-backup/password"), "canary-of-the-victims-state", "canary-of-root"]
    before = host.sh("systemctl start flask-backup.service; flask-backup snapshots").splitlines()
    host.sh(FLIP)
    try:
        for dummy in range(RUNS):
            host.sh("systemctl start flask-backup.service || true")
        host.sh("systemctl start flask-backup-verify.service || true")
        status = json.loads(host.sh("flask-backup status"))
        snapshots = host.sh("flask-backup snapshots").splitlines()
        assert found_below_the_attacker(server, secrets) == []
        # The attacker spoils only its own backup, and the run says so.
        assert all(" app-victim" in line for line in snapshots)
        assert status["run"]["ok"] is False and "app 'victim'" not in status["run"]["error"], status
        assert len(snapshots) < len(before) + RUNS, "old snapshots are dropped anyway"
        host.sh("flask-backup restore victim")
        host.sh("flask-backup restore probe || true")
        assert host.sh(f"cat {VICTIM}/secret_key") == secrets[0]
        assert host.sh("stat --format=%U /root/canary /etc/flask/victim /etc/flask-backup/password").split() == ["root"] * 3
    finally:
        host.sh(STILL)
    host.sh("systemctl start flask-backup.service flask-backup-verify.service")
    assert " app-probe" in host.sh("flask-backup snapshots").splitlines()[-1]


@pytest.mark.long
def test_pipe_in_place_of_a_file_blocks_no_backup(server: Server) -> None:
    host = server.host
    server.others = [victim(server)]
    server.begin("site")
    host.sh(FLIP_PIPES)
    try:
        for number in range(RUNS):
            # In the last run the pipes stay in place while restic waits.
            host.sh("systemctl start --no-block flask-backup.service; sleep 3" + ("; systemctl kill --signal=STOP flip.service" if number == RUNS - 1 else ""))
            server.wait(
                "! systemctl is-active --quiet flask-backup.service && test $(systemctl show -p ActiveState --value flask-backup.service) != activating", 120
            )
            assert " app-victim" in host.sh("flask-backup snapshots").splitlines()[-1]
    finally:
        host.sh(STILL)


#: The host itself as an SFTP server, and the role's variables for it.
SFTP = """
test -e /root/.ssh/offsite || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/offsite
grep -qf /root/.ssh/offsite.pub /root/.ssh/authorized_keys || cat /root/.ssh/offsite.pub >> /root/.ssh/authorized_keys
mkdir -p /srv/offsite /srv/sftp"""
#: By kind: the repository, and additional variables. Each is a command on the host that prints the value.
PLACES = {
    "rclone": ("rclone:offsite:/srv/offsite", {"backup_rclone_config": "printf '[offsite]\\ntype = local\\n'"}),
    "sftp": ("sftp:root@127.0.0.1:/srv/sftp", {"backup_known_hosts": "ssh-keyscan 127.0.0.1 2>/dev/null", "backup_ssh_key": "cat /root/.ssh/offsite"}),
}


@pytest.mark.parametrize("kind", PLACES)
def test_repository_elsewhere_is_reached_from_the_unit(server: Server, kind: str) -> None:
    host, (repository, commands) = server.host, PLACES[kind]
    host.sh(SFTP)
    given = {name: host.sh(command) for name, command in commands.items()}
    server.variables = {"backup_repository": repository, "backup_password": "of the drill", **given}
    server.apply("site")
    host.sh("runuser -u flask-probe -- sh -c 'echo kept > /var/lib/flask-probe/instance/kept'; systemctl start flask-backup.service")
    snapshots = host.sh("flask-backup snapshots")
    assert "probe" in snapshots, snapshots
    host.sh("runuser -u flask-probe -- rm /var/lib/flask-probe/instance/kept; flask-backup restore probe")
    assert host.sh("cat /var/lib/flask-probe/instance/kept") == "kept"
    assert server.apply("site").changed == 0
    server.reset()
    server.apply_twice("site")


def test_refused_ssh_connection_names_the_variable(server: Server) -> None:
    host = server.host
    host.sh(f"{SFTP}\nrm -f ~/.ssh/known_hosts; test -e ~/.ssh/other || ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/other")
    key, other, known = (host.sh(command) for command in ("cat ~/.ssh/offsite", "cat ~/.ssh/other", "ssh-keyscan 127.0.0.1 2>/dev/null"))
    server.variables = {"backup_repository": "sftp:root@127.0.0.1:/srv/sftp", "backup_password": "of the drill"}
    for given, name in (({"backup_ssh_key": key}, "backup_known_hosts"), ({"backup_ssh_key": other, "backup_known_hosts": known}, "backup_ssh_key")):
        run = host.play("site", "--tags", "host,backup", flask_apps=[server.app], **server.variables, **given)
        run.assert_says(name)
        assert "backup_password" not in run.failure
    server.reset()
    server.apply("site")
