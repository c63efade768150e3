# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers as users have them: other Ansible settings, vaulted values, a jump host, sudo with a password, ansible-pull."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import commands

from .harness import ROOT, Server

SETTINGS = {
    "hash_behaviour": {"ANSIBLE_HASH_BEHAVIOUR": "merge"},
    "strategy": {"ANSIBLE_STRATEGY": "free"},
    "fact_caching": {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_GATHERING": "smart", "ANSIBLE_CACHE_PLUGIN_TIMEOUT": "86400"},
}


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.provisioned("controllers", tmp_path_factory.mktemp("controllers")) as server:
        yield server


@pytest.fixture
def server(provisioned: Server) -> Server:
    provisioned.reset()
    return provisioned


def assert_deploys(server: Server, marker: str, *options: str) -> None:
    """A change goes live, and the run after it changes nothing."""
    server.app["env"]["PROBE_MARKER"] = marker
    assert server.apply("site", *options).changed > 0
    assert server.marker() == f"one.{marker}"
    assert server.apply("site", *options).changed == 0


@pytest.mark.long
@pytest.mark.parametrize("setting", SETTINGS)
def test_ansible_settings_do_not_change_the_result(setting: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path / "facts"))
    for name, value in SETTINGS[setting].items():
        monkeypatch.setenv(name, value)
    assert_deploys(server, setting)
    assert (tmp_path / "facts").exists() == (setting == "fact_caching")
    # The next run trusts nothing that a failed run leaves on the controller.
    server.replace("import hashlib", "import nowhere, hashlib")
    failed = server.play("deploy")
    assert failed.rc != 0 and "No module named 'nowhere'" in failed.output
    server.replace("import nowhere, hashlib", "import hashlib")
    server.app["env"]["PROBE_MARKER"] = f"{setting}.again"
    server.apply("deploy")
    assert server.marker() == f"one.{setting}.again"


def test_values_inside_flask_apps_may_be_vaulted(server: Server, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("canary-4711\n")
    vault: list[str | Path] = [Path(sys.executable).with_name("ansible-vault"), "encrypt_string", "--vault-password-file", password, "--name", "x", "hidden"]
    text = subprocess.run(vault, text=True, capture_output=True, check=True).stdout
    sealed = "\n".join(line.strip() for line in text.splitlines()[1:])
    server.app["env"]["PROBE_MARKER"] = "@sealed@"
    declared = json.dumps({"flask_apps": [server.app]}).replace('"@sealed@"', f"!vault {json.dumps(sealed)}")
    (tmp_path / "apps.yml").write_text(declared)
    run = server.apply("site", "-e", f"@{tmp_path / 'apps.yml'}", "--vault-password-file", str(password), "--diff")
    assert server.marker() == "one.hidden" and "hidden" not in run.output
    assert server.apply("site", "-e", f"@{tmp_path / 'apps.yml'}", "--vault-password-file", str(password)).changed == 0


def test_host_is_reached_through_another(server: Server) -> None:
    hop = "ssh -i {{ ansible_ssh_private_key_file }} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -W %h:%p root@{{ ansible_host }}"
    options = ("-e", json.dumps({"ansible_ssh_common_args": f'-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ProxyCommand="{hop}"'}))
    assert_deploys(server, "jumped", *options)


@pytest.mark.long
def test_sudo_may_ask_for_a_password(server: Server, tmp_path: Path) -> None:
    server.host.sh(
        "command -v sudo >/dev/null || apt-get -qq install -y --no-install-recommends sudo >/dev/null 2>&1; "
        "id ops >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ops; echo 'ops:canary-4711' | chpasswd; "
        "echo 'ops ALL=(ALL) ALL' > /etc/sudoers.d/ops; install -d -o ops -m 700 /home/ops/.ssh; "
        "install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/"
    )
    (tmp_path / "password").write_text("canary-4711\n")
    assert_deploys(server, "sudo", "-e", "ansible_user=ops", "--become-password-file", str(tmp_path / "password"))
    assert "canary-4711" not in server.host.sh("journalctl -q --no-pager")


@pytest.mark.long
def test_host_pulls_its_own_inventory(server: Server) -> None:
    host = server.host
    archive = subprocess.run(["git", "archive", "--format=tar", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    collection = "~/.ansible/collections/ansible_collections/flaskyard/server"
    host.sh(f"""
        apt-get -qq install -y --no-install-recommends git python3-venv >/dev/null 2>&1
        python3 -m venv /opt/ansible && /opt/ansible/bin/pip --quiet install ansible-core
        rm -rf {collection} ~/.ansible/pull; mkdir -p {collection}""")
    for content, folder in ((archive, collection), (_tar(server.source), "/srv/probe")):
        subprocess.run(["podman", "exec", "-i", host.container, "sh", "-c", f"mkdir -p {folder}; tar -xf - -C {folder}"], input=content, check=True)
    server.app |= {"source": {"path": "/srv/probe"}, "env": {**server.app["env"], "PROBE_MARKER": "pulled"}}
    host.sh(f"""
        rm -rf /srv/infrastructure; mkdir -p /srv/infrastructure/inventories/production/group_vars; cd /srv/infrastructure
        echo '- ansible.builtin.import_playbook: flaskyard.server.site' > site.yml
        echo 'flask: {{hosts: {{web1.example.com: {{ansible_connection: local}}}}}}' > inventories/production/hosts.yml
        cat > inventories/production/group_vars/flask.yml <<'END'
{json.dumps({"flask_apps": [server.app], "backup_host": "drills"})}
END
        git init -q -b main .; git add .; git -c user.name=ops -c user.email=ops@example.com commit -q -m 'The inventory'""")
    [command] = commands(ROOT / "docs/howto/automation.md", "ansible-pull")
    command = command.replace("https://git.example.com/infrastructure.git", "file:///srv/infrastructure")
    pull = f"cd; PATH=/opt/ansible/bin:$PATH ANSIBLE_NOCOLOR=1 {command} </dev/null 2>&1"
    first = host.sh(pull, check=False)
    assert server.marker() == "one.pulled", first[-4000:]
    assert "changed=0 " in host.sh(pull)


def _tar(folder: Path) -> bytes:
    return subprocess.run(["tar", "-C", str(folder), "-cf", "-", "."], capture_output=True, check=True).stdout
