# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic needs for some kinds of repositories: a writable configuration for rclone, and keys for ssh."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path

from .._host.commands import CommandError, run
from .._host.path_state import PathState, read_path, write_path

#: The folder of the role's configuration.
CONFIG = Path("/etc/flask-backup")
#: rclone renews the tokens of some services and writes them here.
RCLONE = Path("/var/lib/flask-backup/rclone.conf")
_HOME = Path("/root/.config/rclone/rclone.conf")
#: Seconds to wait for an SSH server that does not answer.
_PATIENCE = 10
#: What ssh says, and what to do about it.
_ADVICE = {
    "Host key verification failed": "ssh does not know the host key of the server: put it into backup_known_hosts, as ssh-keyscan prints it, "
    "and compare it with the server's",
    "Permission denied (": "the server refuses the SSH key: give one that it accepts as backup_ssh_key",
}
_SFTP = re.compile(r"sftp:(?://(?P<host>[^/:]+)(?::(?P<port>\d+))?/|(?P<short>[^:/]+):)")


def access(repository: str) -> tuple[dict[str, str], list[str]]:
    """The environment variables and options that restic needs for a repository."""
    if repository.startswith("rclone:"):
        return {"RCLONE_CONFIG": _rclone_configuration()}, []
    if (command := _ssh(repository)) and _options():
        return {}, ["--option", f"sftp.command={shlex.join(command)}"]
    return {}, []


def why_refused(repository: str, output: str) -> str:
    """What ssh says about a connection for which restic could not start SFTP, and the variable to look at. Empty if that is not what failed.

    restic ends as soon as ssh has closed the connection, often before it has read what ssh says. So ssh is asked by itself.

    :param output: what restic printed.
    """
    if "unable to start the sftp session" not in output or not (command := _ssh(repository)):
        return ""
    command[1:1] = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={_PATIENCE}"]
    try:
        done = run(command, timeout=3 * _PATIENCE, check=False)
    except CommandError as error:
        return str(error)
    said = [line for line in done.stderr.splitlines()[-6:] if line not in output]
    return "\n".join([*said, *(words for sign, words in _ADVICE.items() if sign in done.stderr)])


def _ssh(repository: str) -> list[str]:
    """The ssh command that opens SFTP for a repository. Empty if the repository is elsewhere."""
    if not (found := _SFTP.match(repository)):
        return []
    port = ["-p", found["port"]] if found["port"] else []
    return ["ssh", *_options(), *port, found["host"] or found["short"], "-s", "sftp"]


def _options() -> list[str]:
    """ssh options for the role's key and host keys. If the role has neither, there are none, and root's own configuration applies."""
    known, key = CONFIG / "known_hosts", CONFIG / "ssh_key"
    words = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"] if known.exists() else []
    words += ["-o", "IdentitiesOnly=yes", "-i", str(key)] if key.exists() else []
    return ["-o", "BatchMode=yes", *words] if words else []


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
