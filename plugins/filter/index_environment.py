# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of installers as a filter, for roles."""

from __future__ import annotations

import typing as t

from ..module_utils._releases.index_environment import index_environment

DOCUMENTATION = r"""
name: index_environment
short_description: Environment variables that tell pip and uv where to get packages
version_added: 0.1.0
description:
  - Returns the variables for a private index, a wheelhouse, certificate authorities and other settings, by name.
options:
  _input:
    description:
      - A dictionary with any of C(index_url), C(extra_index_urls), C(wheelhouse), C(ca_file), C(environment) and C(insecure). They have the meaning of
        the variables of the role C(python).
    type: dict
    required: true
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
variables: "{{ {'index_url': 'https://pypi.example.com/simple'} | flaskyard.server.index_environment }}"
"""

RETURN = r"""
_value:
  description: Variables by name.
  type: dict
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"index_environment": lambda settings: index_environment(**settings)}
