# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile builds: they attack the next build, the credentials of other steps, the caches, the metadata service and the host's memory."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from .conftest import App, Host
from .test_git import SSH, TRUSTING

ITSDANGEROUS = "itsdangerous==2.2.0 --hash=sha256:c6242fc49e35958c8b15141343aa660db5fc54d4f13a1db01a3f5891b98700ef\n"

#: Plants configuration for git, ssh, pip and uv in every possible place. If a tool uses it, it leaves a file.
PLANT = """
payload='env >> /srv/flask/shop/cache/executed; cat /tmp/deploy_key >> /srv/flask/shop/cache/executed; touch $HOME/executed /dev/shm/executed'
home=$(getent passwd "$(id -un)" | cut -d: -f6)
for place in "$HOME" "$home" /srv/flask/shop/cache /srv/flask/shop/source /srv/flask/shop/source/repository.git /srv/flask/shop/source/mirror.git \
    /tmp /var/tmp /dev/shm; do
    mkdir -p "$place/.ssh" "$place/.config/git" "$place/.config/pip" "$place/.config/uv" || continue
    echo "$payload" > "$place/payload"
    printf '[core]\\n\\tsshCommand = sh %s/payload; ssh\\n\\tfsmonitor = sh %s/payload\\n' "$place" "$place" > "$place/.gitconfig"
    cp "$place/.gitconfig" "$place/config"; cp "$place/.gitconfig" "$place/.config/git/config"
    printf 'Host *\\n\\tProxyCommand sh -c "sh %s/payload; exec /usr/lib/openssh/sftp-server"\\n' "$place" > "$place/.ssh/config"
    printf '[global]\\nindex-url = http://localhost:9/poison\\n' > "$place/.config/pip/pip.conf"
    printf 'no-index = true\\n' > "$place/.config/uv/uv.toml"
done 2>/dev/null
true
"""


def wheels(host: Host) -> None:
    """Distributions that setup.py of the test's own packages, and the server, are installed from."""
    host.sh("""
        test -e /srv/wheels/ready && exit 0
        python3 -m venv /srv/tools && /srv/tools/bin/pip -q download -d /srv/wheels itsdangerous==2.2.0 gunicorn==27.0.1 setuptools==80.9.0 wheel
        touch /srv/wheels/ready""")


def sdist(host: Host, name: str, setup: str, module: str = "VERSION = 1\n") -> str:
    """Put a source distribution among the wheels and return a requirement with its hash."""
    host.put(f"/srv/make/{name}-1/setup.py", setup)
    host.put(f"/srv/make/{name}-1/{name}.py", module)
    host.put(f"/srv/make/{name}-1/PKG-INFO", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    found = host.sh('tar -C /srv/make -czf "/srv/wheels/$1-1.tar.gz" "$1-1"; rm -r /srv/make; sha256sum "/srv/wheels/$1-1.tar.gz"', name)
    return f"{name}==1 --hash=sha256:{found.split()[0]}\n"


def setup(name: str, code: str = "") -> str:
    return f"{code}\nfrom setuptools import setup\nsetup(name={name!r}, version='1', py_modules=[{name!r}])\n"


def test_build_leaves_nothing_for_the_next_run(
    fresh: Host,
    source: Path,
    deploy_key: str,
    commit: t.Callable[[str], str],
) -> None:
    fresh.sh("rm -rf /srv/flask/shop/cache/* /srv/flask/shop/cache/.[a-z]*")
    (source / "plant.sh").write_text(PLANT)
    assert fresh.release({"name": "shop", "source": {"path": str(source)}, "build_command": "sh plant.sh"}).changed
    made = fresh.release({"name": "shop", "source": {"git": SSH, "version": "main", "deploy_key": deploy_key, **TRUSTING}})
    found = fresh.sh("find / -xdev -name executed -not -path '/proc/*'; find /dev/shm -name executed; cat /srv/flask/shop/cache/executed 2>/dev/null || true")
    assert found == "", found
    assert made.release["id"]


#: A package that records what it saw during its build.
LOOK = """
import glob, os
seen = repr(dict(os.environ))
for pattern in ("/proc/[0-9]*/environ", "/tmp/*", "/var/tmp/*", "/run/flaskyard-agents/*/*", "/srv/flask/shop/*/*", "/srv/flask/shop/*/.*"):
    for path in glob.glob(pattern):
        try:
            seen += path + open(path, errors="replace").read()
        except OSError:
            pass
open("nosy.py", "a").write(f"SEEN = {seen!r}")
"""


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_step_gets_its_own_credentials_and_no_other(
    fresh: Host,
    deploy_key: str,
    commit: t.Callable[[str], str],
    installer: str,
) -> None:
    wheels(fresh)
    requirement = sdist(fresh, "nosy", setup("nosy", LOOK))
    fresh.sh(
        "export HOME=/root; cd /srv/work/shop; printf '%s' \"$1\" > requirements.txt; printf '%s' \"$2\" > look.py; git add .; git commit -q -m look; "
        "git push -q origin main; chown -R git: /srv/git",
        requirement,
        LOOK,
    )
    app: App = {"name": "shop", "source": {"git": SSH, "version": "main", "deploy_key": deploy_key, **TRUSTING}, "installer": installer}
    environment = {"UV_INDEX_PRIVATE_PASSWORD": "sesame-index", "DEPLOY_TOKEN": "sesame-token", "ODD": "https://ada:sesame-odd@example.com/x"}
    options: dict[str, t.Any] = {"index_url": "https://ada:sesame-url@pypi.example.com/simple", "wheelhouse": "/srv/wheels", "environment": environment}
    release = fresh.release({**app, "build_command": "python look.py; mv nosy.py built.py"}, **options).release
    built = fresh.sh('cat "$1/built.py"', release["dir"])
    assert "sesame" not in built and "PRIVATE KEY" not in built, built
    assert "https://pypi.example.com/simple" in built and "https://example.com/x" in built
    installed = fresh.sh('cat "$1"/lib/python3*/site-packages/nosy.py', release["venv"])
    assert "sesame-index" in installed, "an install needs the credentials of the index"
    assert "PRIVATE KEY" not in installed and "GIT_ACCESS" not in installed


#: A package that tampers with everything that was unpacked or built before.
POISON = """
import glob, os, zipfile
for top in {os.environ.get(name) for name in ("HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME")} | {"/srv/flask/shop"}:
    for folder, _, files in os.walk(top or "/nowhere"):
        for name in files:
            path = os.path.join(folder, name)
            try:
                if name == "victim.py" or folder.endswith("/itsdangerous") and name == "__init__.py":
                    open(path, "a").write("POISON = 1\\n")
                if name.startswith("victim-1") and name.endswith(".whl"):
                    zipfile.ZipFile(path, "a").writestr("poison.py", "POISON = 1\\n")
            except OSError:
                pass
"""


@pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.long)])
def test_poisoned_cache_changes_no_install_with_hashes(fresh: Host, source: Path, installer: str) -> None:
    wheels(fresh)
    fresh.sh("rm -rf /srv/flask/shop/cache/*")
    victim, dummy = sdist(fresh, "victim", setup("victim")), sdist(fresh, "evil", setup("evil", POISON))
    app: App = {"name": "shop", "source": {"path": str(source)}, "installer": installer}
    for requirements in (ITSDANGEROUS + victim, ITSDANGEROUS, "itsdangerous==2.2.0\nvictim==1\nevil==1\n", ITSDANGEROUS + victim + "# again\n"):
        (source / "requirements.txt").write_text(requirements)
        release = fresh.release(app, wheelhouse="/srv/wheels").release
    assert fresh.sh('cd "$1"/lib/python3*/site-packages; ls -d victim.py itsdangerous; grep -rl "POISON = 1" . || true', release["venv"]).split() == [
        "itsdangerous",
        "victim.py",
    ]


def test_downloads_without_code_are_kept_for_the_next_install(fresh: Host, source: Path) -> None:
    fresh.sh("rm -rf /srv/flask/shop/cache/*")
    assert fresh.release({"name": "shop", "source": {"path": str(source)}}).changed
    assert fresh.sh("find /srv/flask/shop/cache/wheels/uv/archive-v0 -name itsdangerous")


#: Prints which of the host's open addresses it reached.
CONNECT = """
import socket
for address in ("169.254.169.254", "127.77.0.9", "127.0.0.1"):
    try:
        socket.create_connection((address, 8471), timeout=2).close()
        print(address)
    except OSError:
        pass
"""


def test_builds_reach_neither_metadata_nor_private_servers(fresh: Host, source: Path) -> None:
    fresh.sh("ip address add 169.254.169.254/32 dev lo 2>/dev/null || true; systemctl stop everywhere 2>/dev/null || true")
    fresh.sh("systemd-run --quiet --collect --unit=everywhere python3 -m http.server 8471; sleep 1")
    (source / "connect.py").write_text(CONNECT)
    try:
        assert fresh.sh(f"python3 - <<'EOF'{CONNECT}EOF").split() == ["169.254.169.254", "127.77.0.9", "127.0.0.1"]
        release = fresh.release({"name": "shop", "source": {"path": str(source)}, "build_command": "python connect.py > reached"}).release
    finally:
        fresh.sh("systemctl stop everywhere; ip address delete 169.254.169.254/32 dev lo")
    assert fresh.sh('cat "$1/reached"', release["dir"]).split() == ["127.0.0.1"]


#: Starts processes until the system refuses more.
FORK = """
import subprocess
started = []
try:
    while len(started) < 200:
        started.append(subprocess.Popen(["sleep", "60"]))
except OSError as error:
    print(error)
for process in started:
    process.kill()
raise SystemExit(3 if len(started) < 200 else 0)
"""


def test_builds_have_limits(fresh: Host, source: Path) -> None:
    (source / "fork.py").write_text(FORK)
    app: App = {"name": "shop", "source": {"path": str(source)}, "build_command": "python fork.py"}
    failure = fresh.release(app, build_tasks_max=100).failure
    assert "build_command ended with 3" in failure and "app_build_tasks_max" in failure
    show = "systemctl show -p MemoryMax,TasksMax,OOMPolicy,OOMScoreAdjust 'flaskyard-release-shop:*' 2>/dev/null"
    watch = f"for i in $(seq 600); do {show} | grep -q MemoryMax && {{ {show} > /run/limits; break; }}; sleep 0.1; done"
    fresh.sh('rm -f /run/limits; systemd-run --quiet --collect --unit=watch-limits sh -c "$1"', watch)
    release = fresh.release({**app, "build_command": "grep Seccomp: /proc/self/status > filter"}, build_memory_max_mb=512).release
    assert fresh.sh('cat "$1/filter"', release["dir"]).split() == ["Seccomp:", "2"]
    assert {"MemoryMax=536870912", "TasksMax=1024", "OOMPolicy=continue", "OOMScoreAdjust=500"} <= set(fresh.sh("cat /run/limits").split())


def test_messages_do_not_show_build_commands(fresh: Host, source: Path) -> None:
    command = "echo almost https://ada:sesame-url@example.com; DEPLOY_TOKEN=sesame-token sh -c 'echo $DEPLOY_TOKEN'; exit 3 # sesame"
    app: App = {"name": "shop", "source": {"path": str(source)}}
    assert fresh.release(app).changed
    result = fresh.release({**app, "build_command": command}, play=("-vvv", "--diff"))
    assert "build_command ended with 3" in result.failure and "almost" in result.failure
    assert "sesame" not in result.failure and "sesame" not in result.printed.replace(command, "")
    assert "sesame" not in fresh.sh("journalctl -q --no-pager --since=-120s")


def test_pins_of_the_app_must_fit_its_server(fresh: Host, source: Path) -> None:
    (source / "requirements.txt").write_text("click==8.0.0\n")
    assert "the app pins versions that its server granian" in fresh.release({"name": "shop", "source": {"path": str(source)}, "server": "granian"}).failure


def test_another_file_than_the_locked_one_is_refused(fresh: Host, source: Path) -> None:
    """An index that serves another gunicorn of the same version."""
    wheels(fresh)
    # Files in the cache were checked before, so they would be accepted.
    fresh.sh("rm -rf /srv/flask/shop/cache/*")
    forge = "import glob, zipfile; zipfile.ZipFile(glob.glob('/srv/forged/gunicorn-*.whl')[0], 'a').writestr('more.py', '')"
    fresh.sh('rm -rf /srv/forged; cp -r /srv/wheels /srv/forged; python3 -c "$1"', forge)
    for installer in ("uv", "pip"):
        app: App = {"name": "shop", "source": {"path": str(source)}, "installer": installer}
        assert "hashes" in fresh.release(app, wheelhouse="/srv/forged").failure
        assert fresh.release({**app, "server_requirements": ["gunicorn==27.0.1"]}, wheelhouse="/srv/forged").changed
