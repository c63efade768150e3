# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where they belong: a run that says all it can say gives none away, and the host keeps them from everybody else."""

from __future__ import annotations

from pathlib import Path

from .harness import Server

ENVIRONMENT = "canary-4f1d-environment"
KEY = "canary-9b3c-deploy-key"
INDEX = "canary-77e0-index"
#: No secret, and left everywhere that is searched: what does not find this one finds nothing.
CONTROL = "canary-control"

#: Watches the command lines of all processes of a host, and keeps those that hold a canary.
WATCH = r"""
cat > /run/watch.py <<'END'
import glob, time
while True:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = open(path, "rb").read()
        except OSError:
            continue
        if b"canary-" in line and b"watch.py" not in line:
            open("/run/watch.found", "ab").write(line.replace(b"\0", b" ") + b"\n")
    time.sleep(0.01)
END
touch /run/watch.found
systemd-run --quiet --collect --unit=watch python3 /run/watch.py"""


def test_nothing_gives_a_secret_away(server: Server) -> None:
    host = server.host
    host.sh(WATCH)
    host.sh(f"bash -c 'sleep 1; : {CONTROL}'; logger {CONTROL}; echo {CONTROL} > /root/control; chmod 600 /root/control")
    server.app["env"] |= {"API_TOKEN": ENVIRONMENT, "MULTI_LINE": f"first\n{ENVIRONMENT}-second\n"}
    server.app["tls"] = {"issuer": "selfsigned"}
    said = [server.apply("site", "--diff", "--check", "-vvv").output, server.apply("site", "--diff", "-vvv").output]
    server.app["env"]["API_TOKEN"] = f"{ENVIRONMENT}-changed"
    said += [server.apply("deploy", "--diff", "-vvv").output]
    assert host.ask("/env").json["API_TOKEN"] == f"{ENVIRONMENT}-changed", "it does reach the application"

    # What fails talks most.
    server.app["env"]["PROBE_HEALTH"] = "500"
    said += [server.play("deploy", "--diff", "-vvv").failure]
    server.app["env"].pop("PROBE_HEALTH")
    key = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY}\n-----END OPENSSH PRIVATE KEY-----\n"
    server.app["source"] = {"git": "ssh://git@127.0.0.1:22/no/such.git", "version": "main", "deploy_key": key}
    said += [server.play("deploy", "--diff", "-vvv").failure]
    server.app["source"] = {"path": str(server.source)}
    server.variables["python_index_url"] = f"http://user:{INDEX}@127.0.0.1:9/simple"
    (server.source / "uv.lock").unlink()
    (server.source / "pyproject.toml").unlink()
    (server.source / "requirements.txt").write_text("flask==3.1.2\n")
    said += [server.play("site", "--diff", "-vvv").failure]

    secret_key = host.sh("cat /etc/flask/probe/secret_key")
    assert len(secret_key) >= 64 and host.ask("/env").json["SECRET_KEY"] == secret_key
    secrets = (ENVIRONMENT, KEY, INDEX, secret_key)
    for number, text in enumerate(said):
        for secret in secrets:
            assert secret not in text, f"run {number} shows it: …{text[max(0, text.find(secret) - 300) : text.find(secret)]}"

    host.sh("systemctl stop watch")
    seen = set(host.sh("sort -u /run/watch.found").splitlines())
    assert seen and all(CONTROL in line for line in seen), seen
    patterns = "\n".join([CONTROL, *secrets])
    host.sh(f"umask 077; cat > /run/patterns <<'END'\n{patterns}\nEND")
    logged = host.sh("journalctl --no-pager -o cat --all | grep -a -F -f /run/patterns").splitlines()
    assert logged and all(CONTROL in line for line in logged), logged
    search = "grep -r -l -F -f /run/patterns /etc /var /srv /opt /root /home /tmp /run --devices=skip --exclude-dir=journal --exclude=patterns"
    holding = set(host.sh(f"{search} --exclude='watch.*' 2>/dev/null").split())
    slot = server.serving().current
    allowed = {"/root/control", "/etc/flask/probe/secret_key", f"/etc/flask/probe/slots/{slot}/env", "/etc/flaskyard/python.env"}
    assert holding <= allowed and "/root/control" in holding
    for path in holding:
        assert host.sh(f"stat -c '%U %a' {path}") == "root 600", path
    for folder in (Path("~/.ansible/tmp").expanduser(), Path("/tmp")):
        for file in folder.glob("**/ansible-*/**/*"):
            assert not (file.is_file() and any(secret.encode() in file.read_bytes() for secret in secrets)), file

    server.reset()
    server.apply("site")
