# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks record what was put at a path, to tell later whether it is unchanged."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from .accounts import group_name, user_name
from .path_state import PathState, read_path


@dataclasses.dataclass(frozen=True)
class Mark:
    """What was put at a path, without its content. Owners are names, because an account that is made again may have another number."""

    kind: str
    digest: str = ""
    target: str = ""
    owner: str = "root"
    group: str = "root"
    mode: int = 0

    @classmethod
    def of(cls, state: PathState) -> Mark:
        """The mark of a path."""
        if state.kind in ("absent", "other"):
            return cls(state.kind)
        if state.kind == "link":
            return cls("link", target=state.target)
        digest = hashlib.sha256(state.content).hexdigest() if state.kind == "file" else ""
        return cls(state.kind, digest, "", user_name(state.uid), group_name(state.gid), state.mode)

    def differs(self, path: str) -> str:
        """How what is at a path differs from this mark, in words; empty if it does not."""
        found = Mark.of(read_path(path))
        if found == self:
            return ""
        if found.kind != self.kind:
            if self.kind == "absent":
                return f"{path} had come back"
            return f"{path} was {'missing' if found.kind == 'absent' else f'a {found.kind}'}"
        if found.access != self.access:
            return f"{path} was {found.access}, not {self.access}"
        return f"{path} was changed"

    @property
    def access(self) -> str:
        """Owner, group and mode."""
        return f"{self.owner}:{self.group} {self.mode:04o}"


class Marks(dict[str, Mark]):
    """Marks by path."""

    @classmethod
    def load(cls, stored: dict[str, t.Any]) -> Marks:
        """Marks from their stored form."""
        return cls({path: Mark(**mark) for path, mark in stored.items()})

    def store(self) -> dict[str, t.Any]:
        """The form in which marks are stored."""
        return {path: dataclasses.asdict(mark) for path, mark in self.items()}

    def differences(self) -> list[str]:
        """What differs from the marks, in words."""
        return [words for path, mark in self.items() if (words := mark.differs(path))]
