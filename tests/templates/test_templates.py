# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs parse the rendered templates of all roles. No host is needed."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._apps.command_line import parse_command

from tests.hosts import hosts

from .cases import ARGUMENTS, CASES
from .offline import DISTRIBUTIONS, ROOT, SLOT, Files

KINDS = [(case, distribution) for case in CASES for distribution in DISTRIBUTIONS]
#: Puts the files in place, with a certificate wherever one is named, and something to run wherever a unit runs what is not installed.
PLACE = """
cp -a /rendered/. /
openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=test -keyout /key.pem -out /cert.pem 2>/dev/null
grep -rhoE '(ssl_certificate|ssl_certificate_key|ssl_trusted_certificate|SSLCertificateFile|SSLCertificateKeyFile) +[^;]+' /rendered 2>/dev/null |
while read -r directive path; do
    mkdir -p "${path%/*}"
    case $directive in *[kK]ey*) cp /key.pem "$path";; *) cp /cert.pem "$path";; esac
done
grep -rhoE '^Exec[A-Za-z]+=[-+!@:|]*/[^ ]+' /rendered/etc/systemd 2>/dev/null | sed 's/^[^/]*//' | while read -r program; do
    test -e "$program" || { mkdir -p "${program%/*}"; ln -s /bin/true "$program"; }
done
"""
NGINX = "nginx -t -q"
APACHE = "apache2ctl configtest 2>&1 | { grep -v '^Syntax OK$' >&2 || true; }"
NFTABLES = """
grep -rhoE 'skuid flask-[a-z-]+' /rendered | sort -u | while read -r _ account; do useradd "$account"; done
for rules in $(find /rendered -name '*.nft'); do nft -c -f "/${rules#/rendered/}"; done
"""
UNITS = r"""
cd /etc/systemd/system
systemd-analyze verify --man=no $(ls /rendered/etc/systemd/system | grep -E '[.](service|socket|timer|slice)$')
"""
SHELL = "grep -rlE '^#!/bin/sh' /rendered | xargs --no-run-if-empty -n 1 sh -n"


def packages() -> list[str]:
    """The programs that read what is rendered, in the roles' words."""
    found = ["nftables", "openssl"]
    for role in ("nginx", "apache"):
        found += yaml.safe_load((ROOT / "roles" / role / "vars" / "main.yml").read_text())[f"__{role}_packages"]
    return sorted(found)


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    """What every case gives."""
    cases = [{"role": CASES[case][0], "distribution": distribution, **CASES[case][1]} for case, distribution in KINDS]
    done = subprocess.run([sys.executable, "-m", "tests.templates.offline"], input=json.dumps(cases), text=True, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {"files": dict(zip(KINDS, found["files"], strict=True)), "templates": set(found["templates"])}


def read(files: Files, distribution: str, folder: Path, script: str) -> None:
    """Let programs of a distribution read the files. They must have nothing to say."""
    for path, content in files.items():
        if content:
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content[0])
            file.chmod(int(content[1], 8))
    removed = "rm -f " + " ".join(path for path, content in files.items() if content is None)
    hosts.prepare_machine()
    image = hosts.image(distribution, *packages())
    hosts.containers_conf(image)
    command = ["podman", "run", "--rm", "--interactive", "--privileged", "--network=none", f"--volume={folder}:/rendered:ro", image, "sh", "-eu"]
    done = subprocess.run(command, input=f"{removed}\n{PLACE}\n{script}", text=True, capture_output=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("case", "distribution"),
    KINDS,
)
def test_programs_read_what_is_rendered(case: str, distribution: str, rendered: dict[str, Any], tmp_path: Path) -> None:
    files = rendered["files"][case, distribution]
    assert files
    for path, content in files.items():
        text = content[0] if content else ""
        if path.endswith(".py") or "/python" in text.partition("\n")[0]:
            ast.parse(text, feature_version=(3, 11))
        elif path.endswith(".toml"):
            tomllib.loads(text)
        elif path.startswith("/etc/supervisor/") or path.endswith("/uwsgi.ini"):
            configparser.RawConfigParser(strict=False).read_string(text)
    scripts = [SHELL, *([NFTABLES] if any(path.endswith(".nft") for path in files) else [])]
    if any(re.fullmatch(r"/etc/systemd/system/[^/]+", path) for path in files):
        scripts.append(UNITS)
    scripts += [script for path, script in (("/etc/nginx/nginx.conf", NGINX), ("/etc/apache2/apache2.conf", APACHE)) if path in files]
    read(files, distribution, tmp_path, "\n".join(scripts))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_supervisor_gives_a_process_its_arguments(distribution: str, rendered: dict[str, Any]) -> None:
    name = f"flask-rich@{SLOT}-process.worker.2"
    [text, _mode] = rendered["files"]["gunicorn, supervisor", distribution][f"/etc/supervisor/conf.d/{name}.conf"]
    # As supervisor does: its class UnhosedConfigParser, and then expansions and words.
    sections = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    sections.read_string(text)
    words = shlex.split(sections[f"program:{name}"]["command"] % {"program_name": name})
    assert words[words.index("--") :] == ["--", "/usr/bin/env", "--", *parse_command(ARGUMENTS)]


def test_every_template_is_rendered(rendered: dict[str, Any]) -> None:
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("roles/*/templates/*.j2")} - rendered["templates"] == set()
