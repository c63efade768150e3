# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files generated from the declarations of keys: options in argument specifications, defaults of the servers' roles, the JSON Schema."""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import HOST
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import SERVERS
from ansible_collections.flaskyard.server.plugins.module_utils._apps.schema import Key
from ansible_collections.flaskyard.server.plugins.module_utils._apps.server_keys import SETTINGS, variables

from .page import ROOT, Block, Page, prose
from .roles import ROLES, entry_points

SCHEMA = ROOT / "docs" / "flaskyard.schema.json"
_TYPES = {"auto": "raw", "env": "dict", "headers": "dict", "users": "dict", "settings": "dict", "lines": "dict"}
#: What a role reads of the model, to the variables that this is made of.
_READS: dict[str, Callable[[str], set[str]]] = {
    r"\bflask_(?:apps|proxy|manager|proxy_services|trusted_networks|proxy_protocol|tls_terminated_by|deploy_log|on_failure)\b": lambda found: {found},
    r"flaskyard\.server\.model', 'apps'": lambda dummy: {"flask_apps"},
    r"flaskyard\.server\.model', '(?:places|sites|user_files)'": lambda dummy: {"flask_apps", "flask_proxy_services"},
}
_HEAD = '''# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of all roles, by their argument specs; written by C(python -m tests.docs)."""

from __future__ import annotations

'''
#: A value that Ansible evaluates; an editor cannot know what it gives.
_TEMPLATE = {"type": "string", "pattern": r"\{\{|\{%"}


def blocks() -> Iterator[Block | Page]:
    """The options of every role that reads a variable of the host, the defaults of the servers' roles, and the schema."""
    for role in ROLES:
        options = {name: _option(HOST[name], nested=role.name != "host") for name in HOST if name in read_variables(role)}
        if role.name in SERVERS:
            own = variables(role.name)
            options |= {name: _option(key) for name, (_setting, key) in own.items()}
            yield Page(role / "defaults" / "main.yml", "---\n" + _yaml({name: key.default for name, (_setting, key) in own.items()}))
        if options:
            yield Block(role / "meta" / "argument_specs.yml", "DECLARED", textwrap.indent(_yaml(options), " " * 6))
    yield Page(ROOT / "plugins" / "plugin_utils" / "variable_names.py", _names())
    yield Page(SCHEMA, json.dumps(schema(), indent=1, ensure_ascii=False) + "\n")


def _names() -> str:
    """The names of all variables of the roles, as a module."""
    names = sorted({name for role in ROLES for spec in entry_points(role).values() for name in spec.get("options", {})})
    listed = "".join(f'        "{name}",\n' for name in names if not name.startswith("ansible_"))
    return f"{_HEAD}NAMES = frozenset(\n    {{\n{listed}    }}\n)\n"


def read_variables(role: Path) -> set[str]:
    """The variables of the host that a role reads, by itself or from the model. The role ``host`` reads all."""
    text = "\n".join(path.read_text(encoding="utf-8") for folder in ("defaults", "tasks", "templates", "vars") for path in sorted((role / folder).iterdir()))
    found = (names(match[0]) for pattern, names in _READS.items() for match in re.finditer(pattern, text))
    return set().union(*found)


def _option(key: Key, nested: bool = True) -> dict[str, Any]:
    """A key as an option of an argument specification.

    Ansible would print the value of a secret that it cannot convert, so a secret is raw; so is what the role ``host`` takes, whose own check, with better
    messages, runs after this one. No pattern or bound can stand here: the check knows them.
    """
    spec: dict[str, Any] = {"description": key.meaning}
    if key.secret or (not nested and key.kind in ("list", "bool")):
        spec["type"] = "raw"
    else:
        spec["type"] = _TYPES.get(key.kind, key.kind)
        if key.items:
            spec["elements"] = key.items.kind
        if key.choices and nested:
            spec["choices"] = list(key.choices)
    if key.secret:
        spec["no_log"] = True
    if key.required:
        spec["required"] = True
    elif key.default is not None:
        spec["default"] = key.default
    keys = key.keys or (key.items.keys if key.items else {})
    if keys and nested:
        spec["options"] = {name: _option(inner) for name, inner in _without_role_defaults(keys).items()}
    return spec


def _without_role_defaults(keys: dict[str, Key]) -> dict[str, Key]:
    """Keys. The settings of servers have no default: unless an app sets one, the variable of the role counts."""
    if keys not in SETTINGS.values():
        return keys
    return {name: dataclasses.replace(key, default=None) if key.variable else key for name, key in keys.items()}


class _Dumper(yaml.SafeDumper):
    """Writes lists as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text else '"'))


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140)


def schema() -> dict[str, Any]:
    """The JSON Schema of a file of variables, for editors. Draft 7 is what both yaml-language-server and PyCharm take."""
    properties = {name: _described(key, _schema_of(key)) for name, key in HOST.items()}
    for role in ROLES:
        own = {name: key for name, (_setting, key) in variables(role.name).items()} if role.name in SERVERS else {}
        for name, spec in entry_points(role)["main"].get("options", {}).items():
            if name not in properties:
                properties[name] = _described(own[name], _schema_of(own[name])) if name in own else _schema_of_option(spec)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Variables of flaskyard.server",
        "description": "Written by python -m tests.docs.",
        "type": "object",
        "definitions": {"template": {**_TEMPLATE, "$comment": "A value that Ansible evaluates."}},
        "properties": properties,
    }


def _schema_of(key: Key) -> dict[str, Any]:
    plain: dict[str, Any] = {"str": {"type": "string"}, "int": {"type": "integer"}, "bool": {"type": "boolean"}, "list": {"type": "array"}}.get(
        key.kind, {"type": "object"}
    )
    if key.kind == "env":
        plain["additionalProperties"] = {"type": ["string", "integer", "boolean"]}
    if key.kind == "auto":
        return _or_template({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": key.low, "maximum": key.high}]})
    if key.choices:
        plain = {"enum": list(key.choices)}
    if key.pattern:
        # The message is a keyword of yaml-language-server.
        plain |= {"pattern": f"^(?:{key.pattern})$", "patternErrorMessage": f"expected {key.allowed()}"}
    if key.low is not None:
        plain |= {"minimum": key.low, "maximum": key.high}
    if key.items:
        plain["items"] = _or_template(_object(key.items.keys)) if key.items.keys else _described(key.items, _schema_of(key.items))
    if key.keys:
        plain = _object(key.keys)
    # Any text is text, be it a template or not.
    return plain if plain == {"type": "string"} else _or_template(plain)


def _object(keys: dict[str, Key]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _described(key, _schema_of(key)) for name, key in _without_role_defaults(keys).items()},
    }
    required = [name for name, key in keys.items() if key.required]
    return {**found, "required": required} if required else found


def _or_template(plain: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [plain, {"$ref": "#/definitions/template"}]}


def _described(key: Key, plain: dict[str, Any]) -> dict[str, Any]:
    expected = f" Expected: {key.allowed()}." if key.expected or key.kind == "int" else ""
    default = {"default": key.default} if key.default not in (None, [], {}, "") else {}
    return {"description": prose(key.meaning) + expected, **default, **plain}


def _schema_of_option(spec: dict[str, Any]) -> dict[str, Any]:
    """A variable of a role; Ansible converts values, so the type is documented and not enforced."""
    default = {"default": spec["default"]} if "default" in spec else {}
    choices = {"examples": spec["choices"]} if "choices" in spec else {}
    return {"description": prose(spec["description"]), **default, **choices}
