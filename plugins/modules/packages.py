#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin packages, which leaves the work to apt."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install the Debian packages that a host lacks
version_added: 0.1.0
description:
  - Makes no remote call when C(ansible_facts['flaskyard']['packages']) has them all.
  - Installs without recommendations, and does not start the services of new packages, which would run with the distribution's configuration
    until a role has put its own in place.
  - The package lists are fetched before the first package after M(flaskyard.server.host_facts) has gathered the facts.
options:
  names:
    description: Names of the packages.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Names what would be installed, also where python3-apt is not there yet.
  diff_mode:
    support: full
    description: As M(ansible.builtin.apt).
seealso:
  - module: flaskyard.server.host_facts
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Install nginx
  flaskyard.server.packages:
    names: [nginx-light]
"""

RETURN = r"""
ansible_facts:
  description: The facts of M(flaskyard.server.host_facts), with the new packages.
  returned: changed, and not in check mode
  type: dict
"""
