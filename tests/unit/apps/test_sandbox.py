# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the sandbox that are refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "."}, "wsgi": "shop:app"}
ROOT = "can become root, or read what only root should; give the app what it needs in another way"
OTHERS = "belongs to the system or to other apps, or contains what does; use a separate folder, such as /srv/media"


@pytest.mark.parametrize(
    ("sandbox", "problem"),
    [
        ({"groups": ["docker"]}, f"sandbox.groups: a member of 'docker' {ROOT}"),
        ({"groups": ["flask-blog"]}, "sandbox.groups: 'flask-blog' is an app's own; let both apps share a folder through sandbox.writable_paths"),
        ({"writable_paths": ["/etc"]}, f"sandbox.writable_paths: '/etc' {OTHERS}"),
        ({"writable_paths": ["/etc/flask/shop"]}, f"sandbox.writable_paths: '/etc/flask/shop' {OTHERS}"),
        ({"writable_paths": ["/srv"]}, f"sandbox.writable_paths: '/srv' {OTHERS}"),
        ({"writable_paths": ["/var"]}, f"sandbox.writable_paths: '/var' {OTHERS}"),
        ({"writable_paths": ["/var/lib"]}, f"sandbox.writable_paths: '/var/lib' {OTHERS}"),
        ({"writable_paths": ["/var/lib/flask-blog/uploads"]}, f"sandbox.writable_paths: '/var/lib/flask-blog/uploads' {OTHERS}"),
        (
            {"writable_paths": ["/home/ada/media"]},
            "sandbox.writable_paths: '/home/ada/media' is hidden from the app, like all of /home; use a folder elsewhere, such as /srv/media or /mnt/media",
        ),
        (
            {"netlink": True, "network": False},
            "sandbox.netlink has no meaning with sandbox.network: false, because there are no interfaces then; remove it",
        ),
    ],
)
def test_settings_that_open_too_much_are_refused(sandbox: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, "sandbox": sandbox}])
    assert caught.value.problems == [f"app 'shop': {problem}"]


@pytest.mark.parametrize(
    "sandbox",
    [
        {"groups": ["redis", "video"]},
        {"writable_paths": ["/srv/media", "/mnt/media", "/var/lib/media", "/opt/shop/data"]},
        {"devices": ["/dev/bus/usb/001/002"]},
    ],
    ids=str,
)
def test_ordinary_sandbox_settings_are_accepted(sandbox: dict[str, t.Any]) -> None:
    [app] = complete_apps([{**APP, "sandbox": sandbox}])
    assert {key: app["sandbox"][key] for key in sandbox} == sandbox


@pytest.mark.parametrize("device", ["/dev", "/etc/passwd", "/dev/../etc/passwd", "/dev/a b", "dev/x", "/dev/%n"])
def test_devices_are_below_dev(device: str) -> None:
    with pytest.raises(AppModelError, match="expected a device, such as /dev/ttyUSB0"):
        complete_apps([{**APP, "sandbox": {"devices": [device]}}])
