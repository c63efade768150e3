# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on a host, and how a run over many apps goes on after it."""

from __future__ import annotations

import contextlib
import typing as t


class HostError(Exception):
    """Something cannot be done on this host. The text says what failed, why, and the way out."""


class Failures(dict[str, str]):
    """What failed, by app. The failure of one never hides what became of another.

    >>> failures = Failures()
    >>> with failures.of("shop"):
    ...     raise HostError("it did not start")
    >>> failures
    {'shop': 'it did not start'}
    """

    @contextlib.contextmanager
    def of(self, name: str) -> t.Iterator[None]:
        """Do something for one app, and keep what goes wrong."""
        try:
            yield
        except (HostError, OSError) as error:
            self[name] = f"{self[name]}\n{error}" if name in self else str(error)

    def report(self, summary: str) -> str:
        """All of them in one message, the reasons first."""
        return "\n".join([*(f"{name}: {text}".replace("\n", "\n    ") for name, text in self.items()), summary])
