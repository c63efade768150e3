# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SECRET_KEY of an app, and the one that a rotation replaced: what was signed with it still counts.

Both are in one file, so that neither is ever without the other, and in every backup.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import typing as t

VARIABLE, FALLBACKS = "SECRET_KEY", "SECRET_KEY_FALLBACKS"
#: Between the two in the file. No environment variable can hold it, so no key does.
_SEPARATOR = "\0"


@dataclasses.dataclass(frozen=True)
class SecretKeys:
    """What an app signs with, and what else it accepts.

    :param current: empty while there is none.
    :param before: empty unless the key was rotated.
    """

    current: str
    before: str = ""

    @classmethod
    def read(cls, text: str) -> SecretKeys:
        """From the text of the file."""
        current, dummy, before = text.partition(_SEPARATOR)
        return cls(current, before)

    @classmethod
    def of(cls, environment: dict[str, str]) -> SecretKeys:
        """Those that a slot runs with. The app may have put something else of its own in their place."""
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
        """A new key, and the present one behind it. What was behind that is dropped."""
        return SecretKeys(self.new().current, self.current)

    @property
    def text(self) -> str:
        """The text of the file."""
        return f"{self.current}{_SEPARATOR}{self.before}" if self.before else self.current

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the app. The fallbacks are a JSON list, and only there when there is one."""
        return {VARIABLE: self.current, **({FALLBACKS: json.dumps([self.before])} if self.before else {})}


def without_keys(environment: dict[str, t.Any]) -> dict[str, t.Any]:
    """An environment without those of the host."""
    return {name: value for name, value in environment.items() if name not in (VARIABLE, FALLBACKS)}
