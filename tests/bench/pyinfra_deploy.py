# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy for pyinfra 3: what the filesets of a host put there, read from `resources.json` beside this file's copy."""

import json
from pathlib import Path

from pyinfra.operations import apt, files, server, systemd  # type: ignore[import-not-found]

HERE = Path(__file__).parent
RESOURCES = json.loads((HERE / "resources.json").read_text())

apt.packages(name="Packages", packages=RESOURCES["packages"])
for account in RESOURCES["accounts"]:
    server.user(name=f"Account {account['name']}", user=account["name"], home=account["home"], shell=account["shell"], ensure_home=False)
for folder in RESOURCES["directories"]:
    files.directory(name=folder["path"], **folder)
for file in RESOURCES["files"]:
    files.put(name=file["dest"], **{**file, "src": str(HERE / file["src"])})
for link in RESOURCES["links"]:
    files.link(name=link["path"], **link)
for unit in RESOURCES["units"]:
    systemd.service(name=unit, service=unit, running=True, enabled=True)
