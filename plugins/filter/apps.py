# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to the app model for templates and roles."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils.app_model import AppModelError, complete_apps

DOCUMENTATION = r"""
name: apps
short_description: Validate and complete a list of Flask apps
version_added: 0.1.0
description:
  - Takes C(flask_apps) as users write it and returns the apps with every default, path and unit name.
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
author:
  - Flaskyard maintainers
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


def apps(value: t.Any, server: str | None = None, services: t.Any = ()) -> list[dict[str, t.Any]]:
    """Validate and complete a list of apps."""
    try:
        completed = complete_apps(value, services=services)
    except AppModelError as error:
        raise AnsibleFilterError(str(error)) from error
    return [app for app in completed if server is None or server == app.get("server")]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"apps": apps}
