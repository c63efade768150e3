# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes tell whether a host was asked for the same before, without revealing what.

A *wish* is one digest over all arguments of a module. The module records it when everything is in place. Later the survey reports which
wish was recorded, and what no longer holds. So the controller knows without a call that there is nothing to do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

#: Part of every wish. Raise it when modules would make something else from the same arguments.
FORMAT = 1


def wish(value: t.Any) -> str:
    """The digest of arguments. Only root and the controller may see it, since it may cover secrets that can be guessed."""
    # A value of the vault is decrypted only when it becomes text.
    return hashlib.sha256(json.dumps([FORMAT, value], sort_keys=True, default=str).encode()).hexdigest()


def veiled(recorded: str, key: str) -> str:
    """A wish that may be shown. Nobody can guess what it covers without the key, which differs in each run of Ansible."""
    return hmac.digest(key.encode(), recorded.encode(), "sha256").hex()
