# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar expressions of systemd.time(7), checked before a host is touched. Pure Python, no Ansible.

The check accepts less than systemd does, and nothing that systemd refuses.
"""

from __future__ import annotations

import re

_SHORTHANDS = {"minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"}
_DAYS = r"(?:mon|monday|tue|tuesday|wed|wednesday|thu|thursday|fri|friday|sat|saturday|sun|sunday)"
_WEEKDAYS = re.compile(rf"{_DAYS}(?:\.\.{_DAYS})?(?:,{_DAYS}(?:\.\.{_DAYS})?)*", re.IGNORECASE)
_ITEM = re.compile(r"([0-9]{1,4})(?:\.\.([0-9]{1,4}))?(?:/([1-9][0-9]{0,3}))?")
#: Days of each month in a leap year.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
EXPECTED = "a calendar expression of systemd.time(7), such as daily, 'Mon..Fri 03:30' or '*-*-01 04:00:00 UTC'"


def is_calendar(text: str) -> bool:
    """Whether systemd accepts this as C(OnCalendar=), and the moment can occur."""
    words = text.split(" ")
    if "" in words:
        return False
    # Other time zones need tzdata, which a host may lack.
    if len(words) > 1 and words[-1] == "UTC":
        words.pop()
    if len(words) == 1 and words[0].lower() in _SHORTHANDS:
        return True
    has_weekday = bool(words) and _WEEKDAYS.fullmatch(words[0]) is not None
    rest = words[1:] if has_weekday else words
    shapes = [_shape(word) for word in rest]
    return (shapes in (["date"], ["time"], ["date", "time"])) or (has_weekday and not rest)


def _shape(word: str) -> str:
    if ":" in word:
        return "time" if _is_time(word) else ""
    return "date" if _is_date(word) else ""


def _is_time(word: str) -> bool:
    fields = word.split(":")
    return len(fields) in (2, 3) and all(_numbers(field, 0, high) is not None for field, high in zip(fields, (23, 59, 59), strict=False))


def _is_date(word: str) -> bool:
    fields = word.split("-")
    if len(fields) not in (2, 3):
        return False
    years, months, days = (["*"] if len(fields) == 2 else []) + fields
    found_months, found_days = _numbers(months, 1, 12), _numbers(days, 1, 31)
    if _numbers(years, 1970, 2199) is None or found_months is None or found_days is None:
        return False
    return min(found_days, default=1) <= max((_LENGTHS[month - 1] for month in found_months), default=31)


def _numbers(field: str, low: int, high: int) -> list[int] | None:
    """The first number of each item in a field: empty for C(*), None if the field is not valid."""
    if field == "*":
        return []
    found = []
    for item in field.split(","):
        matched = _ITEM.fullmatch(item)
        if not matched:
            return None
        first, last = int(matched[1]), int(matched[2] or high)
        if not low <= first <= high or (matched[2] and not first < last <= high):
            return None
        # A step must reach a second number: systemd/src/shared/calendarspec.c, chain_valid.
        if matched[3] and first + int(matched[3]) > last:
            return None
        found.append(first)
    return found
