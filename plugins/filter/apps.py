# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app model as a filter, for templates and roles."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._apps.model import AppModelError, complete_apps

DOCUMENTATION = r"""
name: apps
short_description: Validate and complete a list of Flask apps
version_added: 0.1.0
description:
  - Takes C(flask_apps) as users write it and returns the apps with every default, path and unit name.
  - It refuses what M(flaskyard.server.check_apps) refuses when both are told the same. Roles take the model that is made once for a host, by the lookup
    P(flaskyard.server.model#lookup).
positional: _input
options:
  _input:
    description: The list of apps.
    type: list
    elements: dict
    required: true
  server:
    description: Return only the apps of this WSGI server.
    type: str
  services:
    description: What else the proxy serves, as C(flask_proxy_services) has it; returned after the apps, with what a proxy needs of them.
    type: list
    elements: dict
    default: []
  proxy:
    description: The proxy that serves the apps, as C(flask_proxy) has it.
    type: str
    default: nginx
  manager:
    description: The process manager that runs the apps, as C(flask_manager) has it.
    type: str
    default: systemd
  trusted_networks:
    description: Networks of load balancers, as C(flask_trusted_networks) has them.
    type: list
    elements: str
    default: []
  proxy_protocol:
    description: Whether the load balancers speak the PROXY protocol, as C(flask_proxy_protocol) says.
    type: bool
    default: false
  tls_terminated_by:
    description: Who speaks TLS with visitors, as C(flask_tls_terminated_by) says.
    type: str
    default: host
  on_failure:
    description: Units to start when a schedule or a process of an app fails, as C(flask_on_failure) has them.
    type: list
    elements: str
    default: []
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Show where each app lives
  ansible.builtin.debug:
    msg: "{{ flask_apps | flaskyard.server.apps | map(attribute='paths.root') }}"
"""

RETURN = r"""
_value:
  description: The apps, completed.
  type: list
  elements: dict
"""


def apps(value: t.Any, server: str | None = None, **more: t.Any) -> list[dict[str, t.Any]]:
    """Validate and complete a list of apps."""
    try:
        completed = complete_apps(value, **more)
    except AppModelError as error:
        raise AnsibleFilterError(str(error)) from error
    return [app for app in completed if server is None or server == app.get("server")]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"apps": apps}
