# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a host was asked for the same before, without saying what.

A *wish* is all that a module is given, as one digest. The module records it when everything is in place; the survey says later which
wish was recorded, and what of it no longer holds. So the controller knows without a call that there is nothing to do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

#: Part of every wish: raise it when modules would make something else of the same arguments.
FORMAT = 1


def wish(value: t.Any) -> str:
    """Digest of arguments. It is for root and the controller alone, since it may be over secrets that can be guessed."""
    # A value of the vault is decrypted only when it becomes text.
    return hashlib.sha256(json.dumps([FORMAT, value], sort_keys=True, default=str).encode()).hexdigest()


def veiled(recorded: str, key: str) -> str:
    """A wish as it may be shown: nobody can guess what is in it without the key, which each run of Ansible has anew."""
    return hmac.digest(key.encode(), recorded.encode(), "sha256").hex()
