# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications, JSON Schema, filter and check accept what the model accepts. All of them follow from the declarations of keys."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.flaskyard.server.plugins.filter.apps import apps as filtered
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP, GROUPS, HOST, SERVICE
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.schema import Key
from ansible_collections.flaskyard.server.plugins.plugin_utils.declared import ARGUMENTS

from tests.docs.declared import SCHEMA, read_variables
from tests.docs.page import ROOT
from tests.docs.roles import ROLES, entry_points
from tests.unit.apps.test_model import HOSTILE, MINIMAL, PLACES, WRONG

OPTIONS = {name: option for role in ROLES if role.name != "host" for name, option in entry_points(role)["main"].get("options", {}).items()}
SPECIFICATION = ArgumentSpecValidator(OPTIONS)
VALIDATOR = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
#: What only the model refuses: combinations of keys, the meaning of texts, the contents of open mappings.
BEYOND = re.compile(
    r"wsgi is |workload .sessions.|python is '3|expected exactly one|source names|is missing; with|no meaning with|debugger"
    r"|sandbox;|web server;|NUL|noncharacter|\.extra_settings"
    r"|users\.|headers\.|is in two|allow has|needs certificate|need issuer|is not a valid name|exactly as the index has it"
)


def documented() -> Iterator[Any]:
    """Every example of variables in pages, examples and the example inventory."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]
    texts = [text for page in pages for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)]
    texts += [path.read_text(encoding="utf-8") for path in [*ROOT.glob("docs/examples/*.yml"), ROOT / "inventories" / "example" / "group_vars" / "flask.yml"]]
    for text in texts:
        content = yaml.safe_load(text)
        for play in content if isinstance(content, list) else [content]:
            found = {**play, **play.get("vars", {})} if isinstance(play, dict) else {}
            if declared := {name: _whole(found[name]) if name == "flask_apps" else found[name] for name in HOST if name in found}:
                yield declared


def _whole(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Apps of an example that shows a part of each."""
    return [{**MINIMAL, **{name: value for name, value in app.items() if name != "…"}} for app in apps]


EXAMPLES = list(documented())


def refused_by_specification(variables: dict[str, Any]) -> str:
    return "\n".join(SPECIFICATION.validate(copy.deepcopy(variables), validate_role_argument_spec=True).error_messages)


def refused_by_schema(variables: dict[str, Any]) -> str:
    return "\n".join(error.message for error in VALIDATOR.iter_errors(variables))


def refused_by_model(variables: dict[str, Any]) -> str:
    try:
        complete_apps(**{name: variables.get(variable, HOST[variable].default) for name, variable in ARGUMENTS.items()})
    except AppModelError as error:
        return str(error)
    return ""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 5 and any("flask_proxy_services" in example for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=",".join)
def test_documented_examples_are_accepted_everywhere(example: dict[str, Any]) -> None:
    assert (refused_by_schema(example), refused_by_specification(example)) == ("", "")
    text = json.dumps(example).replace("sha256:…", "sha256:" + "0" * 64)
    # The result of a template is not known here. A text fits everywhere in the examples.
    assert refused_by_model(json.loads(re.sub(r"\{\{[^{}]*\}\}", "x.example.com", text))) == ""


@pytest.mark.parametrize(("change", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_schema_refuses_whatever_the_model_refuses(change: dict[str, Any], message: str) -> None:
    given = {"flask_apps": [{**MINIMAL, **change}]}
    assert message in refused_by_model(given)
    assert bool(refused_by_schema(given)) != bool(BEYOND.search(refused_by_model(given)))


@pytest.mark.parametrize("place", PLACES)
def test_schema_and_model_agree_on_every_text(place: str) -> None:
    for text in HOSTILE:
        given = {"flask_apps": [{**MINIMAL, **PLACES[place](text)}]}
        said = refused_by_model(given)
        if not said:
            assert not refused_by_specification(given), text
            assert not refused_by_schema(given), text
        # A template may be anything, and $ of Python's expressions ends before a line break.
        elif not BEYOND.search(said) and place not in ("env name", "extra setting") and not re.search(r"\{[{%]|\n$", text):
            assert refused_by_schema(given), text


@pytest.mark.parametrize(
    "given",
    [
        {"flask_apps": {"shop": {}}},
        {"flask_apps": [5]},
        {"flask_apps": [{"name": "shop", "source": {"path": "x"}}]},
        {"flask_apps": [{**MINIMAL, "domain": "x"}]},
        {"flask_apps": [{**MINIMAL, "tls": {"isuer": "files"}}]},
        {"flask_apps": [{**MINIMAL, "server": "unicorn"}]},
        {"flask_apps": [{**MINIMAL, "static": [{"url": "/x"}]}]},
        {"flask_apps": [{**MINIMAL, "rate_limit": {}}]},
        {"flask_proxy": "caddy"},
        {"flask_proxy_services": [{"name": "x", "upstream": "127.0.0.1:1"}]},
        {"flask_proxy_services": [{"name": "x", "domains": ["x.test"], "upstream": "127.0.0.1:1", "server": "gunicorn"}]},
    ],
    ids=str,
)
def test_wrong_structure_is_refused_everywhere(given: dict[str, Any]) -> None:
    assert refused_by_model(given) and refused_by_specification(given) and refused_by_schema(given)


@pytest.mark.parametrize("value", ["{{ vault_x }}", "{% if x %}y{% endif %}"])
def test_schema_accepts_a_template_for_any_value(value: str) -> None:
    app = {**MINIMAL, "workers": value, "server": value, "domains": [value], "env": value, "maintenance": value, "static": value, "tls": {"issuer": value}}
    assert refused_by_schema({"flask_apps": [app], "flask_proxy": value, "gunicorn_workers": value}) == ""
    assert refused_by_schema({"flask_apps": value}) == ""


@pytest.mark.parametrize(
    "given",
    [
        {"apps": [MINIMAL]},
        {"apps": 5},
        {"apps": [MINIMAL], "services": {"metrics": {}}},
        {"apps": [{**MINIMAL, "server": "mod_wsgi"}], "manager": "supervisor"},
        {"apps": [MINIMAL], "manager": "runit"},
        {"apps": [MINIMAL], "proxy": "caddy"},
        {"apps": [MINIMAL], "trusted_networks": ["x"]},
        {"apps": [MINIMAL], "proxy_protocol": True},
        {"apps": [MINIMAL], "proxy_protocol": "false"},
        {"apps": [MINIMAL, MINIMAL], "trusted_networks": ["192.0.2.0/24"], "proxy_protocol": True},
    ],
    ids=str,
)
def test_filter_and_check_report_the_same(given: dict[str, Any]) -> None:
    """The check is `complete_host`, which the action hands its options."""
    said = refused_by_model({ARGUMENTS[name]: value for name, value in given.items()})
    try:
        filtered(given["apps"], **{name: value for name, value in given.items() if name != "apps"})
    except AnsibleFilterError as error:
        assert said in str(error) and said
    else:
        assert not said


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_declares_what_it_reads(role: Path) -> None:
    options = entry_points(role)["main"].get("options", {})
    assert {name for name in options if name.startswith("flask_")} == read_variables(role)


def secrets(keys: dict[str, Key], options: dict[str, Any]) -> Iterator[str]:
    for name, key in keys.items():
        if key.secret and (options[name].get("type"), options[name].get("no_log")) != ("raw", True):
            yield name
        yield from secrets(key.keys or (key.items.keys if key.items else {}), options[name].get("options", {}))


def test_no_specification_converts_a_secret() -> None:
    """Ansible prints the value that it cannot convert."""
    assert list(secrets({name: key for name, key in HOST.items() if name in OPTIONS or key.secret}, OPTIONS)) == []


@pytest.mark.parametrize("keys", [APP, SERVICE, HOST], ids=["app", "service", "host"])
def test_every_key_is_described(keys: dict[str, Key]) -> None:
    def told(keys: dict[str, Key]) -> Iterator[str]:
        for name, key in keys.items():
            if not re.fullmatch(r"[A-Z].*\.", key.meaning):
                yield name
            yield from told(key.keys or (key.items.keys if key.items else {}))

    assert list(told(keys)) == []


def test_every_key_has_a_purpose_and_a_destination() -> None:
    assert {name for name, key in APP.items() if key.group not in GROUPS or not key.reaches} == set()
