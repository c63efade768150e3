# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has what an app's sandbox is to let through. systemd would start nothing without it, or say nothing of a device."""

from __future__ import annotations

import grp
import os
import typing as t

from .._host.errors import HostError


def assert_host_has(sandbox: dict[str, t.Any]) -> None:
    """Refuse groups, folders and devices that are not there.

    :raises HostError: naming the first, with the way out.
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
