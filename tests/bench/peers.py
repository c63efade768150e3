# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same resources on the same host, managed by pyinfra: the time of a run without changes, for comparison."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .figures import BenchError

HERE = Path(__file__).resolve().parent
#: The newest release of its third series.
REQUIREMENT = "pyinfra>=3,<4"

#: What it prints of a host: everything that filesets own there, with contents, and the packages, accounts and units that belong to it.
READ = """
import base64, glob, grp, json, os, pwd, subprocess
found = {"directories": [], "files": [], "links": [], "units": [], "accounts": [], "contents": {}}
names = {"packages": set()}
for name in sorted(os.listdir("/var/lib/flaskyard/filesets")):
    with open(f"/var/lib/flaskyard/filesets/{name}/manifest.json") as handle:
        manifest = json.load(handle)
    found["units"] += manifest["units"]
    for path, mark in manifest["marks"].items():
        access = {"user": mark["owner"], "group": mark["group"], "mode": f"{mark['mode']:o}"}
        if mark["kind"] == "directory":
            found["directories"].append({"path": path, **access})
        elif mark["kind"] == "link":
            found["links"].append({"path": path, "target": mark["target"]})
        elif mark["kind"] == "file":
            source = f"files/{len(found['files'])}"
            found["files"].append({"src": source, "dest": path, "create_remote_dir": False, **access})
            with open(path, "rb") as handle:
                found["contents"][source] = base64.b64encode(handle.read()).decode()
found["accounts"] = [{"name": one.pw_name, "home": one.pw_dir, "shell": one.pw_shell} for one in pwd.getpwall() if one.pw_name.startswith("flask-")]
for link in glob.glob("/run/flask-*/current.sock"):
    app, slot = os.path.basename(os.path.dirname(link)), os.readlink(link).removesuffix(".sock")
    found["units"] += [f"{app}@{slot}.socket", f"{app}@{slot}.service"]
found["packages"] = ["nginx-light", "git", "openssh-client", "python3-venv", "ca-certificates", "nftables", "iproute2", "openssl", "restic", "acl"]
installed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\\n"], capture_output=True, text=True).stdout.split()
found["packages"] = [name for name in found["packages"] if name in installed]
print(json.dumps(found))
"""


class Pyinfra:
    """pyinfra, told to keep what the host has.

    :param folder: where it is installed, and where its deploy is made.
    :param host: name of the host in the inventory.
    """

    def __init__(self, folder: Path, inventory: Path, host: str) -> None:
        self._folder, self._deploy = folder, folder / "deploy"
        everything = json.loads(inventory.read_text())["all"]
        self._address: str = everything["children"]["flask"]["hosts"][host]["ansible_host"]
        self._key: str = everything["vars"]["ansible_ssh_private_key_file"]

    def prepare(self) -> dict[str, int]:
        """Install it, make its deploy from the files of the host, run that once; how many resources of each kind it has."""
        if not (self._folder / "bin" / "pyinfra").exists():
            subprocess.run([sys.executable, "-m", "venv", self._folder], check=True)
            subprocess.run([self._folder / "bin" / "pip", "install", "--quiet", REQUIREMENT], check=True)
        shutil.rmtree(self._deploy, ignore_errors=True)
        (self._deploy / "files").mkdir(parents=True)
        resources = self._read()
        for source, content in resources.pop("contents").items():
            (self._deploy / source).write_bytes(content)
        (self._deploy / "resources.json").write_text(json.dumps(resources))
        shutil.copy(HERE / "pyinfra_deploy.py", self._deploy / "deploy.py")
        host = (self._address, {"ssh_user": "root", "ssh_key": self._key, "ssh_known_hosts_file": "/dev/null", "ssh_strict_host_key_checking": "no"})
        (self._deploy / "inventory.py").write_text(f"flask = [{host!r}]\n")
        self.run()
        return {kind: len(items) for kind, items in resources.items()}

    def run(self) -> float:
        """Seconds of a run.

        :raises BenchError: when it fails.
        """
        begin = time.monotonic()
        command: list[str | Path] = [self._folder / "bin" / "pyinfra", "-y", "inventory.py", "deploy.py"]
        done = subprocess.run(command, cwd=self._deploy, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begin
        if done.returncode:
            raise BenchError(f"pyinfra failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return seconds

    def _read(self) -> dict[str, Any]:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i", self._key]
        done = subprocess.run(["ssh", *options, f"root@{self._address}", "python3", "-"], input=READ, capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        found["contents"] = {source: base64.b64decode(text) for source, text in found["contents"].items()}
        return found
