# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a benchmark, each with its bound, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


class BenchError(Exception):
    """A run that does not do what is to be measured; the text says what and where to read on."""


@dataclass(frozen=True)
class Figure:
    """One line of the result: the median of `values`, and its upper or lower bound."""

    name: str
    values: Sequence[float]
    most: float | None = None
    least: float | None = None

    @property
    def measured(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, or nothing without a bound."""
        if self.most is None and self.least is None:
            return ""
        met = (self.most is None or self.measured <= self.most) and (self.least is None or self.measured >= self.least)
        return "met" if met else "MISSED"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':58} {'measured':>9} {'bound':>7}"]
    for figure in figures:
        bound = f"<= {figure.most:g}" if figure.most is not None else f">= {figure.least:g}" if figure.least is not None else ""
        lines.append(f"{figure.name:58} {figure.measured:9.4g} {bound:>7} {figure.verdict}".rstrip())
    return "\n".join(lines)
