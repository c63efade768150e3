#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to an earlier release of one app or of all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Go back to an earlier release
version_added: 0.1.0
description:
  - Brings up a release that served before in a new slot, with the present settings, through the same gate and switch as a deploy. Needs no network.
  - The release that is left is withdrawn. M(flaskyard.server.release) keeps the older one and warns, until the source changes or it is told to redeploy.
  - A rollback does not undo what release commands did to a database. It lists those that ran since.
options:
  app:
    description: Name of the app. All apps of the host unless given.
    type: str
  release:
    description:
      - Id of the release to go to. The last one that served well before the present one unless given.
      - Without O(app), the app that has it.
    type: str
  by:
    description: Filled in by the action plugin with who runs it.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Says what would become current, and why not.
  diff_mode:
    support: full
    description: Says what becomes current in place of what.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Take the last release of the shop back
  flaskyard.server.rollback:
    app: shop
"""

RETURN = r"""
rolled_back:
  description: What became current in place of what, in words.
  returned: always
  type: list
  elements: str
release_commands:
  description: Release commands that ran since the older release did, in words.
  returned: always
  type: list
  elements: str
failures:
  description: Why an app stays as it is, by its name.
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.actor import act
from ..module_utils._slots.rollback import roll_back


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"app": {"type": "str"}, "release": {"type": "str"}, "by": {"type": "str", "default": ""}},
        supports_check_mode=True,
    )
    act("rollback", module.params["by"])
    result, failures = roll_back(module.params["app"], module.params["release"], module.check_mode)
    if failures:
        done = "".join(f"\n{line}" for line in result["rolled_back"])
        module.fail_json(msg=failures.report("What serves of these apps stays as it is.") + done, failures=failures, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
