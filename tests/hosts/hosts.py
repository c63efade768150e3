# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway Debian hosts for tests and demonstrations.

Each host is a container that boots systemd and is reached over SSH, like a bare server: what is in it is what a minimal
cloud image has, and nothing else. `README.md` beside this file shows the commands.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import ipaddress
import json
import os
import resource
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "hosts"
KEY = CACHE / "id_ed25519"
NETWORK = "flaskyard"
PACKAGES = ("podman", "runc", "netavark", "iptables", "uidmap", "mmdebstrap", "openssh-client")
RELEASES = ("bullseye", "bookworm", "trixie")  # the first is older than what is supported: tests see it refused
BARE = "systemd,systemd-sysv,dbus,openssh-server,sudo,python3,ca-certificates,iproute2"
EXTRA_CA_CERTIFICATES = Path("/usr/local/share/ca-certificates")
SSH_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes -o ConnectTimeout=20"
BOOT_TIMEOUT_SECONDS = 60
INOTIFY_INSTANCES, ENOUGH_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances"), 4096

CA_NAME = "ca.test"
CA_SETUP = Path(__file__).with_name("ca.sh")
#: Only a change is written: whoever reads the file while it is written finds no name.
NAMES_SETUP = 'printf "%s\\n" "$@" | cmp -s - /etc/hosts || printf "%s\\n" "$@" > /etc/hosts'
ACME_PORT, MANAGEMENT_PORT = 14000, 15000
NINETY_DAYS = 90 * 24 * 3600
ENGINE_FAILED = 125  # from here on an exit status is the engine's, not the script's: podman-exec(1)


class HostsError(Exception):
    """Something that a person must repair; the text says what and how, and `status` how a program ended."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Host:
    """One running container, as its labels describe it."""

    name: str
    prefix: str
    kind: str  # host | ca
    release: str
    user: str
    address: str
    domains: tuple[str, ...]

    @property
    def container(self) -> str:
        return f"{self.prefix}-{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        fields = {"name": self.name, "prefix": self.prefix, "kind": self.kind, "release": self.release}
        return {**fields, "user": self.user, "address": self.address, "domains": " ".join(self.domains)}


# --- the container engine ----------------------------------------------------------------------------------------------


def run(*argv: str, input: str | None = None, check: bool = True) -> str:
    """Run a program and return its standard output.

    Raises:
        HostsError: it failed and `check` is true; carries the program's own words.
    """
    done = subprocess.run(argv, input=input, text=True, capture_output=True, check=False)
    if check and done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise HostsError(f"`{' '.join(argv)[:200]}` ended with {done.returncode}:\n{said}", done.returncode)
    return done.stdout


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the machine-wide lock `name`: several suites may run side by side."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare_machine() -> None:
    """Install the container engine if it is missing, make the SSH key and the network."""
    with lock("machine"):
        if not all(map(shutil.which, ("podman", "mmdebstrap", "ssh"))):
            progress("installing " + " ".join(PACKAGES))
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for argv in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "--no-install-recommends", "-y", *PACKAGES]):
                subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
        # Every systemd takes about six, and the kernel's default is 128 for all hosts together.
        if int(INOTIFY_INSTANCES.read_text()) < ENOUGH_INSTANCES:
            INOTIFY_INSTANCES.write_text(str(ENOUGH_INSTANCES))
        if not KEY.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "flaskyard-test-hosts", "-f", str(KEY))
        if subprocess.run(["podman", "network", "exists", NETWORK], check=False).returncode != 0:
            run("podman", "network", "create", "--disable-dns", NETWORK)


def containers_conf(image: str) -> None:
    """Point CONTAINERS_CONF at a work-around if, and only if, this machine cannot start `image` without one.

    Two causes are known: crun before 1.9 refuses hybrid control groups, and a machine without CAP_SYS_RESOURCE
    refuses the engine's default limits.
    """
    path = CACHE / "containers.conf"
    with lock("machine"):
        if not path.exists():
            trial = ["podman", "run", "--rm", "--privileged", "--network=none", image, "true"]
            plain = subprocess.run(trial, text=True, capture_output=True, check=False)
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            processes = min(resource.getrlimit(resource.RLIMIT_NPROC)[1], int(Path("/proc/sys/kernel/pid_max").read_text()))
            limits = f'default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]'
            engine = '\n[engine]\nruntime = "runc"' if shutil.which("runc") else ""
            path.write_text("" if plain.returncode == 0 else f"[containers]\n{limits}\n{engine}\n")
            if plain.returncode != 0:
                tried = subprocess.run(trial, env={**os.environ, "CONTAINERS_CONF": str(path)}, text=True, capture_output=True, check=False)
                if tried.returncode != 0:
                    path.unlink()
                    raise HostsError(f"this machine starts no container, neither plainly:\n{plain.stderr}\nnor with runc and lower limits:\n{tried.stderr}")
    if path.stat().st_size:
        os.environ["CONTAINERS_CONF"] = str(path)


def image(release: str, *extra: str) -> str:
    """Return the name of the image of a bare Debian `release` (plus `extra` packages), building it the first time."""
    certificates = sorted(EXTRA_CA_CERTIFICATES.glob("*.crt"))
    recipe = [f"--include={','.join((BARE, *extra))}"]
    hooks = [
        'chroot "$1" useradd --create-home --shell /bin/bash admin',
        'echo "admin ALL=(ALL:ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/admin"',
        'chmod 0440 "$1/etc/sudoers.d/admin"',
        # What lives for minutes need not survive a power cut: a third of the time of installing packages is waiting for the disk.
        'echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/throwaway"',
        # No kernel modules in a container: without this the system counts as degraded.
        'ln -s /dev/null "$1/etc/systemd/system/systemd-modules-load.service"',
        *(f"copy-in {path} {EXTRA_CA_CERTIFICATES}" for path in certificates),
        'chroot "$1" update-ca-certificates',
    ]
    recipe += [f"--customize-hook={hook}" for hook in hooks]
    digest = hashlib.sha256("\n".join([*recipe, *(path.read_text() for path in certificates)]).encode()).hexdigest()[:12]
    name = f"localhost/flaskyard-host:{release}-{digest}"
    with lock(f"image-{release}-{digest}"):
        if subprocess.run(["podman", "image", "exists", name], check=False).returncode != 0:
            progress(f"building the image of a bare {release} (once, about half a minute)")
            archive = CACHE / f"{release}-{digest}.tar"
            run("mmdebstrap", "--variant=minbase", *recipe, release, str(archive))
            run("podman", "import", "--quiet", str(archive), name)
            archive.unlink()
    return name


def hosts(prefix: str | None = None) -> list[Host]:
    """Return the containers that exist, of one prefix or of all."""
    if not shutil.which("podman"):
        return []
    condition = "flaskyard.prefix" + (f"={prefix}" if prefix else "")
    listed = json.loads(run("podman", "ps", "--all", "--filter", f"label={condition}", "--format", "json") or "[]")
    found = []
    for item in listed:
        field = {key.removeprefix("flaskyard."): value for key, value in item["Labels"].items()}
        domains = tuple(field["domains"].split())
        identity = (field["name"], field["prefix"], field["kind"], field["release"], field["user"], field["address"])
        found.append(Host(*identity, domains))
    return sorted(found, key=lambda host: (host.prefix, host.name))


def next_address() -> str:
    """Return an address nobody has had for long: connections kept open to an earlier owner must not reach the new one."""
    subnet = json.loads(run("podman", "network", "inspect", NETWORK))[0]["subnets"][0]["subnet"]
    pool = list(ipaddress.ip_network(subnet).hosts())[1:]
    counter = CACHE / "address"
    with lock("address"):
        used = {host.address for host in hosts()}
        last = int(counter.read_text()) if counter.exists() else -1
        for step in range(1, len(pool) + 1):
            index = (last + step) % len(pool)
            if str(pool[index]) not in used:
                counter.write_text(str(index))
                return str(pool[index])
    raise HostsError(f"all {len(pool)} addresses of {subnet} are taken; remove hosts with `hosts.py down`")


def inside(host: Host, script: str, *arguments: str) -> str:
    """Run a shell script in the container, as root."""
    return run("podman", "exec", "--interactive", host.container, "sh", "-eu", "-s", "--", *arguments, input=script)


def start(host: Host, image_name: str) -> None:
    """Create the container again and wait until it answers over SSH and its boot is finished."""
    labels = [f"--label=flaskyard.{key}={value}" for key, value in host.labels.items()]
    where = [f"--network={NETWORK}", f"--ip={host.address}", f"--hostname={host.name}", "--no-hosts"]
    # A machine has room for more than the 2,048 processes and threads of a container: a thousand slow clients need them.
    boot = ["--privileged", "--systemd=always", "--pids-limit=-1"]
    run("podman", "run", "--detach", "--replace", f"--name={host.container}", *boot, *where, *labels, image_name, "/sbin/init")
    keys = 'install -d -m 0700 "$home/.ssh"; echo "$1" > "$home/.ssh/authorized_keys"'
    inside(host, f"for home in /root /home/admin; do {keys}; done; chown -R admin: /home/admin/.ssh", Path(f"{KEY}.pub").read_text().strip())
    wait(host)


def wait(host: Host) -> None:
    """Wait until the host answers over SSH and systemd has finished its boot."""
    deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
    probe = ssh_command(host, "root") + ["systemctl is-system-running --wait"]
    while (answer := subprocess.run(probe, text=True, capture_output=True, check=False)).stdout.strip() != "running":
        if time.monotonic() > deadline:
            state = run("podman", "exec", host.container, "systemctl", "--failed", check=False)
            raise HostsError(f"{host.container} is not up after {BOOT_TIMEOUT_SECONDS} s: {answer.stdout}{answer.stderr}\n{state}")
        time.sleep(0.2)


def ssh_command(host: Host, user: str | None = None) -> list[str]:
    """Return the argv that opens a shell on the host."""
    return ["ssh", "-i", str(KEY), *SSH_OPTIONS.split(), f"{user or host.user}@{host.address}"]


# --- what the commands do ----------------------------------------------------------------------------------------------


def up(prefix: str, release: str, names: Sequence[str], user: str = "root", image_name: str = "") -> list[Host]:
    """Give bare hosts, or hosts as an image has them, replacing those of the same name.

    Args:
        prefix: set of hosts that belong together.
        release: code name, one of RELEASES.
        names: `name` or `name=domain,domain`; the CA of the same prefix resolves the domains to the host.
        user: account in the inventory, `root` or `admin` (who has sudo without a password).
        image_name: what `freeze` has made of a host of this release.
    """
    prepare_machine()
    built = image_name or image(release)
    containers_conf(built)
    made = []
    for item in names:
        name, dummy, domains = item.partition("=")
        made.append(Host(name, prefix, "host", release, user, next_address(), tuple(filter(None, domains.split(",")))))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda host: start(host, built), made))
    publish(prefix)
    return made


def ca(prefix: str, validity_seconds: int = NINETY_DAYS) -> Host:
    """Start Pebble, the ACME test server, for the hosts of `prefix`; its certificates live `validity_seconds`."""
    prepare_machine()
    host = Host("ca", prefix, "ca", "trixie", "root", next_address(), (CA_NAME,))
    built = image("trixie", "pebble", "openssl")
    containers_conf(built)
    start(host, built)
    inside(host, CA_SETUP.read_text(), CA_NAME, str(ACME_PORT), str(MANAGEMENT_PORT), str(validity_seconds))
    directory(prefix).mkdir(parents=True, exist_ok=True)
    trusted = directory(prefix) / "acme-ca.pem"
    trusted.write_text(inside(host, "cat /etc/pebble/ca.pem"))
    issuer = management(host, "/roots/0", trusted)
    (directory(prefix) / "acme-root.pem").write_text(issuer)
    publish(prefix)
    return host


def management(host: Host, path: str, trusted: Path) -> str:
    """Read a page of Pebble's management interface, waiting for Pebble to listen."""
    context = ssl.create_default_context(cafile=str(trusted))
    context.check_hostname = False  # by address: only the CA's own hosts know its name
    deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    while True:
        try:
            with opener.open(f"https://{host.address}:{MANAGEMENT_PORT}{path}", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError as error:
            if time.monotonic() > deadline:
                raise HostsError(f"Pebble on {host.container} does not answer: {error}") from error
            time.sleep(0.2)


def directory(prefix: str) -> Path:
    return CACHE / prefix


def publish(prefix: str) -> None:
    """Write the inventory of `prefix`, and let its hosts and its CA know each other's names."""
    with lock(f"publish-{prefix}"):
        present = hosts(prefix)
        for host in present:
            known = [host, *(other for other in present if other is not host and (host.kind == "ca" or other.kind == "ca"))]
            names = [f"{other.address} {' '.join((other.name, *other.domains))}" for other in known]
            try:
                inside(host, NAMES_SETUP, "127.0.0.1 localhost", "::1 localhost", *names)
            except HostsError as error:
                if error.status < ENGINE_FAILED:
                    raise
                # Left by a run that was cut off, whatever the engine lists as its state; or it reboots.
                progress(f"{host.container} does not run")
        directory(prefix).mkdir(parents=True, exist_ok=True)
        fresh = inventory(prefix).with_suffix(".new")
        fresh.write_text(json.dumps(inventory_of(present), indent=2) + "\n")
        fresh.replace(inventory(prefix))  # others read it meanwhile


def inventory_of(present: Sequence[Host]) -> dict[str, object]:
    """Return what Ansible has to know about the hosts: group `flask`, and one group per release."""
    variables: dict[str, str] = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(KEY),
        "ansible_ssh_common_args": SSH_OPTIONS,
        **package_index(),
    }
    groups: dict[str, dict[str, dict[str, dict[str, object]]]] = {"flask": {"hosts": {}}}
    for host in present:
        if host.kind == "ca":
            variables["tls_acme_directory"] = f"https://{CA_NAME}:{ACME_PORT}/dir"
            variables["tls_acme_ca_file"] = str(directory(host.prefix) / "acme-ca.pem")
            continue
        groups["flask"]["hosts"][host.name] = {"ansible_host": host.address, "ansible_user": host.user}
        if host.user != "root":
            groups["flask"]["hosts"][host.name]["ansible_become"] = True
        groups.setdefault(host.release, {"hosts": {}})["hosts"][host.name] = {}
    return {"all": {"vars": variables, "children": groups}}


def package_index() -> dict[str, Any]:
    """Return the role variables for a package index that this machine uses instead of PyPI, if any."""
    configured = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    if not configured and shutil.which("pip3"):
        configured = run("pip3", "config", "get", "global.index-url", check=False).strip()
    return {"python_index_url": configured, "python_insecure_index": configured.startswith("http://")} if configured else {}


def inventory(prefix: str) -> Path:
    """Return the path of the generated inventory."""
    return directory(prefix) / "inventory.json"


def reboot(prefix: str, names: Sequence[str]) -> None:
    """Restart hosts the way a power cut would, and wait for them."""
    for host in chosen(prefix, names):
        run("podman", "restart", "--time=0", host.container)
        wait(host)


def down(prefix: str, names: Sequence[str] = ()) -> None:
    """Remove hosts, or with no names everything of the prefix."""
    if doomed := [host.container for host in chosen(prefix, names)]:
        run("podman", "rm", "--force", "--time=0", *doomed)
    if names:
        publish(prefix)
    else:
        shutil.rmtree(directory(prefix), ignore_errors=True)


def freeze(prefix: str, name: str, image_name: str) -> None:
    """Shut a host down and keep it as an image, without its identity and journal. What a first boot does, a host from the image does again."""
    [host] = chosen(prefix, [name])
    run("podman", "stop", "--time=60", host.container)
    root = Path(run("podman", "mount", host.container).strip())
    (root / "etc/machine-id").write_text("")
    for journal in root.glob("var/log/journal/*"):
        shutil.rmtree(journal)
    for stamp in ("etc/.updated", "var/.updated"):
        (root / stamp).unlink(missing_ok=True)
    run("podman", "unmount", host.container)
    run("podman", "commit", "--quiet", host.container, image_name)
    down(prefix, [name])


def chosen(prefix: str, names: Sequence[str]) -> list[Host]:
    """Return the hosts of `prefix` called `names`, or all.

    Raises:
        HostsError: there is none of that name.
    """
    present = {host.name: host for host in hosts(prefix)}
    if missing := [name for name in names if name not in present]:
        raise HostsError(f"no host {', '.join(missing)} with prefix {prefix}; there are: {', '.join(present) or 'none'}")
    return [present[name] for name in names or present]


def progress(text: str) -> None:
    print(f"hosts: {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(description="Throwaway Debian hosts: containers with systemd, reached over SSH.")
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, text: str, names: int | str | None = None) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--prefix", default="dev", help="set of hosts that belong together [%(default)s]")
        if names:
            sub.add_argument("names", metavar="NAME", nargs=names, help="host; for `up` also NAME=domain,domain")
        return sub

    making = command("up", "start bare hosts (replacing those of the same name) and write the inventory", "+")
    making.add_argument("--distribution", default="trixie", choices=RELEASES, help="[%(default)s]")
    making.add_argument("--user", default="root", choices=("root", "admin"), help="login of the inventory; admin uses sudo [%(default)s]")
    making.add_argument("--image", default="", help="start from what `freeze` kept")
    keeping = command("freeze", "shut a host down and keep it as an image", 1)
    keeping.add_argument("image", help="its name, such as localhost/flaskyard-mine:1")
    authority = command("ca", "start Pebble, an ACME CA, for the hosts of the prefix")
    authority.add_argument("--validity", type=int, default=NINETY_DAYS, metavar="SECONDS", help="life of a certificate [%(default)s]")
    command("down", "remove hosts, or the whole prefix", "*").add_argument("--all", action="store_true", help="every prefix")
    command("reboot", "restart hosts and wait for them", "*")
    command("status", "list the hosts and the inventory")
    command("address", "print the address of a host", 1)
    shell = command("ssh", "open a shell on a host, or run a command there", 1)
    shell.add_argument("argv", nargs=argparse.REMAINDER)
    return top


def main() -> int:
    arguments = parser().parse_args()
    prefix = arguments.prefix
    match arguments.command:
        case "up":
            up(prefix, arguments.distribution, arguments.names, arguments.user, arguments.image)
        case "freeze":
            [name] = arguments.names
            freeze(prefix, name, arguments.image)
        case "ca":
            ca(prefix, arguments.validity)
        case "down":
            for each in {host.prefix for host in hosts()} if arguments.all else {prefix}:
                down(each, arguments.names)
            return 0
        case "reboot":
            reboot(prefix, arguments.names)
        case "address":
            [host] = chosen(prefix, arguments.names)
            print(host.address)
            return 0
        case "ssh":
            [host] = chosen(prefix, arguments.names)
            os.execvp("ssh", ssh_command(host) + arguments.argv)
    for host in hosts(prefix):
        print(f"{host.container:<32} {host.address:<16} {host.release:<10} {host.user:<6} {' '.join(host.domains)}")
    print(f"inventory: {inventory(prefix)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HostsError as error:
        sys.exit(f"hosts: {error}")
