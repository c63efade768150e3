# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(python -m tests.locks) updates the locks of the tools that the collection installs: the WSGI servers, uv and certbot, with all they need.

Pins follow from C(providers.py) and the defaults of the roles; everything else becomes as new as it may be. One lock serves every Python
and processor: it has the hashes of all wheels and sdists.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import SERVERS, lock, requirements

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "roles/python/files/locks"
#: The oldest Python that any of them still runs on.
OLDEST = {"waitress": "3.9", "fastcgi": "3.9", "uwsgi": "3.9", "uv": "3.9"}
HEADER = "# Written by 'python -m tests.locks'. One lock for all Pythons and processors.\n"


def wanted() -> dict[str, list[str]]:
    """Requirements by name of the lock."""
    cases: list[tuple[str, dict[str, str]]] = [(server, {}) for server in SERVERS] + [("gunicorn", {"worker_class": "gevent"})]
    servers = {name: requirements(*case) for case in cases if (name := lock(*case))}
    certbot = default("tls", "certbot")
    plugins = {f"certbot+dns-{provider}": [f"certbot-dns-{provider}=={certbot}"] for provider in dns_providers()}
    return {**servers, "uv": [f"uv=={default('python', 'uv')}"], "certbot": [f"certbot=={certbot}"], **plugins}


def dns_providers() -> list[str]:
    """Whom the role tls can have change DNS."""
    specs = yaml.safe_load((ROOT / "roles/tls/meta/argument_specs.yml").read_text())
    choices: list[str] = specs["argument_specs"]["main"]["options"]["tls_dns_provider"]["choices"]
    return [*filter(None, choices)]


def default(role: str, tool: str) -> str:
    """The version of a tool that a role installs unless told otherwise."""
    found = re.search(rf'^{role}_{tool}_version: "(.+)"$', (ROOT / f"roles/{role}/defaults/main.yml").read_text(), re.MULTILINE)
    assert found, f"{role}_{tool}_version has no default"
    return found[1]


def main() -> None:
    """Write every lock."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", f"uv=={default('python', 'uv')}"], check=True)
        options = ["--no-config", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--upgrade"]
        for name, packages in wanted().items():
            version = ["--python-version", OLDEST.get(name, "3.10")]
            # What a plugin of a tool shares with the tool is in the lock of the tool, and installed from there.
            tool = LOCKS / f"{name.split('+')[0]}.txt" if "+" in name else None
            shared = ["--constraint", str(tool)] if tool else []
            command = [f"{folder}/bin/uv", "pip", "compile", *options, *version, *shared, "-", "--output-file", f"{folder}/{name}.txt"]
            subprocess.run(command, input="\n".join(packages), text=True, check=True, stdout=subprocess.DEVNULL)
            locked = pins((Path(folder) / f"{name}.txt").read_text())
            known = pins(tool.read_text()) if tool else []
            (LOCKS / f"{name}.txt").write_text(HEADER + "".join(pin for pin in locked if pin not in known))


def pins(lock: str) -> list[str]:
    """The packages of a lock, each with its hashes."""
    return [pin for pin in re.split(r"^(?=[^\s#])", lock, flags=re.MULTILINE) if not pin.startswith("#")]
