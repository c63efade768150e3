# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where they belong: the most verbose run shows none, and the host hides them from everybody else."""

from __future__ import annotations

from pathlib import Path

from .canaries import Canaries, declared
from .harness import Server

#: Not a secret, and placed everywhere that is searched: a search that does not find it would find nothing.
CONTROL = "canary-control"

NO_REPOSITORY = "rm -rf /var/backups/flask /etc/flask-backup/password"

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

#: A repository that refuses everybody. If it did not answer, restic would retry for a quarter of an hour.
CLOSED_REPOSITORY = r"""
cat > /run/closed.py <<'END'
from http.server import BaseHTTPRequestHandler, HTTPServer
BaseHTTPRequestHandler.do_HEAD = BaseHTTPRequestHandler.do_GET = BaseHTTPRequestHandler.do_POST = lambda self: self.send_error(403)
HTTPServer(("127.0.0.1", 9), BaseHTTPRequestHandler).serve_forever()
END
systemd-run --quiet --collect --unit=closed python3 /run/closed.py"""


def test_secrets_do_not_leak(server: Server, tmp_path: Path) -> None:
    host = server.host
    canaries = Canaries.of(declared(), tmp_path)
    value = canaries.values()
    assert value.keys() == declared(), "what is declared secret has no canary here, or a canary is of nothing"
    host.sh(NO_REPOSITORY)  # an existing one opens only with its own password
    host.sh(WATCH)
    host.sh(f"bash -c 'sleep 1; : {CONTROL}'; logger {CONTROL}; echo {CONTROL} > /root/control; chmod 600 /root/control")

    server.app["env"] |= value["app.env"]
    server.app["files"] = [
        {"path": "shop.cfg", "variable": "SHOP_SETTINGS", "content": value["app.files.content"]},
        {"path": "keys/client.p12", "variable": "SHOP_CERTIFICATE", "content_base64": value["app.files.content_base64"]},
    ]
    server.app["access"] = [{"path": "/process", "users": value["app.access.users"]}]
    server.app["tls"] = {"issuer": "files", "certificate": canaries.certificate, "key": value["app.tls.key"]}
    command = {"name": "shop", "user": "root", "command": "echo dumped", "environment": value["backup_commands.environment"]}
    plain = ("backup_password", "backup_environment", "backup_rclone_config", "backup_ssh_key")
    server.variables |= {name: value[name] for name in plain} | {"backup_commands": [command]}
    said = [server.apply("site", "--diff", "--check", "-vvv").output, server.apply("site", "--diff", "-vvv").output]
    said += [server.apply("backup", "--diff", "-vvv").output]
    token = f"{canaries.texts['app.env']}-changed"
    server.app["env"]["API_TOKEN"] = token
    settings = f"password = {canaries.texts['app.files.content']}-changed\n\n"
    server.app["files"][0]["content"] = settings
    said += [server.apply("deploy", "--diff", "-vvv").output]
    environment = host.ask("/env").json
    assert environment["API_TOKEN"] == token, "it does reach the application"
    assert host.ask(f"/read?path={environment['SHOP_SETTINGS']}").json["text"] == settings, "and exactly so"
    assert host.sh(f"base64 --wrap=0 {environment['SHOP_CERTIFICATE']}") == value["app.files.content_base64"]
    assert host.sh(f"runuser -u www-data -- cat {environment['SHOP_SETTINGS']} 2>/dev/null || echo closed") == "closed", "the proxy cannot read it"
    host.sh(f"chmod 0444 {environment['SHOP_SETTINGS']}")
    said += [server.apply("deploy", "--diff", "-vvv").output]
    assert f"repaired: {environment['SHOP_SETTINGS']} was root:flask-probe 0444, not root:flask-probe 0440" in " ".join(said[-1].split())

    # Failures print the most.
    server.app["env"]["PROBE_HEALTH"] = "500"
    said += [server.play("deploy", "--diff", "-vvv").failure]
    server.app["env"].pop("PROBE_HEALTH")
    server.app["source"] = {"git": "ssh://git@127.0.0.1:22/no/such.git", "version": "main", "deploy_key": value["app.source.deploy_key"]}
    said += [server.play("deploy", "--diff", "-vvv").failure]
    server.app["source"] = {"path": str(server.source)}
    host.sh(CLOSED_REPOSITORY)
    server.variables["backup_repository"] = value["backup_repository"]
    said += [server.play("site", "--diff", "-vvv").failure]
    host.sh("systemctl stop closed")
    del server.variables["backup_repository"]
    server.others = [{**server.app, "name": "tenants", "domains": ["tenants.test", "*.tenants.test"], "tls": {"challenge": "dns"}}]
    dns = {"tls_dns_provider": "rfc2136", "tls_dns_credentials": value["tls_dns_credentials"], "tls_acme_directory": "https://127.0.0.1:9/"}
    server.variables |= dns
    said += [server.play("site", "--diff", "-vvv").failure]
    server.others = []
    server.variables |= {name: value[name] for name in value if name.startswith("python_")}
    (server.source / "uv.lock").unlink()
    (server.source / "pyproject.toml").unlink()
    (server.source / "requirements.txt").write_text("flask==3.1.2\n")
    said += [server.play("site", "--diff", "-vvv").failure]

    secret_key = host.sh("cat /etc/flask/probe/secret_key")
    assert len(secret_key) >= 64 and host.ask("/env").json["SECRET_KEY"] == secret_key
    secrets = (*canaries.texts.values(), secret_key)
    host.sh("umask 077; cat > /run/patterns <<'END'\n" + "\n".join([CONTROL, *secrets]) + "\nEND")
    holding = _holding(server)
    slot = server.serving().current
    files = f"/etc/flask/probe/slots/{slot}/files"
    for path in holding:
        wanted = {"/etc/nginx/flask-users": "root www-data 640", files: "root flask-probe 440", f"{files}/keys": "root flask-probe 440"}
        assert host.sh(f"stat -c '%U %G %a' {path}") == wanted.get(path.rpartition("/")[0], "root root 600"), path
    # Each secret is only in the file that its service reads.
    allowed = {"/root/control", "/etc/flask/probe/secret_key", f"/etc/flask/probe/slots/{slot}/env", "/etc/flaskyard/python.env"}
    allowed |= {
        f"{files}/shop.cfg",
        f"{files}/keys/client.p12",
        "/etc/nginx/flask-users/probe-0",
        "/etc/flask-backup/secrets.toml",
        "/etc/flask-backup/password",
        "/etc/flask-backup/rclone.conf",
        "/etc/flask-backup/ssh_key",
        "/etc/flask-tls/dns-rfc2136.ini",
    }
    assert "/root/control" in holding and {path for path in holding if not path.startswith("/etc/flask-tls/files/probe/")} <= allowed

    # Values that are no longer declared are still secret.
    server.reset()
    server.variables["backup_enabled"] = False
    said += [server.apply("site", "--diff", "--check", "-vvv").output, server.apply("site", "--diff", "-vvv").output]
    assert _holding(server) <= {"/root/control", "/etc/flask/probe/secret_key", f"/etc/flask/probe/slots/{server.serving().current}/env"}
    for number, text in enumerate(said):
        for secret in secrets:
            assert secret not in text, f"run {number} shows it: …{text[max(0, text.find(secret) - 300) : text.find(secret)]}"

    host.sh("systemctl stop watch")
    seen = set(host.sh("sort -u /run/watch.found").splitlines())
    assert seen and all(CONTROL in line for line in seen), seen
    logged = host.sh("journalctl --no-pager -o cat --all | grep -a -F -f /run/patterns").splitlines()
    assert logged and all(CONTROL in line for line in logged), logged
    for folder in (Path("~/.ansible/tmp").expanduser(), Path("/tmp")):
        for file in folder.glob("**/ansible-*/**/*"):
            assert not (file.is_file() and any(secret.encode() in file.read_bytes() for secret in secrets)), file
    host.sh(NO_REPOSITORY)
    server.reset()
    server.apply("site")


def _holding(server: Server) -> set[str]:
    """The files on the host that contain a secret."""
    search = "grep -r -l -F -f /run/patterns /etc /var /srv /opt /root /home /tmp /run --devices=skip --exclude-dir=journal --exclude=patterns"
    return set(server.host.sh(f"{search} --exclude='watch.*' 2>/dev/null").split())
