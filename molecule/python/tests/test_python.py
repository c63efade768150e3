# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role python: uv makes virtualenvs, only root can change the tools, and declared certificate authorities are trusted."""

from __future__ import annotations

from testinfra.host import Host

UV = "/opt/flaskyard/uv-0.13.8"


def test_tools_are_installed_from_their_locks(host: Host) -> None:
    assert host.file(f"{UV}/requirements.txt").contains("--hash=sha256:")


def test_uv_makes_a_virtualenv_and_installs_into_it(host: Host) -> None:
    make = f"{UV}/bin/uv venv --quiet $venv && {UV}/bin/uv pip install --quiet --python $venv/bin/python --system-certs itsdangerous"
    said = host.check_output(f"venv=$(mktemp -d)/venv; {make} && $venv/bin/python -c 'import itsdangerous; print(itsdangerous.__file__)'")
    assert said.endswith("/itsdangerous/__init__.py")


def test_only_root_can_change_the_tools(host: Host) -> None:
    assert host.check_output("find -L /opt/flaskyard -maxdepth 3 '(' ! -user root -o -perm /022 ')' ! -type l") == ""
    assert host.check_output(f"stat --format=%U /opt /opt/flaskyard {UV}").split() == ["root"] * 3


def test_given_authority_is_trusted(host: Host) -> None:
    code = "import ssl, socket; ssl.create_default_context().wrap_socket(socket.create_connection(('ca.test', 14000)), server_hostname='ca.test')"
    assert host.run(f'/usr/bin/python3 -c "{code}"').rc == 0
