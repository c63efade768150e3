#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove one app from its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: app_absent
short_description: Remove one app from its host
version_added: 0.1.0
description:
  - Stops the app's slots and removes its code, virtualenvs, configuration, certificates and build account.
  - The data that the app stored, its secret key and the account that owns the data stay unless O(purge=true).
options:
  name:
    description: Name of the app.
    type: str
    required: true
  purge:
    description: Remove the data, the secret key and the account too.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would be removed.
  diff_mode:
    support: full
    description: Lists what is removed.
author:
  - Flaskyard maintainers
"""

EXAMPLES = r"""
- name: Remove the shop, keep its data
  flaskyard.server.app_absent:
    name: shop
"""

RETURN = r"""
removed:
  description: Paths and accounts that were removed, or would be in check mode.
  type: list
  elements: str
  returned: always
"""

import os
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.app_model import AppModelError, bare_app
from ..module_utils.commands import CommandError, run
from ..module_utils.entries import group_id, user_id
from ..module_utils.release_records import STATE
from ..module_utils.slots import SlotError, Slots

_TLS = "/etc/flask-tls"


def belongings(app: dict[str, t.Any], purge: bool) -> list[str]:
    """Every path of the app that is there and shall go."""
    name, paths = app["name"], app["paths"]
    wanted = [paths["root"], paths["slots"], paths["run"], f"{STATE}/{name}", f"/var/cache/{app['unit']}"]
    wanted += [paths["certificate"], f"{_TLS}/selfsigned/{name}", f"{_TLS}/files/{name}"]
    wanted += [f"{_TLS}/certbot/{place}" for place in (f"live/{name}", f"archive/{name}", f"renewal/{name}.conf")]
    if purge:
        wanted += [paths["config"], paths["state"]]
    return [path for path in wanted if os.path.lexists(path)]


def remove(path: str) -> None:
    """Remove a file, a link or a tree, following no link."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def remove_account(name: str) -> None:
    """Remove an account and its group; userdel leaves a group that has other members."""
    if user_id(name) >= 0:
        run(["userdel", name])
    if group_id(name) >= 0:
        run(["groupdel", name])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"name": {"type": "str", "required": True}, "purge": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    try:
        app = bare_app(module.params["name"])
    except AppModelError as error:
        module.fail_json(msg=str(error))
    slots = Slots(app, None, {}, "")
    paths = belongings(app, module.params["purge"])
    accounts = [app["build_user"], *([app["user"]] if module.params["purge"] else [])]
    accounts = [account for account in accounts if user_id(account) >= 0 or group_id(account) >= 0]
    running = [f"slot {slot}" for slot in slots.present()]
    gone = [*running, *paths, *(f"account {account}" for account in accounts)]
    if not module.check_mode:
        try:
            if running:
                slots.stop()
            for path in paths:
                remove(path)
            for account in accounts:
                remove_account(account)
        except (SlotError, CommandError, OSError) as error:
            module.fail_json(msg=f"app {app['name']!r} is not removed in full: {error}. Run it again when the cause is gone")
    module.exit_json(changed=bool(gone), removed=gone, diff={"prepared": "".join(f"remove {line}\n" for line in gone)})


if __name__ == "__main__":
    main()
