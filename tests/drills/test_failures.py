# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures: the run stops and says what failed, why and what to do. The host serves as before."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from .harness import BUILDING, Server, assert_nothing_failed

Spoil = Callable[[Server], contextlib.AbstractContextManager[tuple[str, ...]]]

#: A repository on a plain web server, without git's protocol.
REPOSITORY = """
if ! systemctl is-active --quiet git-http; then
    mkdir -p /srv/git/shop && cd /srv/git/shop
    git init --quiet --initial-branch=main && git config user.name a && git config user.email a@example.com
    git commit --quiet --allow-empty --message=one && git update-server-info
    systemd-run --quiet --unit=git-http python3 -m http.server --bind 127.0.0.1 --directory /srv/git 8418
    sleep 1
fi"""


@contextlib.contextmanager
def unreachable_repository(server: Server) -> Iterator[tuple[str, ...]]:
    server.app["source"] = {"git": "https://127.0.0.1:9/shop.git", "version": "main"}
    yield "probe: ", "https://127.0.0.1:9/shop.git", "Could not connect", "check the address"


@contextlib.contextmanager
def no_such_version(server: Server) -> Iterator[tuple[str, ...]]:
    server.host.sh(REPOSITORY)
    server.app["source"] = {"git": "http://127.0.0.1:8418/shop/.git", "version": "v9.9", "insecure": True}
    yield "probe: ", "no branch and no tag 'v9.9'", "name one that it has"


@contextlib.contextmanager
def missing_python(server: Server) -> Iterator[tuple[str, ...]]:
    server.app["python"] = "3.9"
    yield "probe: ", "python is '3.9'", "it has 3.13", "Name one of these"


@contextlib.contextmanager
def full_disk(server: Server) -> Iterator[tuple[str, ...]]:
    """The app's folder on a file system without free space."""
    server.host.sh("""
        size=$(du --summarize --block-size=4096 /srv/flask/probe | cut -f1)
        mkdir /mnt/small && mount -t tmpfs -o size=$((size * 4 + 400))k tmpfs /mnt/small
        cp -a /srv/flask/probe/. /mnt/small && mount --bind /mnt/small /srv/flask/probe""")
    (server.source / "filler").write_bytes(bytes(4_000_000))
    try:
        yield "probe: ", "No space left on device", "df -h", "keep_releases"
    finally:
        server.host.sh("umount --lazy /srv/flask/probe; umount --lazy /mnt/small; rmdir /mnt/small")


@contextlib.contextmanager
def unsupported_distribution(server: Server) -> Iterator[tuple[str, ...]]:
    server.host.sh("""
        printf 'ID=slackware\\nVERSION_ID=15.0\\nPRETTY_NAME="Slackware 15.0"\\n' > /root/os-release
        mount --bind /root/os-release /usr/lib/os-release""")
    try:
        yield server.host.name, "Slackware 15.0", "debian 12 13", "host_supported_distributions"
    finally:
        server.host.sh("umount /usr/lib/os-release")


@contextlib.contextmanager
def uncalled_factory(server: Server) -> Iterator[tuple[str, ...]]:
    """Not even flup hides the exception."""
    (server.source / "web.py").write_text("def create(config=None):\n    return None\n")
    server.app |= {"wsgi": "web:create", "server": "fastcgi"}
    yield (
        "probe: gate: GET /healthz gave status 500 (TypeError: create() takes from 0 to 1 positional arguments but 2 were given: if it is the app's factory",
        "call it in the key wsgi",
    )


@contextlib.contextmanager
def misspelt_key(server: Server) -> Iterator[tuple[str, ...]]:
    server.app["helthcheck"] = {}
    yield "app 'probe'", "unknown key helthcheck", "did you mean 'healthcheck'?", "nothing was touched"


@contextlib.contextmanager
def import_error(server: Server) -> Iterator[tuple[str, ...]]:
    server.replace("from flask import Flask,", "from flask import Flask, a_name_it_has_not,")
    yield "probe: gate: ImportError: cannot import name 'a_name_it_has_not' from 'flask'", "journal of flask-probe@"


@contextlib.contextmanager
def missing_dependency(server: Server) -> Iterator[tuple[str, ...]]:
    server.replace("from flask import Flask,", "import shop_payments\nfrom flask import Flask,")
    yield "probe: gate: ModuleNotFoundError: No module named 'shop_payments': add it to the requirements", "journal of flask-probe@"


@contextlib.contextmanager
def no_dependencies_at_all(server: Server) -> Iterator[tuple[str, ...]]:
    for name in ("uv.lock", "pyproject.toml"):
        (server.source / name).unlink()
    server.replace("from flask import Flask,", "import shop_payments\nfrom flask import Flask,")
    looked_for = "looked for uv.lock, pylock.toml, requirements.txt, pyproject.toml"
    yield "No module named 'shop_payments'", f"the source has no file of dependencies, so only the server was installed; {looked_for}"


@contextlib.contextmanager
def worker_dies_at_boot(server: Server) -> Iterator[tuple[str, ...]]:
    server.replace("app = Flask(", "os._exit(3)\napp = Flask(")
    yield "probe: gate: Worker (pid:", "exited with code 3", "journal of flask-probe@"


@contextlib.contextmanager
def port_of_the_old_slot(server: Server) -> Iterator[tuple[str, ...]]:
    """The code listens on an additional port beside its socket."""
    server.host.sh("systemd-run --quiet --unit=held python3 -m http.server --bind 127.0.0.1 7001; sleep 1")
    server.replace("app = Flask(", 'held = socket.create_server(("127.0.0.1", 7001))\napp = Flask(')
    try:
        yield "probe: gate: OSError: [Errno 98] Address already in use", "another process holds the port or lock; if it is the old slot, set exclusive: true"
    finally:
        server.host.sh("systemctl stop held")


@contextlib.contextmanager
def health_500(server: Server) -> Iterator[tuple[str, ...]]:
    server.replace('    return "health', '    raise RuntimeError("the database is gone")\n    return "health')
    yield "probe: gate: GET /healthz gave status 500 (RuntimeError: the database is gone)", "expected status 200", "journal of flask-probe@"


@contextlib.contextmanager
def wrong_body(server: Server) -> Iterator[tuple[str, ...]]:
    server.app["healthcheck"]["body"] = "all is well"
    server.replace('"health', '"all is not well')
    yield "probe: gate: GET /healthz gave status 200 without 'all is well' in its body", "healthcheck", "journal of flask-probe@"


@contextlib.contextmanager
def health_that_hangs(server: Server) -> Iterator[tuple[str, ...]]:
    server.replace('    return "health', '    time.sleep(3600)\n    return "health')
    server.app["healthcheck"]["timeout_seconds"] = 5
    yield "probe: gate: GET /healthz gave no answer (timed out)", "within 5 s", "journal of flask-probe@"


@contextlib.contextmanager
def failing_build_command(server: Server) -> Iterator[tuple[str, ...]]:
    server.app["build_command"] = "echo cannot build the pages; exit 7"
    yield "probe: build_command ended with 7", "cannot build the pages"


@contextlib.contextmanager
def no_such_package(server: Server) -> Iterator[tuple[str, ...]]:
    (server.source / "uv.lock").unlink()
    (server.source / "pyproject.toml").unlink()
    (server.source / "requirements.txt").write_text("flask\nflaskyard-has-no-such-package==1.0\n")
    yield "probe: ", "a package or version that is asked for is not in the index", "flaskyard-has-no-such-package"


@contextlib.contextmanager
def ill_once_it_is_current(server: Server) -> Iterator[tuple[str, ...]]:
    """The code is healthy at its gate, but not behind the proxy."""
    server.replace("app = Flask(", 'CURRENT = os.readlink("/run/flask-probe/current.sock")\napp = Flask(')
    server.replace('    return "health', '    if CURRENT != os.readlink("/run/flask-probe/current.sock"):\n        abort(503)\n    return "health')
    yield "probe: public check: https://probe.test/healthz gave status 503", "the switch was undone", "journal of flask-probe@"


#: For each, a load shows that the old release keeps serving.
BAD: list[Spoil] = [
    import_error, missing_dependency, no_dependencies_at_all, worker_dies_at_boot, port_of_the_old_slot, health_500, wrong_body, health_that_hangs,
    failing_build_command, no_such_package, full_disk, ill_once_it_is_current,
]  # fmt: skip
LONG: list[Spoil] = [unreachable_repository, no_such_version, missing_python, unsupported_distribution, misspelt_key, uncalled_factory]


@pytest.mark.parametrize("spoil", BAD)
def test_bad_release_never_serves(server: Server, spoil: Spoil) -> None:
    before = server.begin()
    with server.load(slow_path=None) as load, spoil(server) as says:
        run = server.play()
        report = load.finish()
    run.assert_says(*says)
    assert_nothing_failed(report)
    assert [version.marker for version in report.versions] == ["one.a"]
    assert server.serving() == before, "same processes, no left-over slot"


def test_after_a_reboot_the_old_release_serves(server: Server) -> None:
    """This runs after all the bad changes above."""
    before = server.begin()
    server.host.reboot()
    now = server.serving()
    assert (now.slots, now.current, server.marker()) == (before.slots, before.current, "one.a")
    assert server.apply().changed == 0, "nothing was left for a run to repair"


@pytest.mark.long
@pytest.mark.parametrize("spoil", LONG)
def test_failed_deploy_changes_nothing(server: Server, spoil: Spoil) -> None:
    before = server.begin()
    with spoil(server) as says:
        run = server.play()
        assert server.marker() == "one.a"
    run.assert_says(*says)
    assert server.serving() == before
    server.reset()
    assert server.apply().changed == 0, "nothing was left for a run to repair"


def test_proxy_configuration_that_is_refused(server: Server) -> None:
    before, file = server.begin("site"), "/etc/nginx/flask.d/probe.conf"
    text = server.host.sh(f"cat {file}")
    server.app["nginx_extra"] = "proxy_buffers nonsense;"
    run = server.play("site")
    run.assert_says("nginx -t", "invalid", "proxy_buffers", file, "The old files are back")
    assert server.host.sh(f"cat {file}") == text
    assert server.serving() == before
    assert server.marker() == "one.a"


@pytest.mark.xdist_group("failures")
@pytest.mark.parametrize(
    ("proxy", "extra", "says"),
    [
        ("nginx", "proxy_buffers nonsense;", ("nginx -t ended with 1", "/etc/nginx/flask.d/probe.conf")),
        pytest.param("apache", "ProxyTimeout nonsense", ("apache2ctl configtest ended with 1", "/etc/apache2/flask.d/probe.conf"), marks=pytest.mark.long),
    ],
)
def test_refused_configuration_keeps_new_code_from_serving(server: Server, proxy: str, extra: str, says: tuple[str, ...]) -> None:
    server.variables = {"flask_proxy": proxy}
    before = server.begin("site")
    server.replace('MARKER = "one"', f'MARKER = "{proxy}"')
    server.app |= {f"{proxy}_extra": extra, "release_command": """sh -c 'echo ran >> "$STATE_DIRECTORY/commands"'"""}
    for dummy in range(2):
        run = server.play("site")
        run.assert_says(*says, f"The new files of {proxy} were tried on a copy, and none of them is in place.")
        assert (server.serving(), server.marker()) == (before, "one.a")
    server.app[f"{proxy}_extra"] = ""
    server.apply_twice("site")
    assert (server.marker(), server.host.sh("cat /var/lib/flask-probe/commands")) == (f"{proxy}.a", "ran")
    server.host.sh("! ls -d /var/lib/flaskyard/filesets/*/rehearsal")
    server.host.sh("rm /var/lib/flask-probe/commands")
    server.reset()
    server.apply("site")


def test_occupied_port_80_is_reported(server: Server) -> None:
    server.begin("site")
    server.host.sh("systemctl stop nginx; systemd-run --quiet --unit=squatter python3 -m http.server 80; sleep 1")
    try:
        run = server.play("site")
    finally:
        server.host.sh("systemctl stop squatter")
    run.assert_says("nginx", "0.0.0.0:80", "Address already in use", "Port 80 is taken by python3 (process ", "stop it")
    server.apply_twice("site")
    assert server.marker() == "one.a"


@pytest.mark.long
def test_second_run_at_once_is_refused(server: Server) -> None:
    server.begin()
    server.app["build_command"] = f"sleep 40 # {time.time_ns()}"
    server.app["env"]["PROBE_MARKER"] = "both"
    first = server.start()
    server.wait(BUILDING)
    second = server.play()
    output, dummy = first.communicate()
    assert first.returncode == 0, output
    second.assert_says("probe: ", "another run", "run again")
    server.apply_twice()
    assert server.marker() == "one.both"
