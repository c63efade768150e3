# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what a fileset put in place, so that later runs can tell whether it is unchanged and in use."""

from __future__ import annotations

import dataclasses
import typing as t

from .._host.marks import Mark, Marks


@dataclasses.dataclass
class Manifest:
    """What a set owns.

    :param marks: by path, also for paths that must be absent.
    :param secret: paths whose content is never shown.
    :param units: units that run from the set.
    :param replaces: units that these replace.
    :param live: commands that succeed while the system uses the files.
    :param wish: the wish that led to this; empty if it was never carried out in full.
    """

    marks: Marks = dataclasses.field(default_factory=Marks)
    secret: list[str] = dataclasses.field(default_factory=list)
    units: list[str] = dataclasses.field(default_factory=list)
    replaces: list[str] = dataclasses.field(default_factory=list)
    live: list[str] = dataclasses.field(default_factory=list)
    wish: str = ""

    @classmethod
    def load(cls, stored: t.Any) -> Manifest:
        """A manifest from its stored form. Earlier versions stored only the owned paths, or these and the secret ones."""
        if isinstance(stored, list):
            stored = {"paths": stored}
        if "paths" in stored:
            return cls(marks=Marks({path: Mark("other") for path in stored["paths"]}), secret=stored.get("secret", []))
        return cls(**{**stored, "marks": Marks.load(stored["marks"])})

    def store(self) -> dict[str, t.Any]:
        """The form in which the manifest is stored."""
        return {**vars(self), "marks": self.marks.store()}
