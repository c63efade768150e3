# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first hour of a user who has installed the collection and configured only the inventory."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from .conftest import CONTROLLERS, HOSTS, ROOT, Run

PREFIX = "flaskyard-test-first"
pytestmark = pytest.mark.xdist_group("installed")


def check_bare_host(run: Run, folder: Path, distribution: str) -> subprocess.CompletedProcess[str]:
    """Run `site.yml` in check mode on a bare host, without a configuration of Ansible."""
    run([*HOSTS, "up", "--prefix", PREFIX, "--distribution", distribution, "first"])
    inventory = json.loads((ROOT / ".cache" / "hosts" / PREFIX / "inventory.json").read_text())
    del inventory["all"]["vars"]["ansible_python_interpreter"]
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "ansible.cfg").touch()
    environment = {
        "HOME": str(folder),
        "PATH": f"{CONTROLLERS / 'newest' / 'bin'}:/usr/bin:/bin",
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        # The path of a socket has at most 108 characters (unix(7)), and a test's folder may have more.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{tempfile.gettempdir()}/{PREFIX}",
    }
    argv: list[str | Path] = ["ansible-playbook", "-i", folder / "inventory.json", "--check", "-e", '{"flask_apps": []}', "flaskyard.server.site"]
    done = subprocess.run(argv, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    run([*HOSTS, "down", "--prefix", PREFIX])
    return done


@pytest.mark.parametrize("distribution", ["bookworm", "trixie"])
def test_supported_host_needs_no_interpreter_setting(distribution: str, run: Run, tmp_path: Path) -> None:
    done = check_bare_host(run, tmp_path, distribution)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_older_python_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    done = check_bare_host(run, tmp_path, "bullseye")
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("[ERROR]")]
    assert len(errors) == 1, done.stdout + done.stderr
    assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr
    assert "Python 3.9.2; Flaskyard needs 3.11 or newer. Use Debian 12 or newer" in errors[0]
