# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the backup reads the files that the role writes."""

from __future__ import annotations

import tomllib
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._backup.model import App
from ansible_collections.flaskyard.server.plugins.module_utils._slots.gate import Gate
from ansible_collections.flaskyard.server.plugins.module_utils._slots.supervisor import SupervisorSlots
from ansible_collections.flaskyard.server.plugins.module_utils._slots.systemd import SystemdSlots
from hypothesis import given
from hypothesis import strategies as st

ROLE = Path(__file__).parents[3] / "roles" / "backup"


def rendered(template: str, **variables: t.Any) -> dict[str, t.Any]:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"), trim_blocks=True)
    filters = FilterModule().filters()
    environment.filters.update({name: filters[name] for name in ("bool", "comment", "to_json")})
    return tomllib.loads(environment.get_template(template).render(ansible_managed="Ansible managed", **variables))


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(repository=ANY_TEXT, environment=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3), secret=ANY_TEXT)
def test_secrets_arrive_as_they_were_given(repository: str, environment: dict[str, str], secret: str) -> None:
    commands = [{"name": "a.b", "environment": {"TOKEN": secret}}, {"name": "plain"}]
    values = rendered("secrets.toml.j2", backup_repository=repository, backup_environment=environment, backup_commands=commands)
    assert values == {"repository": repository, "environment": environment, "command_environment": {"a.b": {"TOKEN": secret}}}


@pytest.mark.parametrize(
    "more", [{}, {"domains": ["shop.test"], "server": "fastcgi", "healthcheck": {"path": "/healthz", "status": 204, "body": '"all" is göod \\'}}]
)
def test_gate_and_managers_get_what_they_need_of_an_app(more: dict[str, t.Any]) -> None:
    [app] = complete_apps([{"name": "shop", "source": {"path": "/"}, "wsgi": "shop:app", **more}])
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    written = rendered("backup.toml.j2", **{**defaults, "backup_apps": [app]}, __backup_app_keys=variables["__backup_app_keys"])
    [read] = [App.from_model(table) for table in written["apps"]]
    assert read.model == {key: app[key] for key in variables["__backup_app_keys"]}
    assert (read.name, read.user, read.state) == ("shop", "flask-shop", "/var/lib/flask-shop")
    Gate(read.model), SystemdSlots(read.model), SupervisorSlots(read.model)
