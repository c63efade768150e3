# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a host has the groups, folders and devices that an app's sandbox names. Otherwise systemd would not start the app, or silently skip a device."""

from __future__ import annotations

import grp
import os
import typing as t

from .._host.errors import HostError


def assert_host_has(sandbox: dict[str, t.Any]) -> None:
    """Refuse groups, folders and devices that do not exist.

    :raises HostError: naming the first, with the next step.
    """
    groups = {entry.gr_name for entry in grp.getgrall()} if sandbox.get("groups") else set()
    for group in sandbox.get("groups", []):
        if group not in groups:
            raise HostError(f"sandbox.groups: this host has no group {group!r}; install the package that makes it (packages), or make it")
    for path in sandbox.get("writable_paths", []):
        if not os.path.isdir(path):
            raise HostError(f"sandbox.writable_paths: this host has no folder {path!r}; make it, or mount what belongs there")
    for device in sandbox.get("devices", []):
        if not os.path.exists(device):
            raise HostError(f"sandbox.devices: this host has no {device!r}; connect the device, or load its driver")
