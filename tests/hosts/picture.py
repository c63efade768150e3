# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot of a host, for comparisons. Runs on the host with nothing but Python, and prints JSON.

What differs between hosts that were provisioned alike is written alike: names of slots, keys, certificates, addresses.
"""

from __future__ import annotations

import fnmatch
import grp
import hashlib
import json
import os
import pwd
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOTS = ["/etc", "/run", "/srv", "/opt", "/usr/local", "/var/lib/flask*", "/var/cache/flask*", "/tmp", "/var/tmp"]
#: Not looked into: what the system itself keeps, what is downloaded, and releases, whose name says what is in them.
CLOSED = [
    *["/run/systemd/*", "/run/udev", "/run/log", "/run/user", "/run/sudo"],
    *["/srv/flask/*/cache", "/srv/flask/*/source", "/srv/flask/*/releases/*", "/srv/flask/*/venvs/*", "/opt/flaskyard/*"],
    *["/tmp/systemd-private-*", "/var/tmp/systemd-private-*"],
]
#: Not there, as far as the picture goes: accounts have separate entries, the rest is the container's, the test's or a cache.
IGNORED = [
    *["/etc/passwd*", "/etc/shadow*", "/etc/group*", "/etc/gshadow*", "/etc/sub[ug]id*", "/etc/.pwd.lock"],
    *["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/etc/ld.so.cache", "/run/.containerenv", "*/__pycache__"],
    *["/tmp/ansible_*", "/tmp/*systemd-logind*", "/var/tmp/*systemd-logind*", "/run/systemd/*.pid", "/run/systemd/transient"],
]
#: The content differs from host to host or from run to run.
RANDOM = [
    *["/etc/flask/*/secret_key", "/etc/flask/*/manifest.json", "/etc/flask/*/record.json", "/etc/flask-tls/*.pem", "/etc/flask-backup/password"],
    *["/run/*.pid", "/run/flask-supervisor/*", "/var/lib/flaskyard/*.json", "/var/lib/flaskyard/apps/*"],
]
#: The number of a process in the name of its socket.
PID = r"(?<=[a-z]\.)\d+"
#: Programs of whoever looks.
VISITORS = ["sshd-session", "bash", "python3", "ps"]


def matches(path: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def output(*command: str) -> list[str]:
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()


def aliases() -> dict[str, str]:
    """What only this host says, and the word for it. Slots that are not current keep their names, and so stand out."""
    found = {os.uname().nodename: "<host>", Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""): "<boot>"}
    for line in output("ip", "-4", "-o", "address", "show", "scope", "global"):
        found[line.split()[3].split("/")[0]] = "<address>"
    for link in Path("/run").glob("flask-*/*.sock"):
        if link.is_symlink():
            found[link.readlink().stem] = "<slot>"
    for secret in Path("/etc/flask").glob("*/secret_key"):
        found[secret.read_text().strip()] = "<secret key>"
    for certificate in Path("/etc/flask-tls/live").glob("*"):
        found[certificate.readlink().name] = "<certificate>"
    return found


class Picture:
    """Entries by what they are called."""

    def __init__(self) -> None:
        self._aliases = aliases()
        self._pattern = re.compile(r"(?<![a-zA-Z0-9])(" + "|".join(map(re.escape, self._aliases)) + r")(?!\w)")

    def alike(self, text: str) -> str:
        """Text with the words for what only this host says."""
        return re.sub(r"127\.77\.\d+\.\d+([:/]\d+| tcp dport \d+)?", "<loopback>", self._pattern.sub(lambda match: self._aliases[match[1]], text))

    def entries(self) -> dict[str, str]:
        every = [self.files(), self.units(), self.sockets(), self.processes(), self.accounts()]
        return {self.alike(name): self.alike(value) for part in every for name, value in part}

    # --- files

    def files(self) -> Iterator[tuple[str, str]]:
        for pattern in ROOTS:
            for top in sorted(Path("/").glob(pattern[1:])):
                yield from self._below(str(top))

    def _below(self, path: str) -> Iterator[tuple[str, str]]:
        if matches(path, IGNORED):
            return
        # A name that mkdtemp made up goes.
        yield re.sub(r"(systemd-private-.*)-\w{6}$", r"\1", path), self._looks(path)
        if os.path.isdir(path) and not os.path.islink(path) and not matches(path, CLOSED):
            for name in sorted(os.listdir(path)):
                yield from self._below(os.path.join(path, name))

    def _looks(self, path: str) -> str:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return f"link to {os.readlink(path)}"
        words = [stat.filemode(status.st_mode), pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name]
        if stat.S_ISREG(status.st_mode) and not matches(path, RANDOM):
            words.append(hashlib.sha256(self.alike(Path(path).read_bytes().decode("latin-1")).encode()).hexdigest()[:12])
        return " ".join(words)

    # --- what runs

    def units(self) -> Iterator[tuple[str, str]]:
        """Units that are active or have failed, and those that start at boot. The other types are there when these need them."""
        kinds = "service,socket,timer,path"
        for line in output("systemctl", "list-units", "--all", "--plain", "--no-legend", f"--type={kinds}", "--state=active,activating,failed"):
            name, dummy, state, *_rest = line.split()
            if not re.match(r"user@|user-|run-", name):
                yield f"unit {name}", state
        for line in output("systemctl", "list-unit-files", "--plain", "--no-legend", "--state=enabled,enabled-runtime,linked"):
            yield f"at boot {line.split()[0]}", line.split()[1]

    def sockets(self) -> Iterator[tuple[str, str]]:
        """Listening sockets, and the programs that have them. systemd's own are there on demand."""
        for line in output("ss", "--no-header", "--listening", "--tcp", "--unix", "--processes"):
            dummy, dummy, dummy, dummy, where, rest = line.split(maxsplit=5)
            names = set(re.findall(r'\("([^"]+)"', rest))
            if not where.startswith("/run/systemd/"):
                yield f"socket {re.sub(PID, '<pid>', where)}", " ".join(sorted(names))

    def processes(self) -> Iterator[tuple[str, str]]:
        """Programs by account; how many there are of one is load."""
        for line in output("ps", "-eo", "user:32=,comm="):
            user, name = line.split(maxsplit=1)
            if name not in VISITORS:
                yield f"process {user} {name}", "runs"

    def accounts(self) -> Iterator[tuple[str, str]]:
        for user in pwd.getpwall():
            yield f"user {user.pw_name}", f"{user.pw_dir} {user.pw_shell}"
        for group in grp.getgrall():
            yield f"group {group.gr_name}", " ".join(sorted(group.gr_mem))


def packages() -> dict[str, list[str]]:
    """The paths of each installed package."""
    listed = output("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${binary:Package}\n")
    names = [line[3:] for line in listed if line.startswith("ii ")]
    paths = "\n".join(output("dpkg-query", "--listfiles", *names)).split("\n\n")
    return {name: each.split("\n") for name, each in zip(names, paths, strict=True)}


if __name__ == "__main__":
    print(json.dumps({"entries": Picture().entries(), "packages": packages(), "altered": output("dpkg", "--verify")}))
