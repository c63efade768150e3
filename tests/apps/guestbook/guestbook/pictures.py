"""Uploaded pictures: named by us, typed by their content, never by what the client says. Pages show a small copy as soon as there is one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from pathlib import Path

from flask import abort, current_app
from PIL import Image, UnidentifiedImageError
from werkzeug.datastructures import FileStorage

ORPHAN_SECONDS = 3600.0
"""A picture that no entry names is left for this long: its entry may be about to be written."""
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "WEBP": ".webp"}
SMALL_PIXELS = 480


def save(upload: FileStorage) -> str:
    """Store `upload` and return its new name. Anything but a PNG, JPEG, GIF or WebP is answered with 415."""
    try:
        with Image.open(upload.stream, formats=list(SUFFIXES)) as image:
            suffix = SUFFIXES[image.format or ""]
    except (UnidentifiedImageError, Image.DecompressionBombError):
        abort(415, "Only PNG, JPEG, GIF and WebP pictures are taken.")
    upload.stream.seek(0)
    name = secrets.token_hex(16) + suffix
    folder().mkdir(parents=True, exist_ok=True)
    upload.save(folder() / name)
    return name


def make_small(picture: str) -> None:
    """Store a small copy of a picture beside it; none of one that is damaged. For the worker, outside of any request.

    :param picture: its path.
    """
    try:
        with Image.open(picture, formats=list(SUFFIXES)) as image:
            image.thumbnail((SMALL_PIXELS, SMALL_PIXELS))
            small = _small(Path(picture))
            image.save(small.with_suffix(".part"), "WEBP")
            small.with_suffix(".part").rename(small)
    except (OSError, SyntaxError):  # the latter is what Pillow says of chunks that make no sense
        return


def shown(name: str) -> str:
    """The name of what a page shows of a picture: its small copy, or, before the worker came to it, the picture."""
    small = _small(folder() / name)
    return small.name if small.exists() else name


def remove_orphans(in_use: Collection[str]) -> int:
    """Remove pictures not `in_use` that are older than `ORPHAN_SECONDS`, with their small copies, and return how many there were."""
    before, kept = time.time() - ORPHAN_SECONDS, {_stem(name) for name in in_use}
    orphans = [file for file in folder().glob("*") if _stem(file.name) not in kept and file.stat().st_mtime < before]
    for file in orphans:
        file.unlink(missing_ok=True)
    return len({_stem(file.name) for file in orphans})


def folder() -> Path:
    """Return the folder that holds the pictures."""
    return Path(current_app.config["UPLOADS"])


def _small(picture: Path) -> Path:
    return picture.with_name(f"{_stem(picture.name)}.small.webp")


def _stem(name: str) -> str:
    return name.partition(".")[0]
