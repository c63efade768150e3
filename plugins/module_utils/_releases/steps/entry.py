# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs in the sandbox. It makes the modules that were sent with it importable, and does one step."""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from importlib.machinery import ModuleSpec

PACKAGE = "steps"


class SentModules:
    """Finds and loads the package's modules from their sources.

    :param sources: text by name of the module; the package itself has the empty name.
    """

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, dummy, module = name.partition(".")
        if package != PACKAGE or module not in self._sources:
            return None
        return ModuleSpec(name, self, is_package=not module)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Use the default empty module."""

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._sources[module.__name__.partition(".")[2]], module.__name__, "exec"), module.__dict__)


def main(sources: dict[str, str], step: str, arguments: dict[str, object], environment: dict[str, str]) -> None:
    """Do one step and print one line of JSON: C({"result": ...}), or C({"error": ..., "output": ...}).

    :param step: module and function, such as C(tree.prepare).
    """
    os.umask(0o022)
    os.environ.update(environment)
    if "HOME" in environment:
        os.makedirs(environment["HOME"], mode=0o700, exist_ok=True)
    sys.meta_path.insert(0, SentModules(sources))
    module, dummy, function = step.partition(".")
    commands = importlib.import_module(f"{PACKAGE}.commands")
    try:
        answer = {"result": getattr(importlib.import_module(f"{PACKAGE}.{module}"), function)(**arguments)}
    except commands.StepError as error:
        answer = {"error": str(error), "output": error.output}
    except OSError as error:
        answer = {"error": f"{step}: {error}", "output": ""}
    json.dump(answer, sys.stdout)
