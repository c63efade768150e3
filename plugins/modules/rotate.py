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
  - Brings up what serves of an app in a new slot with a new C(SECRET_KEY), through the same gate and switch as a deploy. Needs no network.
  - The key before is in the variable C(SECRET_KEY_FALLBACKS), a JSON list, until the next rotation. An app that reads it still accepts what that key signed.
  - An app that declares C(SECRET_KEY) in C(env) is refused, because the host has no key of it.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  by:
    description: Filled in by the action plugin with who runs it.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Says what would be done, and why not.
  diff_mode:
    support: full
    description: Says what is done. Shows no key.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Give the shop a new key
  flaskyard.server.rotate:
    app: shop
"""

RETURN = r"""
rotated:
  description: What was done, in words.
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
