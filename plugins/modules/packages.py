#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finish what an interrupted dpkg left; the action plugin packages leaves all else to apt."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install the Debian packages that a host lacks
version_added: 0.1.0
description:
  - Makes no remote call if C(ansible_facts['flaskyard']['packages']) already lists all of them.
  - Installs without recommended packages. Does not start the services of new packages, because they would run with the distribution's configuration
    until a role writes its own.
  - If dpkg was interrupted, for example by a power cut, it first finishes its work (C(dpkg --configure -a)).
  - Updates the package lists once after M(flaskyard.server.survey) gathered the facts, before it installs the first package.
options:
  names:
    description: Names of the packages.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Lists what would be installed, even if python3-apt is missing.
  diff_mode:
    support: full
    description: Like M(ansible.builtin.apt).
seealso:
  - module: flaskyard.server.survey
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Install nginx
  flaskyard.server.packages:
    names: [nginx-light]
"""

RETURN = r"""
ansible_facts:
  description: The facts of M(flaskyard.server.survey), with the new packages.
  returned: changed, and not in check mode
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.commands import CommandError, run
from ..module_utils._host.path_state import ABSENT, PathState, read_path, write_path

_UPDATES = "/var/lib/dpkg/updates"
_POLICY = "/usr/sbin/policy-rc.d"
#: What ansible.builtin.apt puts there with policy_rc_d=101, and leaves there when it is killed.
_NO_SERVICE_STARTS = PathState("file", content=b"#!/bin/sh\nexit 101\n", mode=0o755)
#: As apt does with noninteractive packages: configuration that somebody changed stays.
_CONFIGURE = ["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]
_SECONDS = 1800


def was_interrupted() -> bool:
    """Whether dpkg has work to finish."""
    return bool(os.listdir(_UPDATES) or run(["dpkg", "--audit"], check=False).stdout.strip())


def finish() -> None:
    """Let dpkg finish its work; services are not started."""
    before = read_path(_POLICY)
    write_path(_POLICY, _NO_SERVICE_STARTS)
    try:
        run(_CONFIGURE, timeout=_SECONDS)
    finally:
        write_path(_POLICY, ABSENT if before.same_as(_NO_SERVICE_STARTS) else before)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"names": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True)
    interrupted = was_interrupted()
    if interrupted and not module.check_mode:
        try:
            finish()
        except (CommandError, OSError) as error:
            module.fail_json(msg=f"dpkg was interrupted, and cannot finish its work: {error}")
    module.exit_json(changed=interrupted)


if __name__ == "__main__":
    main()
