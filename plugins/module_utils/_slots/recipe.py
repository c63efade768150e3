# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slot is made of, and the name that follows from it. Nothing here looks at the host."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from .._host.environment_file import environment_file, parse_environment_file
from .._host.wishes import wish
from .secret_keys import VARIABLE, SecretKeys

#: Stands for the slot's name, its folder, its release and an address of its own in rendered files, since all follow from the content.
TOKENS = {
    "slot": "@FLASKYARD_SLOT@",
    "slot_dir": "@FLASKYARD_SLOT_DIR@",
    "release_dir": "@FLASKYARD_RELEASE_DIR@",
    "slot_address": "@FLASKYARD_SLOT_ADDRESS@",
    "slot_port": "@FLASKYARD_SLOT_PORT@",
}


#: What C(shown) has beside files.
_NO_FILES = ("release", "env", "secret_files")
#: Where in a slot's folder its secret files are.
SECRET_FILES = "files"
SecretFiles = dict[str, dict[str, str]]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that a slot runs with but the secret key, which is the host's own.

    :param release: id of the release.
    :param release_dir: where it is.
    :param files: as rendered, with tokens, by name.
    :param env: the app's environment, as a file.
    :param secret_files: the app's own by path, each with C(content) in base64 and the C(variable) that tells where it is.
    """

    release: str
    release_dir: str
    files: dict[str, str]
    env: str
    secret_files: SecretFiles = dataclasses.field(default_factory=dict)

    @classmethod
    def recalled(cls, release: str, release_dir: str, shown: dict[str, str], environment: dict[str, str], secret_files: SecretFiles) -> Recipe:
        """A recipe out of what a slot keeps of its own, for a release.

        :param shown: what C(shown) gave.
        :param environment: what the slot runs with, the host's SECRET_KEY among it unless the app declares one.
        :param secret_files: those that the slot has.
        """
        files = {name: text for name, text in shown.items() if name not in _NO_FILES}
        declared = {line.partition(" = ")[0] for line in shown["env"].splitlines()}
        env = environment_file({name: value for name, value in environment.items() if name in declared})
        return cls(release, release_dir, files, env, secret_files)

    def slot(self, secret_key: str, restarts: int = 0) -> str:
        """Name of the slot: the same input gives the same name, which is why nothing happens.

        :param restarts: how often somebody asked for another slot of the same.
        """
        made_of = [self.release, self.files, self.env, secret_key, *([restarts] if restarts else []), *([self.secret_files] if self.secret_files else [])]
        content = json.dumps(made_of, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    def texts(self, slot: str, slot_dir: str) -> dict[str, str]:
        """The files as a slot of this name has them, by name."""
        address, port = loopback_address(slot)
        values = {"slot": slot, "slot_dir": slot_dir, "release_dir": self.release_dir, "slot_address": address, "slot_port": str(port)}
        texts = dict(self.files)
        for token, value in values.items():
            texts = {name: text.replace(TOKENS[token], value) for name, text in texts.items()}
        return texts

    def environment(self, secret_key: str, slot_dir: str) -> str:
        """The environment file; an app that declares a SECRET_KEY of its own has that, and none of the host's.

        :param secret_key: the text of the file with the key.
        """
        declared = parse_environment_file(self.env)
        given = {} if VARIABLE in declared else SecretKeys.read(secret_key).variables
        places = {file["variable"]: f"{slot_dir}/{SECRET_FILES}/{path}" for path, file in self.secret_files.items()}
        return environment_file({**given, **declared, **places})

    def shown(self, secret_key: str) -> dict[str, str]:
        """The recipe as a diff shows it. Of the environment and of secret files it has the names, and a keyed digest to tell that a value changed."""
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
    """The wish for the slot of one app, as controller and host both know it. Where the code came from says nothing of what runs."""
    return wish([app, (release or {}).get("id"), files, env, manager, *([secret_files] if secret_files else [])])


def loopback_address(slot: str) -> tuple[str, int]:
    """Address and TCP port for a server that cannot take systemd's socket: below 127.77.0.0/16. Rules of the slot let only its door connect.

    Both follow from the slot's name, and the port is below the range from which outgoing connections get theirs.
    """
    number = int(slot[:7], 16)
    return f"127.77.{number >> 20}.{number >> 12 & 255}", 20000 + (number & 4095)


def difference(app: str, before: dict[str, str], after: dict[str, str]) -> list[dict[str, str]]:
    """Two recipes as they are shown, as Ansible shows a diff."""
    changed: t.Iterable[str] = (name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    return [
        {"before": before.get(name, ""), "after": after.get(name, ""), "before_header": f"{app}: {name}", "after_header": f"{app}: {name}"} for name in changed
    ]
