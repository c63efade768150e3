# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory declares for a host, and whether a model was made from the same variables."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible.template import Templar, trust_as_template

from ..module_utils._apps.keys import HOST

#: The arguments of C(complete_host), each with its variable.
ARGUMENTS = {
    "apps": "flask_apps",
    "proxy": "flask_proxy",
    "manager": "flask_manager",
    "services": "flask_proxy_services",
    "trusted_networks": "flask_trusted_networks",
    "proxy_protocol": "flask_proxy_protocol",
    "tls_terminated_by": "flask_tls_terminated_by",
    "deploy_log": "flask_deploy_log",
    "on_failure": "flask_on_failure",
}
_NAMES = " + ".join(f"({variable} | default([]) | map(attribute='name') | list)" for variable in ("flask_apps", "flask_proxy_services"))


def declared(variables: t.Any, templar: Templar) -> dict[str, t.Any]:
    """The arguments of C(complete_host), evaluated."""
    return {name: templar.template(variables[variable]) if variable in variables else HOST[variable].default for name, variable in ARGUMENTS.items()}


def fingerprint(variables: t.Any) -> str:
    """A digest of the variables as they are written. Nothing is evaluated or decrypted."""
    written = {variable: variables[variable] for variable in HOST if variable in variables}
    return hashlib.sha256(json.dumps(written, default=repr, sort_keys=True).encode()).hexdigest()


def names(templar: Templar) -> t.Any:
    """The names of all apps and services. Nothing else in the variables is evaluated."""
    return templar.evaluate_expression(trust_as_template(_NAMES))
