# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule on every role; and every rule on a role that breaks it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.consistency.rules import RULES, Rule
from tests.docs.page import ROOT
from tests.docs.roles import ROLES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_keeps_every_rule(rule: Rule, role: Path) -> None:
    if problems := list(rule(role)):
        pytest.fail(f"{rule.__doc__}\n" + "\n".join(f"{role.name}: {problem}" for problem in problems), pytrace=False)


#: The rule, a file of the role nginx, a text in it, the text to put in its place, and a part of the complaint.
BROKEN = [
    ("files", "vars/main.yml", None, None, "vars/main.yml is missing"),
    ("files", "handlers/main.yml", "", "[]", "handlers/main.yml has no place"),
    ("files", "tasks/deep/more.yml", "", "[]", "tasks/deep/more.yml has no place"),
    ("variables", "defaults/main.yml", "connections: 4096", "connections: 1024", "is 1024 in defaults/main.yml and 4096"),
    ("variables", "defaults/main.yml", "nginx_static_max_age_seconds: 3600\n", "", "in its order"),
    ("variables", "defaults/main.yml", 'nginx_extra_main: ""\nnginx_extra_http: ""', 'nginx_extra_http: ""\nnginx_extra_main: ""', "in its order"),
    ("variables", "defaults/main.yml", "nginx_static_max_age_seconds: 3600", 'nginx_static_max_age_seconds: "{{ 60 }}"', "max_age_seconds is computed"),
    ("described", "meta/argument_specs.yml", "        description: Raw configuration for the main level.\n", "", "nginx_extra_main has no description"),
    ("described", "meta/argument_specs.yml", "    short_description: nginx in front of Flask apps\n", "", "main has no short_description"),
    ("prefixes", "defaults/main.yml", "nginx_worker_connections", "worker_connections", "worker_connections is public"),
    ("prefixes", "vars/main.yml", "__nginx_packages", "nginx_packages", "nginx_packages is internal"),
    ("contents", "tasks/main.yml", "import_tasks: configure.yml", "include_tasks: configure.yml", "expected name, ansible.builtin.import_tasks"),
    ("contents", "tasks/main.yml", "tags: [nginx, nginx_install]", "tags: [nginx, install]", "has the tags ['nginx', 'install']"),
    ("contents", "tasks/configure.yml", "  flaskyard.server.fileset:", "  tags: [web]\n  flaskyard.server.fileset:", "has tags"),
    (
        "runs_once",
        "meta/main.yml",
        "[flaskyard.server.host]",
        "[flaskyard.server.nginx]",
        "'certificates | Create placeholder certificates' imports a role",
    ),
    ("names", "tasks/configure.yml", "configure | Write", "Write", "expected 'configure | <Verb …>'"),
    ("names", "tasks/configure.yml", "configure | Write", "install | Write", "expected 'configure | <Verb …>'"),
    ("names", "tasks/main.yml", "Configure nginx", "configure nginx", "expected '<Verb …>'"),
    ("full_names", "tasks/certificates.yml", "ansible.builtin.import_role", "import_role", "import_role is not a full name"),
    ("full_names", "tasks/certificates.yml", "name: flaskyard.server.tls", "name: tls", "tls is not a full name"),
    ("full_names", "meta/main.yml", "flaskyard.server.host", "host", "host is not a full name"),
    ("full_names", "templates/site.conf.j2", "server {", "{{ lookup('env', 'X') }} server {", "the lookup env"),
    ("facts", "templates/site.conf.j2", "server {", "{{ ansible_distribution }} server {", "ansible_distribution; expected"),
    ("facts", "vars/main.yml", "ansible_facts['flaskyard']", "ansible_facts.flaskyard", "ansible_facts.flaskyard; expected"),
    ("headers", "templates/site.conf.j2", "{{ ansible_managed | comment }}\n", "", "templates/site.conf.j2 begins with"),
    ("headers", "templates/site.conf.j2", "flaskyard.server:nginx", "flaskyard.server:apache", "templates/site.conf.j2 begins with"),
    ("modes", "tasks/configure.yml", "        template: site.conf.j2", "        template: site.conf.j2\n        mode: 0644", "mode is 420"),
    ("modes", "tasks/configure.yml", "        template: site.conf.j2", '        template: site.conf.j2\n        mode: "644"', "mode is '644'"),
    ("metadata", "meta/main.yml", "GPL-3.0-or-later", "MIT", "'license': 'MIT'"),
]


@pytest.mark.parametrize(("name", "file", "old", "new", "complaint"), BROKEN)
def test_rule_can_fail(name: str, file: str, old: str | None, new: str | None, complaint: str, tmp_path: Path) -> None:
    role = tmp_path / "nginx"
    shutil.copytree(ROOT / "roles" / "nginx", role)
    path = role / file
    if old is None or new is None:
        path.unlink()
    else:
        path.parent.mkdir(exist_ok=True)
        text = path.read_text() if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1))
    [rule] = [rule for rule in RULES if rule.__name__ == name]
    assert complaint in "\n".join(rule(role))
