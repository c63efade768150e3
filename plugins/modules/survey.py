#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles need to know of a host, and the state of all that they have put there, in one call."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it

DOCUMENTATION = r"""
module: survey
short_description: Gather facts about a host, and check whether what was declared still holds
version_added: 0.1.0
description:
  - Returns C(ansible_facts['flaskyard']).
  - Replaces C(ansible.builtin.setup) and C(ansible.builtin.package_facts), which take four times as long and need python3-apt.
  - Also checks everything that the modules of this collection wrote or started. It checks content, owners and modes of files, accounts, directories,
    links, units and firewall rules, and whether each app answers its health check. If a task would change nothing, it then makes no remote call.
options:
  key:
    description: Set by the action plugin. It compares secret values by this key without showing them.
    type: str
  sealed:
    description: Set by the action plugin. It holds O(key).
    type: str
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Gather facts about the host
  flaskyard.server.survey:
"""

RETURN = r"""
ansible_facts:
  description: The facts, under the key C(flaskyard).
  returned: success
  type: dict
  contains:
    flaskyard:
      description: The facts.
      type: dict
      contains:
        distribution:
          description: C(id) and C(release) from C(/etc/os-release), such as V(debian) and V(13).
          type: dict
        cores:
          description: Number of processors that this host may use.
          type: int
        memory_mb:
          description: Memory in MiB, or the limit of the container.
          type: int
        packages:
          description: Names of the installed Debian packages.
          type: list
          elements: str
        pythons:
          description: Paths of interpreters by version, such as C(/usr/bin/python3.13) for V(3.13).
          type: dict
        python:
          description: Version of the distribution's own interpreter, such as V(3.13).
          type: str
        openssl:
          description: Version of the OpenSSL library, such as V(3.5).
          type: str
        locales:
          description: Locales of the C library besides C(C.UTF-8).
          type: list
          elements: str
        timezone:
          description: Name of the time zone.
          type: str
        ipv6:
          description: Whether the kernel supports IPv6.
          type: bool
        filesets:
          description: Names of the sets of M(flaskyard.server.fileset) that have files on the host, or that a killed run left unfinished.
          type: list
          elements: str
        tools:
          description: Tools below C(/opt/flaskyard) by name, each with C(version) and C(path).
          type: dict
        databases:
          description: Database servers in which apps have a database, such as V(postgresql).
          type: list
          elements: str
        protocols:
          description: Protocol of each app's current slot, such as V(http). An app is missing if it has no current slot, or one of an earlier version.
          type: dict
        survey:
          description: >-
            Results by kind, such as V(filesets), and name. C(wish) is a digest of what was declared last, which only this run can compute. C(differences) lists
            the differences from it, as sentences.
          type: dict
        ssh_port:
          description: Port on this host that the current SSH connection uses.
          type: int
"""

import glob
import os
import platform
import re
import socket
import ssl
import subprocess
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

SPECIFICATION = {"key": {"type": "str", "no_log": False}, "sealed": {"type": "str", "no_log": True}}

# Before anything is imported that an older Python does not understand. This is the first module that a host runs.
if tuple(map(int, platform.python_version_tuple()[:2])) < (3, 11):
    AnsibleModule(SPECIFICATION, supports_check_mode=True).fail_json(
        msg=f"{sys.executable} on the host is Python {platform.python_version()}; Flaskyard needs 3.11 or newer. "
        "Use Debian 12 or newer, or set ansible_python_interpreter to a newer Python of the host."
    )

from ..module_utils._certificates import survey as certificates
from ..module_utils._databases import databases
from ..module_utils._filesets import survey as filesets
from ..module_utils._filesets.record import known
from ..module_utils._host.login import login_environment
from ..module_utils._host.sealed import SealedModule
from ..module_utils._host.wishes import veiled
from ..module_utils._releases import survey as releases
from ..module_utils._slots import survey as slots


def distribution() -> dict[str, str]:
    """Name and release, as os-release(5) gives them."""
    release = platform.freedesktop_os_release()
    return {"id": release["ID"], "release": release.get("VERSION_ID", ""), "name": release["PRETTY_NAME"]}


def memory_mb() -> int:
    """The smaller of the machine's memory and the control group's limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as handle:
            total = min(total, int(handle.read()))
    except (OSError, ValueError):
        pass
    return total // 2**20


def packages() -> list[str]:
    """Installed packages; empty where there is no dpkg."""
    try:
        output = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({line[3:].strip() for line in output.splitlines() if line.startswith("ii ")})


def pythons() -> dict[str, str]:
    """Interpreters in the usual places; the distribution's own wins."""
    found = {}
    for pattern in ("/opt/python*/bin/python3.*", "/usr/local/bin/python3.*", "/usr/bin/python3.*"):
        for path in sorted(glob.glob(pattern)):
            match = re.fullmatch(r"python(3\.\d+)", os.path.basename(path))
            if match and os.access(path, os.X_OK):
                found[match[1]] = path
    return found


def tools() -> dict[str, dict[str, str]]:
    """What the role python installed with tasks_from=tool; the newest of each name."""
    found = {}
    for folder in sorted(glob.glob("/opt/flaskyard/*-*"), key=os.path.getmtime):
        name, version = os.path.basename(folder).rsplit("-", 1)
        # With a plugin, a tool is called certbot+dns-ovh.
        path = os.path.join(folder, "bin", name.partition("+")[0])
        if os.access(path, os.X_OK):  # pip writes it after all that it depends on
            found[name] = {"version": version, "path": path}
    return found


def ssh_port() -> int:
    """From SSH_CONNECTION, which sudo takes away; 22 on other connections."""
    words = login_environment("SSH_CONNECTION").split()
    return int(words[3]) if len(words) == 4 else 22


def has_ipv6() -> bool:
    """Whether a socket of IPv6 can be made; not with C(ipv6.disable=1) on the kernel's command line."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def locales() -> list[str]:
    """The locales that the C library has, as localectl(1) writes them."""
    command = ["localedef", "--list-archive"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return []
    return [re.sub(r"\.utf8\b", ".UTF-8", line.strip()) for line in output.splitlines()]


def timezone() -> str:
    """Name of the time zone; empty where C(/etc/localtime) is not a link to it."""
    try:
        return os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        return ""


def state(key: str) -> dict[str, dict[str, dict[str, object]]]:
    """What of everything that was declared holds, by kind and name."""
    found = {
        "filesets": filesets.survey(),
        "releases": releases.survey(),
        "slots": slots.survey(),
        "certificates": certificates.survey(),
        "databases": databases.survey(),
    }

    def shown(entry: dict[str, object]) -> dict[str, object]:
        return {**entry, "wish": veiled(str(entry["wish"]), key) if entry["wish"] else ""}

    return {kind: {name: shown(entry) for name, entry in entries.items()} for kind, entries in found.items()}


def main() -> None:
    """Gather and return."""
    module = SealedModule(argument_spec=SPECIFICATION, supports_check_mode=True)
    found = state(module.options["key"] or "")
    facts = {
        "distribution": distribution(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_mb(),
        "packages": packages(),
        "pythons": pythons(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "openssl": ".".join(map(str, ssl.OPENSSL_VERSION_INFO[:2])),
        "filesets": known(),
        "tools": tools(),
        "ssh_port": ssh_port(),
        "ipv6": has_ipv6(),
        "locales": locales(),
        "timezone": timezone(),
        "databases": sorted(found["databases"]),
        "protocols": {name: entry["protocol"] for name, entry in found["slots"].items() if entry["protocol"]},
        "survey": found,
    }
    for app, entry in found["slots"].items():
        for unit in t.cast("list[str]", entry["failed"]):
            module.warn(f"app {app}: the last run of {unit} failed; flaskyard logs {app} says why. The next run that succeeds ends this warning")
    module.exit_json(ansible_facts={"flaskyard": facts})


if __name__ == "__main__":
    main()
