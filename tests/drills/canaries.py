# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary for every secret value, so that a leak is recognised anywhere."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP
from ansible_collections.flaskyard.server.plugins.module_utils._apps.schema import Key

from tests.docs.roles import ROLES, entry_points

from .harness import DOMAIN


def declared() -> set[str]:
    """The keys of an app and the variables of roles that are marked secret, by their paths."""
    variables = {path for role in ROLES for entry in entry_points(role).values() for path in _marked(entry.get("options", {}))}
    return variables | {f"app.{path}" for path in _secret_keys(APP)}


def _secret_keys(keys: dict[str, Key]) -> Iterator[str]:
    for name, key in keys.items():
        if key.secret:
            yield name
        yield from (f"{name}.{path}" for path in _secret_keys(key.keys or (key.items.keys if key.items else {})))


def _marked(options: dict[str, Any]) -> Iterator[str]:
    for name, option in options.items():
        # The keys of apps are taken from their declarations.
        if name.startswith("flask_"):
            continue
        if option.get("no_log"):
            yield name
        yield from (f"{name}.{path}" for path in _marked(option.get("options", {})))


@dataclass(frozen=True)
class Canaries:
    """A canary for everything that is declared secret.

    :param texts: by path, the texts that must appear nowhere. For a private key, one of its lines.
    :param key: the private key as PEM text.
    :param certificate: the certificate for this key.
    """

    texts: dict[str, str]
    key: str
    certificate: str

    @classmethod
    def of(cls, paths: set[str], folder: Path) -> Canaries:
        """New canaries."""
        files = [folder / name for name in ("canary.key", "canary.pem")]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
        subprocess.run([*command, "-keyout", files[0], "-out", files[1]], check=True, capture_output=True)
        key, certificate = (file.read_text() for file in files)
        texts = {path: f"canary-{secrets.token_hex(6)}-{path.rpartition('.')[2].replace('_', '-')}" for path in paths}
        return cls({**texts, "app.tls.key": key.splitlines()[5]}, key, certificate)

    def values(self) -> dict[str, Any]:
        """Each canary in a value that its key or variable accepts."""
        text = self.texts
        return {
            "app.env": {"API_TOKEN": text["app.env"], "MULTI_LINE": f"first\n{text['app.env']}-second\n"},
            "app.files.content": f"password = {text['app.files.content']}\n\n",
            "app.files.content_base64": base64.b64encode(b"\0\xff" + text["app.files.content_base64"].encode()).decode("ascii"),
            "app.access.users": {"ada": f"$6${text['app.access.users']}$x"},
            "app.tls.key": self.key,
            "app.source.deploy_key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text['app.source.deploy_key']}\n-----END OPENSSH PRIVATE KEY-----\n",
            "backup_repository": f"rest:http://user:{text['backup_repository']}@127.0.0.1:9/",
            "backup_password": text["backup_password"],
            "backup_environment": {"AWS_SECRET_ACCESS_KEY": text["backup_environment"]},
            "backup_rclone_config": f"[drive]\ntype = drive\ntoken = {text['backup_rclone_config']}\n",
            "backup_ssh_key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text['backup_ssh_key']}\n-----END OPENSSH PRIVATE KEY-----\n",
            "backup_commands.environment": {"PGPASSWORD": text["backup_commands.environment"]},
            "tls_dns_credentials": {"dns_rfc2136_server": "127.0.0.1", "dns_rfc2136_secret": text["tls_dns_credentials"]},
            "python_index_url": f"https://user:{text['python_index_url']}@127.0.0.1:9/simple",
            "python_extra_index_urls": [f"https://user:{text['python_extra_index_urls']}@127.0.0.1:9/simple"],
            "python_environment": {"ALL_PROXY": f"http://user:{text['python_environment']}@127.0.0.1:9"},
        }
