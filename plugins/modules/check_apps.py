#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin check_apps, which does all the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_apps
short_description: Validate the Flask apps and the proxy's variables before a host is touched
version_added: 0.1.0
description:
  - Checks every key, type and name, and whether each server runs under the process manager. Reports all problems together.
  - Runs on the controller only.
options:
  apps:
    description: The list of apps.
    type: raw
    required: true
  proxy:
    description: The proxy in front of the apps.
    type: str
    default: nginx
  manager:
    description: The process manager that runs the apps.
    type: str
    default: systemd
  services:
    description: The list of services that the proxy serves besides the apps.
    type: raw
    default: []
  trusted_networks:
    description: The networks of the load balancers in front of the host.
    type: raw
    default: []
  proxy_protocol:
    description: Whether the load balancers use the PROXY protocol.
    type: raw
    default: false
  tls_terminated_by:
    description: Where TLS with visitors ends, V(host) or V(balancer).
    type: str
    default: host
  on_failure:
    description: Units to start when a schedule or a process of an app fails.
    type: raw
    default: []
  deploy_log:
    description: Path of the log of all changes to apps on the host.
    type: raw
    default: /var/log/flaskyard/deploys.jsonl
  own_variables:
    description: Names of your own variables that resemble a role's variable. They are not reported as misspelt.
    type: list
    elements: str
    default: []
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
- name: Check the apps
  flaskyard.server.check_apps:
    apps: "{{ flask_apps }}"
    proxy: nginx
"""

RETURN = r"""
names:
  description: Names of the apps and services.
  type: list
  elements: str
  returned: success
model:
  description: The model that the lookup P(flaskyard.server.model#lookup) reads. It holds secrets, so the result is not shown.
  type: dict
  returned: success
fingerprint:
  description: Digest of the variables from which the model is made, as written in the inventory.
  type: str
  returned: success
"""
