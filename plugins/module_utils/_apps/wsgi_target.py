# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``wsgi`` of an app: C(module:callable), where the callable may be a factory with literal arguments.

The rule is gunicorn's (C(gunicorn.util.import_app)), so a target that works with gunicorn works here with any server.
"""

from __future__ import annotations

import ast
import dataclasses
import re

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


@dataclasses.dataclass(frozen=True)
class WsgiTarget:
    """A parsed target: C(expression) is Python to evaluate in the namespace of C(module)."""

    module: str
    expression: str


def parse_wsgi(text: str) -> WsgiTarget:
    """Parse C(module:callable).

    :raises ValueError: with the problem in words.
    """
    module, separator, attribute = text.partition(":")
    if not separator or not _DOTTED.fullmatch(module):
        raise ValueError("expected module:callable, such as 'shop:app' or 'shop.web:create_app()'")
    try:
        node = ast.parse(attribute.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{attribute!r} is not a Python name or call ({error.msg})") from error
    call = node if isinstance(node, ast.Call) else None
    target = call.func if call else node
    if not isinstance(target, ast.Name):
        raise ValueError(f"{attribute!r} must be a name, or a call of a name such as create_app('production')")
    if call:
        if any(keyword.arg is None for keyword in call.keywords):
            raise ValueError(f"{attribute!r} must name its arguments; ** does not work here")
        try:
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                ast.literal_eval(argument)
        except ValueError as error:
            raise ValueError(f"the arguments in {attribute!r} must be literals, such as 'production' or 1") from error
    return WsgiTarget(module, ast.unparse(node))
