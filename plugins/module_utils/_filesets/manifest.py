# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fileset put in place, written down so that any later run can tell whether it still stands and is in use."""

from __future__ import annotations

import dataclasses
import typing as t

from .._host.marks import Mark, Marks


@dataclasses.dataclass
class Manifest:
    """What a set owns.

    :param marks: by path, also of what the set keeps away.
    :param secret: paths whose content nobody is shown.
    :param units: units that run from the set.
    :param replaces: units whose place they take.
    :param live: commands that tell whether the system uses the files.
    :param wish: digest of the arguments that this follows from; empty when they were never carried out in full.
    """

    marks: Marks = dataclasses.field(default_factory=Marks)
    secret: list[str] = dataclasses.field(default_factory=list)
    units: list[str] = dataclasses.field(default_factory=list)
    replaces: list[str] = dataclasses.field(default_factory=list)
    live: list[str] = dataclasses.field(default_factory=list)
    wish: str = ""

    @classmethod
    def load(cls, stored: t.Any) -> Manifest:
        """A manifest as it was written. Earlier versions wrote the owned paths alone, or these and the secret ones."""
        if isinstance(stored, list):
            stored = {"paths": stored}
        if "paths" in stored:
            return cls(marks=Marks({path: Mark("other") for path in stored["paths"]}), secret=stored.get("secret", []))
        return cls(**{**stored, "marks": Marks.load(stored["marks"])})

    def store(self) -> dict[str, t.Any]:
        """The manifest as it is written."""
        return {**vars(self), "marks": self.marks.store()}
