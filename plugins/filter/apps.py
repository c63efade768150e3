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
  - Takes C(flask_apps) as you write it and returns the apps with every default, path and unit name.
  - Makes the same checks as M(flaskyard.server.check_apps). Roles use the lookup P(flaskyard.server.model#lookup) instead, which completes the apps
    once for a host.
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
    description: Other services that the proxy serves, as in C(flask_proxy_services). They follow the apps in the result, with only the keys that a proxy needs.
    type: list
    elements: dict
    default: []
  proxy:
    description: The proxy that serves the apps, as in C(flask_proxy).
    type: str
    default: nginx
  manager:
    description: The process manager that runs the apps, as in C(flask_manager).
    type: str
    default: systemd
  trusted_networks:
    description: Networks of load balancers, as in C(flask_trusted_networks).
    type: list
    elements: str
    default: []
  proxy_protocol:
    description: Whether the load balancers use the PROXY protocol, as in C(flask_proxy_protocol).
    type: bool
    default: false
  tls_terminated_by:
    description: Where TLS with visitors ends, as in C(flask_tls_terminated_by).
    type: str
    default: host
  on_failure:
    description: Units to start when a schedule or a process of an app fails, as in C(flask_on_failure).
    type: list
    elements: str
    default: []
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Show the folder of each app
  ansible.builtin.debug:
    msg: "{{ flask_apps | flaskyard.server.apps | map(attribute='paths.root') }}"
"""

RETURN = r"""
_value:
  description: The completed apps.
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
