#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of all apps of a host, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database
short_description: Give every app its own account and database
version_added: 0.1.0
description:
  - Both have the name of the app's account on the host, C(flask-NAME). The server identifies this account through the socket, so there is no password.
  - In PostgreSQL, the account is a role that can log in and owns its database. In MariaDB, it has all rights in its database. It has no rights elsewhere, and
    no other app's account can connect to the database.
  - If no app declares a database any more, the database stays and the task reports it. M(flaskyard.server.app_absent) with C(purge=true) removes it.
  - If M(flaskyard.server.survey) found everything as declared, the task makes no remote call.
options:
  engine:
    description: The database server.
    type: str
    choices: [mariadb, postgresql]
    required: true
  apps:
    description: Names of the apps that have a database on this server.
    type: list
    elements: str
    required: true
  sealed:
    description: Set by the action plugin.
    type: str
attributes:
  check_mode:
    support: full
    description: Reports what would be created, even if the server is not installed yet.
  diff_mode:
    support: full
    description: Lists what is missing or differs.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Give the app shop a database
  flaskyard.server.database:
    engine: postgresql
    apps: [shop]
"""

RETURN = r"""
steps:
  description: What was missing or different, as sentences.
  type: list
  elements: str
  returned: always
kept:
  description: Databases that no app declares any more.
  type: list
  elements: str
  returned: always
"""

from ..module_utils._databases import databases
from ..module_utils._host.errors import HostError
from ..module_utils._host.sealed import SealedModule


def main() -> None:
    """Compare, and do what there is to do."""
    module = SealedModule(
        argument_spec={
            "engine": {"type": "str", "choices": sorted(databases.ENGINES), "required": True},
            "apps": {"type": "list", "elements": "str", "required": True},
            "sealed": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    engine, apps = module.params["engine"], sorted(module.params["apps"])
    try:
        server = databases.ENGINES[engine]
        bare = module.check_mode and not server.answers()
        todo = databases.steps(engine, apps, server.NOTHING if bare else server.found())
        before, asked = databases.recorded(engine)
        kept = sorted(databases.account(app) for app in {*asked} - {*apps})
        if not module.check_mode:
            databases.carry_out(engine, todo)
            databases.remember(engine, apps, module.wish)
    except (HostError, OSError) as error:
        module.fail_json(msg=f"databases of {engine}: {error}")
    differences = [step.difference for step in todo]
    # Nobody declared that.
    for difference in differences if before == module.wish else []:
        module.warn(f"databases of {engine}: repaired: {difference}")
    for name in kept:
        module.warn(f"no app asks for the database {name} any more; it stays, with its data, until the playbook remove runs for its app with -e purge=true")
    module.exit_json(changed=bool(todo), steps=differences, kept=kept, diff={"prepared": "".join(f"{line}\n" for line in differences)})


if __name__ == "__main__":
    main()
