# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misspelt variables of the roles are refused. Variables of other roles are not."""

from __future__ import annotations

import pytest
from ansible_collections.flaskyard.server.plugins.plugin_utils.misspelt import misspelt, misspelt_parameters, without_effect
from ansible_collections.flaskyard.server.plugins.plugin_utils.variable_names import NAMES

#: Of roles that people have beside ours: geerlingguy's, devsec's, ANXS's.
OTHERS = (
    *("nginx_user", "nginx_worker_processes", "nginx_extra_http_options", "nginx_extra_conf_options", "nginx_keepalive_timeout", "nginx_vhosts"),
    *("postgresql_hba_entries", "postgresql_databases", "postgresql_users", "postgresql_version", "postgresql_global_config_options"),
    *("firewall_allowed_tcp_ports", "firewall_enable_ipv6", "firewall_state", "certbot_admin_email", "mariadb_users", "apache_listen_port"),
    *("python_version", "app_name", "app_user", "host_name", "backup_dir", "tls_cert", "tls_key", "supervisor_programs", "flask_env", "flask_debug"),
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("flask_app", "flask_apps"),
        ("tls_mail", "tls_email"),
        ("backup_repositry", "backup_repository"),
        ("nginx_header", "nginx_headers"),
        ("backup_repo", "backup_repository"),
        ("tls_emial", "tls_email"),
    ],
)
def test_misspelt_variable_is_refused(name: str, meant: str) -> None:
    [said] = misspelt([name, *NAMES], [])
    assert said == f"no role has the variable {name}; did you mean {meant}? If it is your own, add it to the list host_own_variables"
    assert not list(misspelt([name], [name]))


def test_variables_of_other_roles_are_accepted() -> None:
    assert list(misspelt([*OTHERS, *NAMES, "ansible_facts", "__nginx_sites"], [])) == []


def test_unknown_variables_with_our_prefixes_are_told() -> None:
    names = ["tls_cert", "flask_debug", "nginx_user", "tls_emial", "mine", *NAMES]
    assert without_effect(names, ["mine"]) == ["flask_debug", "tls_cert"]
    assert without_effect(names, ["tls_cert"]) == ["flask_debug"]


@pytest.mark.parametrize(("name", "meant"), [("apps", "app"), ("targets", "target"), ("relase", "release")])
def test_misspelt_parameter_is_refused(name: str, meant: str) -> None:
    [said] = misspelt_parameters([name, "app", "version", "tag", "commit"])
    assert said.startswith(f"-e {name}: the playbooks have no such parameter; did you mean {meant}?")
