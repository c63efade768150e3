#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give an app a new SECRET_KEY."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotate
short_description: Give an app a new SECRET_KEY
version_added: 0.1.0
description:
  - Starts the release that serves in a new slot with a new C(SECRET_KEY). The slot passes the same gate and switch as in a deploy. No network access is needed.
  - The old key stays in the variable C(SECRET_KEY_FALLBACKS), a JSON list, until the next rotation. An app that reads the variable still accepts what
    the old key signed.
  - Refuses an app that declares C(SECRET_KEY) in C(env), because the inventory holds its key, not the host.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  by:
    description: Set by the action plugin to the person who runs the play.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reports what would be done, or why it cannot be done.
  diff_mode:
    support: full
    description: Shows what is done, without any key.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Give the app shop a new key
  flaskyard.server.rotate:
    app: shop
"""

RETURN = r"""
rotated:
  description: What was done, as a sentence.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.actor import act
from ..module_utils._host.errors import HostError
from ..module_utils._slots.rotate import rotate


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"app": {"type": "str", "required": True}, "by": {"type": "str", "default": ""}},
        supports_check_mode=True,
    )
    act("rotate", module.params["by"])
    try:
        words = rotate(module.params["app"], module.check_mode)
    except (HostError, OSError) as error:
        module.fail_json(msg=f"The key of {module.params['app']} stays as it is:\n{error}")
    module.exit_json(changed=True, rotated=words, diff=[{"prepared": f"{words}\n"}])


if __name__ == "__main__":
    main()
