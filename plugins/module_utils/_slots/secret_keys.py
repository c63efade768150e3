# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SECRET_KEY of an app, and the previous one, whose signatures are still valid after a rotation.

Both are in one file, so that they change together and every backup has both.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import typing as t

VARIABLE, FALLBACKS = "SECRET_KEY", "SECRET_KEY_FALLBACKS"
#: Separates the two in the file. No environment variable can contain it, so no key does.
_SEPARATOR = "\0"


@dataclasses.dataclass(frozen=True)
class SecretKeys:
    """The key with which an app signs, and the one that it still accepts.

    :param current: empty if there is none yet.
    :param before: empty unless the key was rotated.
    """

    current: str
    before: str = ""

    @classmethod
    def read(cls, text: str) -> SecretKeys:
        """The keys in the text of the file."""
        current, dummy, before = text.partition(_SEPARATOR)
        return cls(current, before)

    @classmethod
    def of(cls, environment: dict[str, str]) -> SecretKeys:
        """The keys in a slot's environment. The app may have declared other values in their place."""
        try:
            before = json.loads(environment.get(FALLBACKS, "[]"))
        except ValueError:
            before = []
        return cls(environment.get(VARIABLE, ""), before[0] if isinstance(before, list) and before and isinstance(before[0], str) else "")

    @classmethod
    def new(cls) -> SecretKeys:
        """A key of 256 bits."""
        return cls(secrets.token_hex(32))

    def rotated(self) -> SecretKeys:
        """A new key, with the present one as the previous one. The old previous one is dropped."""
        return SecretKeys(self.new().current, self.current)

    @property
    def text(self) -> str:
        """The text of the file."""
        return f"{self.current}{_SEPARATOR}{self.before}" if self.before else self.current

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables. The fallbacks are a JSON list, and are left out if there is none."""
        return {VARIABLE: self.current, **({FALLBACKS: json.dumps([self.before])} if self.before else {})}


def without_keys(environment: dict[str, t.Any]) -> dict[str, t.Any]:
    """An environment without the variables of the host's keys."""
    return {name: value for name, value in environment.items() if name not in (VARIABLE, FALLBACKS)}
