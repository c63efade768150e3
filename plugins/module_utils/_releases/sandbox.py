# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a step of C(steps) as another account, in a transient systemd unit that can write only what it must."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import inspect
import json
import os
import re
import subprocess
import time
import typing as t
import uuid

from . import steps
from .environment import Audience, step_environment
from .records import ReleaseError
from .secret_text import is_secret_name, mask, secrets_of
from .settings import Settings
from .ssh_agent import AGENTS
from .steps import (
    archive,
    commands,
    compilers,
    entry,
    git,
    git_dependencies,
    in_place,
    indexes,
    large_files,
    manifest,
    project,
    public,
    requirements,
    state,
    tree,
    virtualenv,
)

#: Debian's interpreter. The one that Ansible uses may be in a folder that the sandbox hides.
_PYTHON = "/usr/bin/python3"

#: Addresses that no step may reach: the metadata services of clouds, which hand out the host's credentials, and slots' private servers.
DENIED_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "100.100.100.200", "127.77.0.0/16")

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
    "PrivateIPC=yes",
    "PrivateTmp=yes",
    # Each step has a user namespace: two runs use the same account, and neither may look into the other's processes.
    "PrivateUsers=yes",
    "TemporaryFileSystem=/dev/shm:mode=1777",
    "DevicePolicy=closed",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "KeyringMode=private",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
    f"IPAddressDeny={' '.join(DENIED_ADDRESSES)}",
    # The kernel kills what grows too large, builds before services, and the step reports it.
    "OOMPolicy=continue",
    "OOMScoreAdjust=500",
    "InaccessiblePaths=-/etc/flask -/etc/flask-tls -/etc/flaskyard -/var/lib/flaskyard",
)

#: The credentials that each step gets.
_AUDIENCES: dict[str, Audience] = {
    "git.resolve": "git",
    "git.tag_of": "git",
    "tree.prepare": "git",
    "tree.finish": "code",
    "virtualenv.install": "install",
    "virtualenv.add": "install",
    "virtualenv.check": "code",
    "virtualenv.assert_new": "code",
    "in_place.look": "code",
    "public.close": "access",
    "public.share": "access",
    "state.seed": "access",
}

#: The program that runs in the unit and its modules, as text.
_PROGRAM = inspect.getsource(entry)
_MODULES = (
    steps,
    archive,
    commands,
    compilers,
    git,
    git_dependencies,
    in_place,
    indexes,
    large_files,
    manifest,
    project,
    public,
    requirements,
    state,
    tree,
    virtualenv,
)
_SOURCES = {module.__name__.rpartition(".")[2] if module is not steps else "": inspect.getsource(module) for module in _MODULES}


class Sandbox:
    """Runs the steps of one app.

    :param app: the app as the model completes it.
    :param user: the account; the build account by default.
    """

    def __init__(self, app: dict[str, t.Any], settings: Settings, user: str | None = None) -> None:
        self._app: str = app["name"]
        self._account: tuple[str, str] = (user or app["build_user"], app["user"])
        self._settings = settings
        self._paths: dict[str, str] = app["paths"]
        #: Texts that no message may contain.
        self.secrets = secrets_of_app(app, settings.given_environment)

    def run(
        self,
        step: str,
        arguments: dict[str, t.Any],
        writable: t.Sequence[str],
        timeout: float,
        units: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> t.Any:
        """Run one step and return its result.

        :param step: module and function of C(steps), such as C(tree.prepare).
        :param writable: the only paths, with all below them, that the step can change.
        :param timeout: seconds.
        :param units: prefix of the unit's name, by which a later run can stop the step of a killed run. The rest of the name is
            unique: systemd forgets a collected unit only some time after it has ended, and refuses the name until then.
        :param environment: variables for this step only. Like all others they go through a pipe, never on a command line.
        :raises ReleaseError: with the last lines of what the failing command printed.
        """
        for path in writable:
            if not os.path.isdir(path):
                raise ReleaseError(f"{path} does not exist; the role app makes it, run it first")
        audience = _AUDIENCES[step]
        os.makedirs(AGENTS, mode=0o711, exist_ok=True)  # InaccessiblePaths= cannot hide a missing folder
        variables = {**step_environment(audience, self._settings.given_environment), **(environment or {})}
        job = {"sources": _SOURCES, "step": step, "arguments": arguments, "environment": variables}
        program = f"{_PROGRAM}\nmain(**json.loads({json.dumps(job)!r}))\n"
        command = [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--description=Flaskyard: {step} of {self._app}"),
            *([f"--unit={units}{uuid.uuid4().hex}.service"] if units else []),
            *(f"--property={item}" for item in self._properties(audience, writable, timeout)),
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
            message = explain(f"{step} ended with {done.returncode} and no answer", printed)
            raise ReleaseError(mask(message, self.secrets)) from None
        if "error" in answer:
            raise ReleaseError(mask(explain(answer["error"], answer["output"]), self.secrets))
        return answer["result"]

    def _properties(self, audience: Audience, writable: t.Sequence[str], timeout: float) -> t.Iterator[str]:
        user, group = self._account
        yield from (f"User={user}", f"SupplementaryGroups={group}", *_PROPERTIES)
        yield f"RuntimeMaxSec={timeout}"
        memory = self._settings.build_memory_max_mb
        yield f"MemoryMax={f'{memory}M' if memory else '75%'}"
        yield f"TasksMax={self._settings.build_tasks_max}"
        # The account builds only one app, so a limit by account works too where the kernel has no limit by unit.
        yield f"LimitNPROC={self._settings.build_tasks_max}"
        yield from (f"ReadWritePaths={path}" for path in writable)
        if audience == "access":
            # The step needs the names of other accounts. No code of the app runs in it.
            yield from ("PrivateUsers=no", "SystemCallFilter=@chown")
        # Hide everything that outlives a step from steps that do not need it.
        hidden = [] if audience == "git" else [self._paths["source"], AGENTS]
        hidden += [] if self._paths["cache"] in writable else [self._paths["cache"]]
        yield f"InaccessiblePaths={' '.join(f'-{path}' for path in hidden)}"


def secrets_of_app(app: dict[str, t.Any], environment: dict[str, str]) -> frozenset[str]:
    """The secrets in an app's build settings, as far as they can be recognised. No message may contain them."""
    named = {value for name, value in environment.items() if is_secret_name(name) and value}
    command = app.get("build_command") or ""
    assigned = {value for name, value in re.findall(r"(\w+)=([^\s;&|'\"]+)", command) if is_secret_name(name)}
    return frozenset(secrets_of([app["source"].get("location") or "", command, *environment.values()]) | named | assigned)


#: What a failing tool prints, and the reason with the next step.
_REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "the disk is full, or has no inodes left; free some (df -h, df -i, and keep_releases of the app), then run again",
    ),
    (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", "differs from the key"),
        "the server's host key is not the one known; if that is right, give the new one in source.known_hosts",
    ),
    (
        ("Host key verification failed", "host key is known for"),
        "the server's host key is not known; put the output of 'ssh-keyscan HOST' into source.known_hosts after you have compared it with what the server's "
        "operator publishes, or trust the key that it shows first with source.accept_new_host_key: true",
    ),
    (
        ("transport 'http' not allowed", "transport 'git' not allowed"),
        "the repository leads to http:// or git://, where anybody on the way can change the code; use https or ssh there, or set source.insecure: true",
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
        "the repository on this host belongs to another account; give it to the app's build account, flask-NAME-b (chown -R), or serve it over SSH",
    ),
    (
        ("Could not resolve host", "Temporary failure in name resolution", "Name or service not known", "dns error", "failed to lookup address"),
        "the host name cannot be resolved; check its spelling and the host's DNS, or name a proxy in python_environment. "
        "If /etc/resolv.conf names 169.254.169.254, which builds cannot reach, install systemd-resolved",
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
        (
            "No matching distribution",
            "was not found in the package registry",
            "Could not find a version",
            "there is no version of",
            "available and you require",
        ),
        "a package or version that is asked for is not in the index; check its name, its version and the Python it needs",
    ),
    (
        ("ResolutionImpossible", "No solution found"),
        "packages that are asked for exclude each other; the tool's output names them",
    ),
    (
        ("ended with 137", "killed by signal 9", "ended with -9", "out of memory", "Cannot allocate memory", "MemoryError"),
        "it was killed or found no memory; if it needs more than builds may have, raise app_build_memory_max_mb",
    ),
    (
        ("Resource temporarily unavailable", "can't start new thread"),
        "it has more processes and threads than builds may have; if it needs them, raise app_build_tasks_max",
    ),
    (
        ("setuptools-scm was unable to detect version", "setuptools_scm was unable to detect version"),
        "the version comes from a tag of git, and the source has none at its commit; tag it, or set SETUPTOOLS_SCM_PRETEND_VERSION in python_environment",
    ),
    (
        ("ensurepip is not available",),
        "the interpreter has no venv module; install Debian's python3-venv, or choose installer: uv",
    ),
)


def explain(error: str, output: str) -> str:
    """What failed, the reason and the next step if they are known, and the tool's last output."""
    reason = next((reason for marks, reason in _REASONS if any(mark in error + output for mark in marks)), None)
    return "\n".join(filter(None, [error, reason, output]))
