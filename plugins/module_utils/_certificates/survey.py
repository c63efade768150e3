# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the certificates are as last declared: repeat the recorded run in check mode."""

from __future__ import annotations

import json
import os
import typing as t

from .._host import paths
from .._host.path_state import PathState, read_json, write_path
from .run import CertificateRun
from .store import Store


def remember(params: dict[str, t.Any], wish: str) -> None:
    """Record the arguments of a run without its keys, and its wish."""
    store = Store(params["directory"])
    apps = [_without_key(app, store) for app in params["apps"]]
    _record(params["stage"], {"wish": wish, "params": {**{name: params.get(name) for name in _PARAMS}, "apps": apps}})


def forget(app: str) -> None:
    """Remove an app from the records. The next run of each stage looks at its certificates again."""
    for stage in _stages():
        stored = read_json(_file(stage))
        if stored and any(recorded["name"] == app for recorded in stored["params"]["apps"]):
            others = [recorded for recorded in stored["params"]["apps"] if recorded["name"] != app]
            _record(stage, {"wish": "", "params": {**stored["params"], "apps": others}})


def survey() -> dict[str, dict[str, t.Any]]:
    """By stage, the recorded C(wish); C(differences), what does not hold, in words; C(live), the certificates that are served."""
    return {stage: _look(stage) for stage in _stages()}


def _look(stage: str) -> dict[str, t.Any]:
    stored = read_json(_file(stage))
    if stored is None:
        return {"wish": "", "differences": ["the last declaration was not recorded"], "live": {}}
    run = CertificateRun(stored["params"], check=True)
    result = run.run()
    differences = [*run.problems, *run.warnings, *(["a certificate was not as declared"] if result["changed"] else [])]
    return {"wish": stored["wish"], "differences": differences, "live": result["certificates"]}


_PARAMS = ("stage", "directory", "selfsigned_days", "certbot", "acme_directory", "webroot", "dns_authenticator", "probe", "reload_command")


def _without_key(app: dict[str, t.Any], store: Store) -> dict[str, t.Any]:
    if app["tls"]["issuer"] != "files":
        return app
    return {**app, "tls": {"issuer": "kept", "folder": store.live(app["name"])}}


def _stages() -> list[str]:
    names = sorted(os.listdir(paths.CERTIFICATES)) if os.path.isdir(paths.CERTIFICATES) else []
    return [name.removesuffix(".json") for name in names]


def _record(stage: str, stored: dict[str, t.Any]) -> None:
    write_path(_file(stage), PathState("file", json.dumps(stored, indent=1).encode(), mode=0o600))


def _file(stage: str) -> str:
    return os.path.join(paths.CERTIFICATES, f"{stage}.json")
