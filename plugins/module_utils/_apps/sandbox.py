# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key C(sandbox) of an app: groups, folders and devices of the host that the app may use."""

from __future__ import annotations

import typing as t

#: Folders that ProtectHome= and PrivateTmp= hide from an app's units.
HIDDEN = ("/home", "/root", "/tmp", "/var/tmp", "/run/user")
#: Folders of the system, of other apps and of Flaskyard.
_CLOSED = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/srv/flask", "/var/backups", "/var/cache", "/var/lib/flaskyard", "/var/lib/private", "/var/log", "/var/spool"),
)
#: A member of one of these groups can become root, or read what only root should. Sources: Debian's base-passwd; docker and LXD on their sockets.
_OF_ROOT = {"adm", "admin", "disk", "docker", "incus", "incus-admin", "kmem", "libvirt", "lxd", "root", "shadow", "sudo", "systemd-journal", "wheel"}


def sandbox_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems that the patterns of single keys cannot find."""
    sandbox = app.get("sandbox", {})
    for group in sandbox.get("groups", []):
        if group in _OF_ROOT:
            yield f"sandbox.groups: a member of {group!r} can become root, or read what only root should; give the app what it needs in another way"
        elif group.startswith("flask-"):
            yield f"sandbox.groups: {group!r} is an app's own; let both apps share a folder through sandbox.writable_paths"
    for path in sandbox.get("writable_paths", []):
        if _is_closed(path):
            yield f"sandbox.writable_paths: {path!r} belongs to the system or to other apps, or contains what does; use a separate folder, such as /srv/media"
        elif hidden := next((top for top in HIDDEN if _overlap(path, top)), None):
            yield f"sandbox.writable_paths: {path!r} is hidden from the app, like all of {hidden}; use a folder elsewhere, such as /srv/media or /mnt/media"
    if sandbox.get("netlink") and not sandbox.get("network", True):
        yield "sandbox.netlink has no meaning with sandbox.network: false, because there are no interfaces then; remove it"


def _is_closed(path: str) -> bool:
    return any(_overlap(path, top) for top in _CLOSED) or path.startswith("/var/lib/flask-") or path in ("/var", "/var/lib")


def _overlap(path: str, other: str) -> bool:
    """Whether two paths are the same, or one is below the other."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
