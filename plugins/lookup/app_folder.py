# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the folder of a Flask app tells about it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: app_folder
short_description: Find out from a folder how to declare its Flask app
version_added: 0.1.0
description:
  - Finds the application or its factory, the manifest, static files, the Procfile, migrations, the health check, and the environment variables that the
    code reads.
  - Parses the code without running it. Skips files that git ignores.
  - The playbook C(flaskyard.server.init) writes an inventory from the result.
options:
  _terms:
    description: Folders on the controller.
    type: list
    elements: str
    required: true
  wsgi:
    description: The application as V(module:callable), if the folder has several applications, or if none is found.
    type: str
    default: ""
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Show the application in a folder
  ansible.builtin.debug:
    msg: "{{ lookup('flaskyard.server.app_folder', '../shop').wsgi }}"
"""

RETURN = r"""
_list:
  description:
    - A dictionary for each folder, with C(wsgi), C(static), C(manifest), C(procfile), C(release_command), C(database), C(queue), C(health_path),
      C(variables) and C(notes). A value that was not found is empty.
  type: list
  elements: dict
"""

import dataclasses
import typing as t
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils.app_folder import AppFolderError, describe


class LookupModule(LookupBase):
    """Reads folders."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        """Describe each folder."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [dataclasses.asdict(describe(Path(folder).expanduser(), self.get_option("wsgi"))) for folder in terms]
        except AppFolderError as error:
            raise AnsibleLookupError(str(error)) from error
