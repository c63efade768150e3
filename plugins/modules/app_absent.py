#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove one app from its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: app_absent
short_description: Remove one app from its host
version_added: 0.1.0
description:
  - Stops the app's slots. Removes its code, virtualenvs, configuration, certificates and build account.
  - Keeps the app's data, database and secret key, and the account that owns the data, unless O(purge=true).
options:
  name:
    description: Name of the app.
    type: str
    required: true
  purge:
    description: Also remove the data, the database, the secret key and the account.
    type: bool
    default: false
  by:
    description: Set by the action plugin to the person who runs the play, for the deploy log.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Lists what would be removed.
  diff_mode:
    support: full
    description: Lists what is removed.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Remove the app shop and keep its data
  flaskyard.server.app_absent:
    name: shop
"""

RETURN = r"""
removed:
  description: Removed paths, databases and accounts. In check mode, those that would be removed.
  type: list
  elements: str
  returned: always
kept:
  description: The app's database and role, if they stay.
  type: list
  elements: str
  returned: always
"""

import os
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._apps.model import AppModelError, bare_app
from ..module_utils._apps.stores import QUEUES, queue_place
from ..module_utils._certificates.survey import forget as forget_certificates
from ..module_utils._databases import databases
from ..module_utils._host.accounts import group_id, user_id
from ..module_utils._host.actor import act
from ..module_utils._host.commands import run
from ..module_utils._host.errors import HostError
from ..module_utils._host.paths import APPS
from ..module_utils._releases.deploy_log import logged
from ..module_utils._releases.records import Records
from ..module_utils._slots.slots import Slots
from ..module_utils._slots.survey import present

_TLS = "/etc/flask-tls"
_BACKUP = "/var/lib/flask-backup"


def belongings(app: dict[str, t.Any], purge: bool) -> list[str]:
    """Every path of the app that is there and shall go."""
    name, paths = app["name"], app["paths"]
    wanted = [paths["root"], paths["slots"], paths["run"], f"{APPS}/{name}", f"/var/cache/{app['unit']}"]
    wanted += [paths["certificate"], f"{_TLS}/selfsigned/{name}", f"{_TLS}/files/{name}"]
    wanted += [f"{_TLS}/certbot/{place}" for place in (f"live/{name}", f"archive/{name}", f"renewal/{name}.conf")]
    if purge:
        wanted += [paths["config"], paths["state"], f"{_BACKUP}/restore-{name}"]
        wanted += [f"{folder}/{queue_place(name, queue)}" for queue in QUEUES for folder in ("/var/lib", "/var/lib/private")]
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
        argument_spec={"name": {"type": "str", "required": True}, "purge": {"type": "bool", "default": False}, "by": {"type": "str", "default": ""}},
        supports_check_mode=True,
    )
    act("remove", module.params["by"])
    try:
        app = bare_app(module.params["name"])
    except AppModelError as error:
        module.fail_json(msg=str(error))
    slots = Slots(app)
    paths = belongings(app, module.params["purge"])
    accounts = [app["build_user"], *([app["user"]] if module.params["purge"] else [])]
    accounts = [account for account in accounts if user_id(account) >= 0 or group_id(account) >= 0]
    running = [f"slot {slot}" for slot in slots.present()]
    data = databases.belongings(app["name"])
    held = [step.difference for steps in data.values() for step in steps]
    gone = [*running, *(held if module.params["purge"] else []), *paths, *(f"account {account}" for account in accounts)]
    if gone and not module.check_mode:
        try:
            with logged("remove", Records(app)):
                forget_certificates(app["name"])
                if running:
                    slots.stop()
                    # systemd made it for the instances of the slots' units, and would keep it until the next boot.
                    slice_name = app["unit"].replace("-", r"\x2d")
                    run(["systemctl", "stop", f"system-{slice_name}.slice"], check=False)
                if module.params["purge"]:
                    for engine, steps in data.items():
                        databases.carry_out(engine, steps)
                for path in paths:
                    remove(path)
                for account in accounts:
                    remove_account(account)
        except (HostError, OSError) as error:
            module.fail_json(msg=f"app {app['name']!r} is not removed in full: {error}. Run it again when the cause is gone")
    if not (gone or held):
        module.warn(f"this host has nothing of an app {app['name']!r}; it has {', '.join(present()) or 'no apps'}")
    kept = [] if module.params["purge"] else held
    module.exit_json(changed=bool(gone), removed=gone, kept=kept, diff={"prepared": "".join(f"remove {line}\n" for line in gone)})


if __name__ == "__main__":
    main()
