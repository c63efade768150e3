# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic needs for some kinds of repositories: a writable configuration for rclone, and keys for ssh."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path

from .._host.path_state import PathState, read_path, write_path

#: The folder of the role's configuration.
CONFIG = Path("/etc/flask-backup")
#: rclone renews the tokens of some services and writes them here.
RCLONE = Path("/var/lib/flask-backup/rclone.conf")
_HOME = Path("/root/.config/rclone/rclone.conf")
_SFTP = re.compile(r"sftp:(?://(?P<host>[^/:]+)(?::(?P<port>\d+))?/|(?P<short>[^:/]+):)")


def access(repository: str) -> tuple[dict[str, str], list[str]]:
    """The environment variables and options that restic needs for a repository."""
    if repository.startswith("rclone:"):
        return {"RCLONE_CONFIG": _rclone_configuration()}, []
    if (found := _SFTP.match(repository)) and (words := ssh_words()):
        port = ["-p", found["port"]] if found["port"] else []
        return {}, ["--option", f"sftp.command={shlex.join(['ssh', *words, *port, found['host'] or found['short'], '-s', 'sftp'])}"]
    return {}, []


def ssh_words() -> list[str]:
    """ssh options for the role's key and host keys. If the role has neither, there are none, and root's own configuration applies."""
    known, key = CONFIG / "known_hosts", CONFIG / "ssh_key"
    words = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"] if known.exists() else []
    words += ["-o", "IdentitiesOnly=yes", "-i", str(key)] if key.exists() else []
    return ["-o", "BatchMode=yes", *words] if words else []


def ssh_advice(output: str) -> str:
    """The variable to look at if ssh could not log in; empty if that is not what failed."""
    if "Host key verification failed" in output:
        return "ssh does not know the host key of the server: put it into backup_known_hosts, as ssh-keyscan prints it, and compare it with the server's"
    if "Permission denied (" in output:
        return "the server refuses the SSH key: give one that it accepts as backup_ssh_key"
    return ""


def _rclone_configuration() -> str:
    """The file that rclone reads and writes. It is a copy of the declared configuration or of root's, and is made again when that changes."""
    source = next((path for path in (CONFIG / "rclone.conf", _HOME) if path.exists()), None)
    if source is None:
        return str(RCLONE)
    content = source.read_bytes()
    noted = RCLONE.with_suffix(".sha256")
    digest = hashlib.sha256(content).hexdigest()
    if read_path(str(noted)).text != digest or not RCLONE.exists():
        os.makedirs(RCLONE.parent, mode=0o700, exist_ok=True)
        write_path(str(RCLONE), PathState("file", content, mode=0o600))
        write_path(str(noted), PathState("file", digest.encode(), mode=0o600))
    return str(RCLONE)
