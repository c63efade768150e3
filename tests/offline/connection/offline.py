# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that runs the collection's stubs on this machine, and refuses anything else."""

from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.connection.local import Connection as Local

TEMPORARY = re.compile(r"/bin/sh -c '(echo ~\w*|.*/ansible-tmp-[0-9.-]+/?.*)'", re.DOTALL)
DOCUMENTATION = """
name: offline
short_description: Run stubs only
description: Refuses every command but a module of the collection, so that no task acts on this machine.
author: Flaskyard maintainers
"""


class Connection(Local):
    """The local connection, for stubs."""

    transport = "offline"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        """Run a stub."""
        # Beside the stubs, only a temporary folder for what an action transfers.
        if b"ansible_collections.flaskyard.server.plugins.modules." not in (in_data or b"") and not TEMPORARY.fullmatch(cmd):
            raise AnsibleError(f"a run without a host has no host to do this on: {cmd}")
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
