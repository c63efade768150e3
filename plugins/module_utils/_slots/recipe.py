# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slot is made of, and the name that follows from it. Nothing here reads from the host."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from .._host.environment_file import environment_file, parse_environment_file
from .._host.wishes import wish
from .secret_keys import VARIABLE, SecretKeys

#: Tokens in rendered files for the slot's name, folder, release and address, which all follow from the content.
TOKENS = {
    "slot": "@FLASKYARD_SLOT@",
    "slot_dir": "@FLASKYARD_SLOT_DIR@",
    "release_dir": "@FLASKYARD_RELEASE_DIR@",
    "slot_address": "@FLASKYARD_SLOT_ADDRESS@",
    "slot_port": "@FLASKYARD_SLOT_PORT@",
}


#: The keys of C(shown) that are not files.
_NO_FILES = ("release", "env", "secret_files")
#: The folder below a slot's folder with its secret files.
SECRET_FILES = "files"
SecretFiles = dict[str, dict[str, str]]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that a slot runs with, except the secret key, which the host makes.

    :param release: id of the release.
    :param release_dir: its path.
    :param files: rendered files with tokens, by name.
    :param env: the app's environment, as a file.
    :param secret_files: the app's secret files by path, each with C(content) in base64 and the C(variable) with its path.
    """

    release: str
    release_dir: str
    files: dict[str, str]
    env: str
    secret_files: SecretFiles = dataclasses.field(default_factory=dict)

    @classmethod
    def recalled(cls, release: str, release_dir: str, shown: dict[str, str], environment: dict[str, str], secret_files: SecretFiles) -> Recipe:
        """A recipe for a release, made from the files that a slot keeps.

        :param shown: the slot's C(shown).
        :param environment: the slot's environment. It includes the host's SECRET_KEY unless the app declares one.
        :param secret_files: the slot's secret files.
        """
        files = {name: text for name, text in shown.items() if name not in _NO_FILES}
        declared = {line.partition(" = ")[0] for line in shown["env"].splitlines()}
        env = environment_file({name: value for name, value in environment.items() if name in declared})
        return cls(release, release_dir, files, env, secret_files)

    def slot(self, secret_key: str, restarts: int = 0) -> str:
        """The name of the slot. The same input gives the same name, so a run without changes does nothing.

        :param restarts: the app's number of restarts.
        """
        made_of = [self.release, self.files, self.env, secret_key, *([restarts] if restarts else []), *([self.secret_files] if self.secret_files else [])]
        content = json.dumps(made_of, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    def texts(self, slot: str, slot_dir: str) -> dict[str, str]:
        """The files of a slot with this name, by name."""
        address, port = loopback_address(slot)
        values = {"slot": slot, "slot_dir": slot_dir, "release_dir": self.release_dir, "slot_address": address, "slot_port": str(port)}
        texts = dict(self.files)
        for token, value in values.items():
            texts = {name: text.replace(TOKENS[token], value) for name, text in texts.items()}
        return texts

    def environment(self, secret_key: str, slot_dir: str) -> str:
        """The environment file. If the app declares a SECRET_KEY, it replaces the host's keys.

        :param secret_key: the text of the file with the host's keys.
        """
        declared = parse_environment_file(self.env)
        given = {} if VARIABLE in declared else SecretKeys.read(secret_key).variables
        places = {file["variable"]: f"{slot_dir}/{SECRET_FILES}/{path}" for path, file in self.secret_files.items()}
        return environment_file({**given, **declared, **places})

    def shown(self, secret_key: str) -> dict[str, str]:
        """The recipe as a diff shows it. Of environment and secret files it has the names, and keyed digests that show whether a value changed."""
        variables = parse_environment_file(self.env)
        env = "".join(f"{name} = {_veiled(value, secret_key)}\n" for name, value in variables.items())
        own = "".join(f"{path} in {file['variable']} = {_veiled(file['content'], secret_key)}\n" for path, file in self.secret_files.items())
        return {**self.files, "release": f"{self.release or '(not known yet)'}\n", "env": env, **({"secret_files": own} if own else {})}


def _veiled(value: str, secret_key: str) -> str:
    key = secret_key.encode()
    return f"(secret, {hashlib.blake2s(value.encode(), key=key[:32], digest_size=4).hexdigest()})" if key else "(secret)"


def asked_for(
    app: dict[str, t.Any], release: dict[str, t.Any] | None, files: dict[str, str], env: str, manager: str, secret_files: SecretFiles | None = None
) -> str:
    """The wish for the slot of one app, which controller and host compute alike. It leaves out where the release's code came from."""
    return wish([app, (release or {}).get("id"), files, env, manager, *([secret_files] if secret_files else [])])


def loopback_address(slot: str) -> tuple[str, int]:
    """Address below 127.77.0.0/16 and TCP port for a server that cannot take systemd's socket. Rules of the slot let only its socket proxy connect.

    Both follow from the slot's name. The port is below the range of ephemeral ports.
    """
    number = int(slot[:7], 16)
    return f"127.77.{number >> 20}.{number >> 12 & 255}", 20000 + (number & 4095)


def difference(app: str, before: dict[str, str], after: dict[str, str]) -> list[dict[str, str]]:
    """The difference between two C(shown) recipes, as a diff for Ansible."""
    changed: t.Iterable[str] = (name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    return [
        {"before": before.get(name, ""), "after": after.get(name, ""), "before_header": f"{app}: {name}", "after_header": f"{app}: {name}"} for name in changed
    ]
