# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a step of C(release_steps) as another account, in a transient systemd unit that can write nothing but what it must."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import subprocess
import time
import typing as t
import uuid

from . import release_steps
from .release_records import ReleaseError
from .release_steps import archive, commands, entry, git, in_place, manifest, public, tree, virtualenv
from .secret_text import mask

#: Debian's own interpreter; the one Ansible uses may lie where the sandbox hides it.
_PYTHON = "/usr/bin/python3"

_PROPERTIES = (
    "Type=exec",
    "UMask=0022",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "KeyringMode=private",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "InaccessiblePaths=-/etc/flask -/etc/flask-tls -/var/lib/flaskyard",
)

#: The program and its modules, as text.
_PROGRAM = inspect.getsource(entry)
_SOURCES = {
    module.__name__.rpartition(".")[2] if module is not release_steps else "": inspect.getsource(module)
    for module in (release_steps, archive, commands, git, in_place, manifest, public, tree, virtualenv)
}


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """Who runs the steps of one app, and in which environment.

    :param app: name of the app, for messages.
    :param user: the account.
    :param group: a group that gives it the way to its own directories.
    :param environment: may hold secrets: it goes through a pipe and is on no command line.
    :param secrets: texts that no message may hold.
    """

    app: str
    user: str
    group: str
    environment: dict[str, str]
    secrets: frozenset[str]

    def run(self, step: str, arguments: dict[str, t.Any], writable: list[str], timeout: float, units: str | None = None, **environment: str) -> t.Any:
        """Run one step and return its result.

        :param step: module and function of C(release_steps), such as C(tree.prepare).
        :param writable: the only paths, with all below them, that the step can change.
        :param timeout: seconds.
        :param units: beginning of the unit's name, by which a later run can stop a step whose own run was killed. The rest is
            never the same twice: systemd forgets a collected unit some time after it has ended, and refuses the name until then.
        :raises ReleaseError: with the last lines of what the failing command printed.
        """
        for path in writable:
            if not os.path.isdir(path):
                raise ReleaseError(f"{path} does not exist; the role app makes it, run it first")
        job = {"sources": _SOURCES, "step": step, "arguments": arguments, "environment": {**self.environment, **environment}}
        program = f"{_PROGRAM}\nmain(**json.loads({json.dumps(job)!r}))\n"
        properties = [*_PROPERTIES, f"RuntimeMaxSec={timeout}", *(f"ReadWritePaths={path}" for path in writable)]
        command = [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--description=Flaskyard: {step} of {self.app}"),
            *([f"--unit={units}{uuid.uuid4().hex}.service"] if units else []),
            *(f"--property={item}" for item in (f"User={self.user}", f"SupplementaryGroups={self.group}", *properties)),
            *(_PYTHON, "-I", "-"),
        ]
        started = time.monotonic()
        done = subprocess.run(command, input=program, capture_output=True, text=True, errors="replace", check=False)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            if time.monotonic() - started >= timeout:
                raise ReleaseError(f"{step} did not end within {timeout:g} s and was stopped; if it needs longer, raise build_timeout_seconds") from None
            printed = (done.stderr or done.stdout).strip()[-2000:]
            raise ReleaseError(mask(f"{step} ended with {done.returncode} and no answer (killed? out of memory?): {printed}", self.secrets)) from None
        if "error" in answer:
            raise ReleaseError(mask(explain(answer["error"], answer["output"]), self.secrets))
        return answer["result"]


#: What a failing tool prints, why that is, and the way out.
_REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "the disk is full; free some (df -h, and keep_releases of the app), then run again",
    ),
    (
        ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"),
        "the server's host key is not the one known; if that is right, give the new one in source.known_hosts",
    ),
    (
        ("Permission denied (publickey", "Authentication failed", "could not read Username", "could not read Password", "error: 401", "error: 403"),
        "the server refused the access; give source.deploy_key, a URL with a token, or forward an agent that has the key (ssh_args: -o ForwardAgent=yes)",
    ),
    (
        ("does not appear to be a git repository", "Repository not found", "repository not found", "not found: did you run git update-server-info"),
        "there is no such repository, or these credentials may not see it; check source.git",
    ),
    (
        ("dubious ownership",),
        "the repository on this host belongs to another account; give it to the app's build account (chown), or serve it over SSH",
    ),
    (
        ("Could not resolve host", "Temporary failure in name resolution", "Name or service not known", "dns error", "failed to lookup address"),
        "the host name cannot be resolved; check its spelling and the host's DNS, or name a proxy in python_environment",
    ),
    (
        ("Connection refused", "Connection timed out", "Network is unreachable", "No route to host", "Failed to connect", "Could not connect"),
        "the server cannot be reached from this host; check the address, the firewall, and the proxy in python_environment",
    ),
    (
        ("certificate verify failed", "invalid peer certificate", "SSL certificate problem", "UnknownIssuer"),
        "the server's certificate is not trusted; give the authority's certificate to the host (python_ca_certificates)",
    ),
    (
        ("hashes are required", "THESE PACKAGES DO NOT MATCH THE HASHES", "Hash mismatch", "must have their versions pinned", "pinned with `==`"),
        "the hashes in the requirements do not fit what would be installed; lock the requirements again",
    ),
    (
        ("No matching distribution", "No solution found", "was not found in the package registry", "Could not find a version"),
        "a package or version that is asked for is not in the index; check its name, its version and the Python it needs",
    ),
    (
        ("ensurepip is not available",),
        "the interpreter has no venv module; install Debian's python3-venv, or choose installer: uv",
    ),
)


def explain(error: str, output: str) -> str:
    """What failed, why as far as that can be told, the way out, and the tool's own last words."""
    reason = next((reason for marks, reason in _REASONS if any(mark in error + output for mark in marks)), None)
    return "\n".join(filter(None, [error, reason, output]))
