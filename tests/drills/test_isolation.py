# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A compromised application: root follows no path that it can write."""

from __future__ import annotations

import pytest

from .harness import Server

CANARIES = """
rm -rf /root/canary && mkdir -p /root/canary/folder && cd /root/canary
echo untouched | tee file folder/file > /dev/null; chmod 600 file folder/file; chmod 700 . folder"""
FINGERPRINT = "cd /root/canary && find . -printf '%p %y %U:%G %m %s %T@ %C@\\n' | sort; find . -type f -exec sha256sum {} + | sort"

#: In every directory of the accounts, replace each entry by a link to a canary, and add two new ones.
ATTACK = """
cat > /run/attack.py <<'END'
import os, pwd, shutil, sys
account = pwd.getpwnam(sys.argv[1])
os.initgroups(account.pw_name, account.pw_gid); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
for top in ["/srv/flask", "/var/lib", "/var/cache", "/run", "/etc/flask", "/tmp", "/var/tmp"]:
    for folder, folders, files in os.walk(top, topdown=False):
        if os.path.basename(folder).startswith("systemd-private") or not os.access(folder, os.W_OK):
            continue
        # What is current is left whole: an application that does not run attacks nobody.
        keep = folder.startswith(("/srv/flask/probe/releases", "/srv/flask/probe/venvs"))
        for name in ([] if keep or folder in ("/tmp", "/var/tmp", "/run", "/run/lock") else [*folders, *files]):
            path = os.path.join(folder, name)
            try:
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
                os.symlink("/root/canary/folder" if name in folders else "/root/canary/file", path)
            except OSError:
                continue
            print(path)
        for name in ("file", "folder"):
            path = os.path.join(folder, f"new-{name}")
            if not os.path.lexists(path):
                os.symlink(f"/root/canary/{name}", path)
                print(path)
END
python3 /run/attack.py """

BUILD = "ln -s /root/canary/file planted; ln -s /root/canary/folder built; rm -rf instance; ln -s /root/canary/folder instance"

#: Every path that root writes or executes for the app, with all parent folders.
WALK = """
cat > /run/walk.py <<'END'
import glob, json, os, stat
paths = {"/srv/flask/probe/releases", "/srv/flask/probe/venvs", "/srv/flask/probe/current", "/etc/flask/probe/secret_key", "/run/flask-probe/current.sock"}
for manifest in glob.glob("/var/lib/flaskyard/filesets/*/manifest.json"):
    paths |= set(json.load(open(manifest))["marks"])
for top in ("/etc/flask", "/var/lib/flaskyard", "/opt/flaskyard", "/etc/flask-tls"):
    for folder, folders, files in os.walk(top):
        paths |= {os.path.join(folder, name) for name in [*folders, *files]}
paths |= set(glob.glob("/etc/systemd/system/**", recursive=True))
seen = set()
for path in paths:
    while path not in seen:
        seen.add(path)
        status = os.lstat(path) if os.path.lexists(path) else None
        if status and not stat.S_ISLNK(status.st_mode) and (status.st_uid != 0 or status.st_mode & 0o022):
            print(oct(status.st_mode), status.st_uid, path)
        path = os.path.dirname(path)
assert len(seen) > 100, len(seen)
END
python3 /run/walk.py"""


@pytest.mark.long
def test_planted_links_lead_root_nowhere(server: Server) -> None:
    host = server.host
    server.app |= {"keep_releases": 2, "persist": ["data/uploads"]}
    server.apply("site")
    host.sh(CANARIES)
    before = host.sh(FINGERPRINT)
    try:
        for number, account in enumerate(("flask-probe", "flask-probe-b")):
            planted = host.sh(f"{ATTACK} {account}").splitlines()
            print(account, "planted", len(planted), "links, such as", *planted[:3])
            assert len(planted) > 4, "there was nothing to attack"
            # These may fail. The point is that root is not led astray by them, or by systemd as after a crash.
            host.sh("systemctl restart 'flask-probe@*.service' || true")
            server.app["env"]["PROBE_MARKER"] = account
            server.replace("MARKER = ", f"MARKER{number} = MARKER = ")
            server.app["build_command"] = BUILD
            runs = [server.play()]
            server.app.pop("build_command")
            runs += [server.play("site"), server.play("backup")]
            print([run.rc for run in runs], *[run.failure[:800] for run in runs if run.rc])
            assert host.sh(FINGERPRINT) == before, account
    finally:
        host.sh("rm -rf /srv/flask/probe/source/* /srv/flask/probe/cache/* /var/lib/flask-probe/* /var/cache/flask-probe/*")
    server.apply_twice("site")
    assert host.sh(FINGERPRINT) == before


def test_all_parts_of_root_paths_belong_to_root(server: Server) -> None:
    server.begin("site")
    assert server.host.sh(WALK) == ""
    assert "/etc/flask/probe/slots" in server.host.sh(f"chmod g+w /etc/flask/probe/slots; {WALK}; chmod g-w /etc/flask/probe/slots")


def test_accounts_can_write_only_their_own_files(server: Server) -> None:
    find = "find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*' -not -path '/run/lock*' -writable -not -type l 2>/dev/null || true"
    allowed = {
        "flask-probe": ("/var/lib/flask-probe", "/var/cache/flask-probe"),
        "flask-probe-b": ("/srv/flask/probe/releases/", "/srv/flask/probe/venvs/", "/srv/flask/probe/cache", "/srv/flask/probe/source"),
    }
    for account, places in allowed.items():
        found = server.host.sh(f"runuser -u {account} -- {find}").split("\n")
        assert any(path.startswith(places) for path in found)
        assert [path for path in found if not path.startswith((*places, "/tmp", "/var/tmp"))] == [], account
