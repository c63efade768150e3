#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to an earlier release of one app or of all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Roll back to an earlier release
version_added: 0.1.0
description:
  - Starts an earlier release in a new slot with the current settings. The slot passes the same gate and switch as in a deploy. No network access is needed.
  - The newer release is withdrawn. M(flaskyard.server.release) keeps the earlier one and warns, until the source changes or you set its option C(redeploy).
  - A rollback does not undo what release commands did to a database. It lists the commands that ran since.
options:
  app:
    description: Name of the app. Without it, all apps on the host.
    type: str
  release:
    description:
      - Id of the release to serve. Without it, the release that served successfully before the current one.
      - Without O(app), the app that has this release is rolled back.
    type: str
  by:
    description: Set by the action plugin to the person who runs the play.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reports which release would serve, or why none can.
  diff_mode:
    support: full
    description: Shows the release that serves and the one that it replaces.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Roll back the app shop to its previous release
  flaskyard.server.rollback:
    app: shop
"""

RETURN = r"""
rolled_back:
  description: Which release replaced which, as sentences.
  returned: always
  type: list
  elements: str
release_commands:
  description: Release commands that ran since the earlier release, as sentences.
  returned: always
  type: list
  elements: str
failures:
  description: Why an app was not rolled back, by its name.
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
