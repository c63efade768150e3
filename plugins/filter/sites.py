# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to the sites of apps for the templates of proxies."""

from __future__ import annotations

import typing as t

from ..module_utils.sites import sites, user_files

DOCUMENTATION = r"""
name: sites
short_description: The sites of a list of Flask apps
version_added: 0.1.0
description:
  - Groups apps by their canonical domain, since several may be mounted below one by their C(path).
  - With O(users=true), returns the password files that they need instead.
positional: _input
options:
  _input:
    description: Apps as the filter P(flaskyard.server.apps#filter) returns them. Those without C(domains) have no site.
    type: list
    elements: dict
    required: true
  users:
    description: Return the password files.
    type: bool
    default: false
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Show the sites
  ansible.builtin.debug:
    msg: "{{ flask_apps | flaskyard.server.apps | flaskyard.server.sites | map(attribute='canonical') }}"
"""

RETURN = r"""
_value:
  description: The sites, each with C(name), C(canonical), C(domains), C(owner) and C(apps).
  type: list
  elements: dict
"""


def of_apps(apps: list[dict[str, t.Any]], users: bool = False) -> list[t.Any]:
    """The sites of apps, or their password files."""
    return list(user_files(apps) if users else sites(apps))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"sites": of_apps}
