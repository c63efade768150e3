# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pattern for the hosts of a play that fails if it matches no host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: targets
short_description: Fail if a pattern matches no host
version_added: 0.1.0
description:
  - Use it in C(hosts) of a play. Ansible itself skips a play without hosts and reports success.
  - It also fails if a variable on the command line is almost called as a parameter of the collection's playbooks, such as C(apps) in place of C(app).
  - It does not look for hosts if C(ansible-playbook) only lists hosts or tasks, or checks the syntax.
options:
  _terms:
    description: The pattern.
    type: list
    elements: str
    required: true
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Deploy
  hosts: "{{ lookup('flaskyard.server.targets', target | default('flask')) }}"
  roles: [flaskyard.server.app]
"""

RETURN = r"""
_list:
  description: The pattern, unchanged.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ..plugin_utils.misspelt import misspelt_parameters

LISTINGS = "syntax", "listhosts", "listtags", "listtasks"


class LookupModule(LookupBase):
    """Looks in the inventory."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """Return the pattern, if a host matches it."""
        pattern = ",".join(terms)
        known: dict[str, t.Any] = {"groups": {}, **(variables or {})}
        if wrong := list(misspelt_parameters(load_extra_vars(self._loader))):
            raise AnsibleLookupError("\n".join(wrong))
        inventory = lookup_loader.get("ansible.builtin.inventory_hostnames", loader=self._loader, templar=self._templar)
        if not any(map(context.CLIARGS.get, LISTINGS)) and not inventory.run([pattern], known):
            groups = ", ".join(sorted(group for group in known["groups"] if group not in {"all", "ungrouped"})) or "none"
            raise AnsibleLookupError(
                f"no host of the inventory matches '{pattern}' (its groups: {groups}). Choose an inventory with -i INVENTORY, "
                "put your servers into its group 'flask', as inventories/example does, or name others with -e target=PATTERN"
            )
        return terms
