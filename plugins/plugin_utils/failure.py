# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a failed result, for people."""

from __future__ import annotations

import typing as t

_PARTS = ("stderr", "stdout", "module_stderr", "module_stdout")


def failure_text(result: dict[str, t.Any]) -> str:
    """Everything in a failed result: its message, the command and the command's output."""
    parts = [str(result.get("msg") or result.get("censored") or "no message")]
    if command := result.get("cmd"):
        parts.append(f"command: {command if isinstance(command, str) else ' '.join(map(str, command))} (rc {result.get('rc')})")
    for part in _PARTS:
        text = str(result.get(part) or "").strip()
        if text and text not in parts[0]:
            parts.append(f"{part.removeprefix('module_')}:\n{text}")
    return "\n".join(parts)
