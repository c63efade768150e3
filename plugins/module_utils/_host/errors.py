# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors on a host, and how a run over many apps continues after one."""

from __future__ import annotations

import contextlib
import typing as t


class HostError(Exception):
    """Something failed on this host. The text says what failed, why, and what to do."""


class Failures(dict[str, str]):
    """The failures by app. The failure of one app does not stop the others.

    >>> failures = Failures()
    >>> with failures.of("shop"):
    ...     raise HostError("it did not start")
    >>> failures
    {'shop': 'it did not start'}
    """

    @contextlib.contextmanager
    def of(self, name: str) -> t.Iterator[None]:
        """Do something for one app, and record its failure."""
        try:
            yield
        except (HostError, OSError) as error:
            self[name] = f"{self[name]}\n{error}" if name in self else str(error)

    def headlines(self) -> dict[str, str]:
        """The first line of each failure: the step and the reason."""
        return {name: text.partition("\n")[0] for name, text in self.items()}

    def report(self, summary: str) -> str:
        """All failures in one message, the reasons first."""
        return "\n".join([*(f"{name}: {text}".replace("\n", "\n    ") for name, text in self.items()), summary])
