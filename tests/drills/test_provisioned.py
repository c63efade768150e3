# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image from which most hosts of the drills start, and the part of `site.yml` that a tag runs there."""

from __future__ import annotations

from .harness import Server


def test_host_from_the_image_is_provisioned(server: Server) -> None:
    assert server.marker() == "one.a"
    again = server.apply("site")
    assert again.changed == 0, again.output[-6000:]
    assert server.host.sh("systemctl --failed --plain --no-legend") == ""


def test_host_from_the_image_has_a_new_identity(server: Server) -> None:
    identity = server.host.sh("cat /etc/machine-id")
    assert len(identity) == 32 and server.host.sh("ls /var/log/journal") == identity
    assert server.host.sh("tr '\\0' '\\n' < /proc/1/environ | sed -n s/^container_uuid=//p") == identity


def test_tag_runs_only_its_own_tasks(server: Server) -> None:
    server.variables = {"nginx_extra_http": "# only this"}
    server.app["env"]["PROBE_MARKER"] = "b"
    run = server.play("site", "--tags", "nginx_configure")
    assert (run.rc, run.changed) == (0, 1), run.output[-6000:]
    assert server.host.sh("grep -rl '# only this' /etc/nginx") and server.marker() == "one.a"
    run = server.play("site", "--tags", "gunicorn")
    assert (run.rc, run.changed, server.marker()) == (0, 1, "one.b"), run.output[-6000:]
