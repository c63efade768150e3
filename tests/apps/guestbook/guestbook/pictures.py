"""Uploaded pictures: named by us, typed by their content, never by what the client says."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from pathlib import Path

from flask import abort, current_app
from werkzeug.datastructures import FileStorage

ORPHAN_SECONDS = 3600.0
"""A picture that no entry names is left for this long: its entry may be about to be written."""


def save(upload: FileStorage) -> str:
    """Store `upload` and return its new name. Anything but a PNG, JPEG, GIF or WebP is answered with 415."""
    suffix = _suffix(upload.stream.read(12))
    if suffix is None:
        abort(415, "Only PNG, JPEG, GIF and WebP pictures are taken.")
    upload.stream.seek(0)
    name = secrets.token_hex(16) + suffix
    folder().mkdir(parents=True, exist_ok=True)
    upload.save(folder() / name)
    return name


def remove_orphans(in_use: Collection[str]) -> int:
    """Remove pictures not `in_use` that are older than `ORPHAN_SECONDS` and return how many there were."""
    before = time.time() - ORPHAN_SECONDS
    orphans = [file for file in folder().glob("*") if file.name not in in_use and file.stat().st_mtime < before]
    for file in orphans:
        file.unlink(missing_ok=True)
    return len(orphans)


def folder() -> Path:
    """Return the folder that holds the pictures."""
    return Path(current_app.config["UPLOADS"])


def _suffix(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return ".webp"
    return None
