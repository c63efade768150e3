#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles need to know of a host, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Gather what the roles of this collection need to know of a host
version_added: 0.1.0
description:
  - Returns C(ansible_facts['flaskyard']).
  - One call in place of C(ansible.builtin.setup) and C(ansible.builtin.package_facts), which take four times as long and need python3-apt.
options: {}
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Gather facts
  flaskyard.server.host_facts:
"""

RETURN = r"""
ansible_facts:
  description: The facts, below the key C(flaskyard).
  returned: success
  type: dict
  contains:
    flaskyard:
      description: The facts.
      type: dict
      contains:
        distribution:
          description: C(id) and C(release) of C(/etc/os-release), such as V(debian) and V(13).
          type: dict
        cores:
          description: Processors this host may use.
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
        filesets:
          description: Names of the sets that M(flaskyard.server.fileset) has files of in place, or that a run was killed over.
          type: list
          elements: str
        tools:
          description: Tools below C(/opt/flaskyard) by name, each with C(version) and C(path).
          type: dict
        ssh_port:
          description: Port on this host that the present connection came in on.
          type: int
"""

import glob
import os
import platform
import re
import ssl
import subprocess

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.fileset_record import known
from ..module_utils.login import login_environment


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
        name, version = os.path.basename(folder).split("-", 1)
        path = os.path.join(folder, "bin", name)
        if os.access(path, os.X_OK):  # pip writes it after all that it depends on
            found[name] = {"version": version, "path": path}
    return found


def ssh_port() -> int:
    """From SSH_CONNECTION, which sudo takes away; 22 on other connections."""
    words = login_environment("SSH_CONNECTION").split()
    return int(words[3]) if len(words) == 4 else 22


def main() -> None:
    """Gather and return."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
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
    }
    module.exit_json(ansible_facts={"flaskyard": facts})


if __name__ == "__main__":
    main()
