# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the playbook, for programs on the host that log it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: operator
short_description: Name who runs the playbook
version_added: 0.1.0
description:
  - The account on the controller and the name of the controller, as the deploy log of a host records them.
options: {}
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Restore an app in the name of the user
  ansible.builtin.command:
    argv: [flask-backup, restore, shop, --by, "{{ lookup('flaskyard.server.operator') }}"]
"""

RETURN = r"""
_list:
  description: The account and the controller, such as C(ada@laptop).
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils.operator import operator


class LookupModule(LookupBase):
    """Needs no terms."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """Return the name."""
        return [operator()]
