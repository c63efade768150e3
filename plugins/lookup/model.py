# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The completed apps, services and sites of a host, for roles."""

from __future__ import annotations

DOCUMENTATION = r"""
name: model
short_description: Read the completed apps, services and sites of a host
version_added: 0.1.0
description:
  - Returns what the inventory declares for this host, validated and with every default, path and unit name.
  - The role C(host) creates this model once in a play. Without it, or if the variables changed since, the lookup creates the model again.
options:
  _terms:
    description:
      - V(apps) returns the apps. V(places) returns the apps and then the services of C(flask_proxy_services), with everything that a proxy needs.
      - V(sites) returns the places grouped by canonical domain. V(user_files) returns the password files of their C(access).
    type: list
    elements: str
    required: true
    choices: [apps, places, sites, user_files]
  server:
    description:
      - With V(apps), return only the apps of this WSGI server. Each then has C(size), its processes and threads on this host, and the complete
        C(settings) of the server. Both follow from the variables of the server's role and from C(ansible_facts['flaskyard']).
    type: str
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Show the folder of each app
  ansible.builtin.debug:
    msg: "{{ lookup('flaskyard.server.model', 'apps') | map(attribute='paths.root') }}"
"""

RETURN = r"""
_value:
  description: One list for each term.
  type: list
  elements: list
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._apps.model import AppModelError, complete_host
from ..module_utils._apps.server_keys import variables as variables_of
from ..module_utils._apps.serving import ServingError, served
from ..plugin_utils.declared import declared, fingerprint, names


class LookupModule(LookupBase):
    """Selects from the model of the host."""

    def run(self, terms: list[str], variables: t.Any = None, **options: t.Any) -> list[t.Any]:
        """Select."""
        model = self._kept(variables) or self._made(variables)
        try:
            found = [model[term] for term in terms]
        except KeyError as error:
            raise AnsibleLookupError(f"the model has no {error}; it has apps, places, sites and user_files") from error
        if server := options.get("server"):
            found = [self._served(apps, server, variables) for apps in found]
        return found

    def _kept(self, variables: t.Any) -> dict[str, t.Any] | None:
        """The model that the role C(host) made, unless the variables have changed since."""
        made: dict[str, t.Any] = variables.get("__host_model") or {}
        if made.get("fingerprint") != fingerprint(variables):
            return None
        try:
            # An expression in them may have another value now, for example in a loop.
            current = names(self._templar)
        except AnsibleError:
            return None
        return made["model"] if made["names"] == current else None

    def _made(self, variables: t.Any) -> dict[str, t.Any]:
        try:
            return complete_host(**declared(variables, self._templar))
        except AppModelError as error:
            raise AnsibleLookupError(str(error)) from error

    def _served(self, apps: list[dict[str, t.Any]], server: str, variables: t.Any) -> list[dict[str, t.Any]]:
        given = {name: self._templar.template(variables[name]) for name in variables_of(server) if name in variables}
        try:
            return served(apps, server, variables["ansible_facts"]["flaskyard"], given)
        except ServingError as error:
            raise AnsibleLookupError(str(error)) from error
