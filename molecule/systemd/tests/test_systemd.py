# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role systemd: the journal survives a reboot, and Flask services share a memory limit."""

from __future__ import annotations

from collections.abc import Callable

from testinfra.host import Host


def test_journal_is_on_disk(host: Host) -> None:
    with host.sudo():
        machine = host.file("/etc/machine-id").content_string.strip()
        assert host.file(f"/var/log/journal/{machine}/system.journal").exists


def test_services_of_the_slice_share_its_limit(host: Host, unit_property: Callable[[str, str], str]) -> None:
    with host.sudo():
        host.check_output("systemd-run --slice=flask.slice --unit=slice-test --collect sleep 60")
        assert unit_property("slice-test.service", "Slice") == "flask.slice"
        assert unit_property("flask.slice", "MemoryMax") == str(2 * 1024**3)
        host.check_output("systemctl stop slice-test")
