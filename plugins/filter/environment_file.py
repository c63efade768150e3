# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of environment files as a filter, for templates and roles."""

from __future__ import annotations

import typing as t

from ..module_utils._host.environment_file import environment_file

DOCUMENTATION = r"""
name: environment_file
short_description: Write variables to an environment file
version_added: 0.1.0
description:
  - Returns the text of an environment file that preserves every value exactly, whatever characters it contains.
  - C(EnvironmentFile=) of systemd.exec(5) and C(.) of a POSIX shell can both read the file.
positional: _input
options:
  _input:
    description: The variables with their values.
    type: dict
    required: true
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Write an environment file
  flaskyard.server.fileset:
    name: worker
    files:
      - path: /etc/worker/env
        content: "{{ {'DATABASE_URL': vault_database_url} | flaskyard.server.environment_file }}"
        mode: "0600"
        secret: true
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"environment_file": environment_file}
