# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment of `docs/examples`, built, and used by ansible-navigator to set up a host."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from .conftest import HOSTS, ROOT, Run

PREFIX, IMAGE = "flaskyard-test-ee", "localhost/flaskyard-test-ee"
TOOLS = ROOT / ".cache/tools/bin"


def _image(host: str) -> str:
    inspected = subprocess.run(["podman", "inspect", "--format", "{{.ImageName}}", host], text=True, capture_output=True, check=True)
    return inspected.stdout.strip()


@pytest.mark.long
@pytest.mark.xdist_group("installed")
def test_navigator_sets_up_a_host_from_an_execution_environment(run: Run, tmp_path: Path) -> None:
    run(["make", ".cache/tools/ready"])
    run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT])
    [archive] = tmp_path.glob("flaskyard-server-*.tar.gz")
    run([*HOSTS, "up", "--prefix", PREFIX, "server=hello.test"])
    try:
        # This machine may have no registry of images and no Galaxy, so a test host's Debian and the archive take their places.
        wanted = yaml.safe_load((ROOT / "docs/examples/execution_environment/execution-environment.yml").read_text())
        wanted["images"]["base_image"]["name"] = _image(f"{PREFIX}-server")
        wanted["dependencies"]["galaxy"]["collections"] = [{"name": archive.name, "type": "file"}]
        wanted["additional_build_files"] = [{"src": str(archive), "dest": "."}]
        file = tmp_path / "execution-environment.yml"
        file.write_text(yaml.safe_dump(wanted))
        settings = {"CONTAINERS_CONF": str(ROOT / ".cache/hosts/containers.conf")}
        run([TOOLS / "ansible-builder", "build", "--tag", IMAGE, "--file", file, "--context", tmp_path / "context"], **settings)

        mine = tmp_path / "mine"
        (mine / "inventories/production/group_vars").mkdir(parents=True)
        shutil.copytree(ROOT / "inventories/hello", mine / "hello")
        made = json.loads((ROOT / ".cache/hosts" / PREFIX / "inventory.json").read_text())["all"]
        key = Path(shutil.copy(made["vars"]["ansible_ssh_private_key_file"], mine / "key"))
        host = {**made["vars"], **made["children"]["flask"]["hosts"]["server"], "ansible_ssh_private_key_file": key.name}
        (mine / "inventories/production/hosts.yml").write_text(json.dumps({"flask": {"hosts": {"server": host}}}))
        app = {"name": "hello", "source": {"path": "hello"}, "wsgi": "hello:create_app()", "domains": ["hello.test"], "tls": {"issuer": "selfsigned"}}
        (mine / "inventories/production/group_vars/flask.yml").write_text(json.dumps({"flask_apps": [app]}))
        # ansible-navigator wants this folder where it runs podman.
        Path("/dev/mqueue").mkdir(exist_ok=True)
        here = ["--pull-policy", "never", "--mode", "stdout", "--container-engine", "podman", "--container-options=--network=flaskyard"]
        navigator = [TOOLS / "ansible-navigator", "run", "flaskyard.server.site", "-i", "inventories/production", "--execution-environment-image", IMAGE, *here]
        assert "failed=0" in run(navigator, cwd=mine, **settings)
        assert "changed=0 " in run(navigator, cwd=mine, **settings)
    finally:
        run([*HOSTS, "down", "--prefix", PREFIX])
        subprocess.run(["podman", "rmi", "--force", IMAGE], check=False, capture_output=True)
