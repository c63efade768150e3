# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that holds the certificates of all apps.

C(live/APP) is a link to the directory with the C(fullchain.pem) and C(privkey.pem) that the proxy serves:
C(selfsigned/APP/HASH), C(files/APP/HASH) or certbot's C(certbot/live/APP). A live directory never changes, so renaming the link swaps both files at once.
Only certbot's directory changes, but certbot makes the new key and certificate before it moves its own links.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
import typing as t

from .._host.path_state import PathState, write_path
from .key_pairs import Certificate, CertificateError, inspect

CHAIN, KEY = "fullchain.pem", "privkey.pem"
KINDS = ("selfsigned", "files")


def read(folder: str) -> tuple[str, str] | None:
    """The certificate and key of a directory as PEM text; None if one is missing."""
    try:
        with open(os.path.join(folder, CHAIN), encoding="utf-8") as chain, open(os.path.join(folder, KEY), encoding="utf-8") as key:
            return chain.read(), key.read()
    except (OSError, UnicodeDecodeError):
        return None


def load(folder: str) -> Certificate | None:
    """The certificate in a directory; None if there is none that can be served."""
    pair = read(folder)
    try:
        return inspect(*pair) if pair else None
    except CertificateError:
        return None


@dataclasses.dataclass(frozen=True)
class Lineage:
    """certbot's files for one app: the newest certificate, and the settings of its renewal."""

    certificate: Certificate
    directory_url: str
    authenticator: str
    webroots: frozenset[str]
    has_account: bool


class Store:
    """The directory, by default C(/etc/flask-tls)."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.certbot = os.path.join(root, "certbot")
        self._pending = os.path.join(root, "reload-pending")

    def live(self, app: str) -> str | None:
        """The live directory of an app; None if there is none."""
        try:
            folder = os.path.normpath(os.path.join(self.root, "live", os.readlink(self._link(app))))
        except OSError:
            return None
        return folder if os.path.isdir(folder) else None

    def apps(self) -> list[str]:
        """The apps that have a live directory."""
        return _listing(os.path.join(self.root, "live"))

    def kind(self, folder: str) -> str:
        """C(selfsigned), C(files) or C(certbot)."""
        return os.path.relpath(folder, self.root).partition(os.sep)[0]

    def go_live(self, app: str, folder: str, tell: bool = True) -> None:
        """Make a directory live.

        :param tell: whether the proxy must load it.
        """
        self._make(os.path.join(self.root, "live"))
        if tell:
            self.want_reload()
        write_path(self._link(app), PathState("link", target=os.path.relpath(folder, os.path.join(self.root, "live"))))

    def folder(self, kind: str, app: str, certificate: str, key: str) -> str:
        """The directory of a pair. Its name is a hash of the content."""
        return os.path.join(self.root, kind, app, hashlib.sha256((certificate + key).encode()).hexdigest()[:8])

    def add(self, folder: str, certificate: str, key: str) -> None:
        """Write a pair. Readers never see one file without the other."""
        if os.path.isdir(folder):
            return
        parent = os.path.dirname(folder)
        self._make(parent)
        temporary = tempfile.mkdtemp(prefix=".", dir=parent)
        for name, text in ((CHAIN, certificate), (KEY, key)):
            write_path(os.path.join(temporary, name), PathState("file", text.encode(), mode=0o600))
        os.rename(temporary, folder)

    def stored(self, kind: str, app: str) -> dict[str, Certificate]:
        """The pairs of a kind that can be served, by directory."""
        parent = os.path.join(self.root, kind, app)
        found = {folder: load(folder) for folder in (os.path.join(parent, name) for name in _listing(parent))}
        return {folder: certificate for folder, certificate in found.items() if certificate}

    def lineage(self, app: str) -> Lineage | None:
        """certbot's files for an app; None if they are incomplete."""
        certificate = load(self.lineage_folder(app))
        try:
            with open(self._renewal(app), encoding="utf-8") as handle:
                settings = handle.read()
        except OSError:
            return None
        if not certificate:
            return None
        url, account, authenticator = (_setting(settings, name) for name in ("server", "account", "authenticator"))
        # certbot leaves the map out for domains whose authorization was still valid. webroot_path is a list that ends with a comma.
        map_ = re.search(r"^\[\[webroot_map\]\]\n((?:[^\[\n].*\n)*)", settings, re.MULTILINE)
        webroots = {*_setting(settings, "webroot_path").rstrip(",").split(","), *re.findall(r" = (.+)$", map_[1] if map_ else "", re.MULTILINE)}
        return Lineage(certificate, url, authenticator, frozenset(webroots), os.path.isdir(os.path.join(self._accounts(url), account)))

    def lineage_folder(self, app: str) -> str:
        """The folder with certbot's newest certificate of an app."""
        return os.path.join(self.certbot, "live", app)

    def forget_lineage(self, app: str) -> None:
        """Remove certbot's files for an app, so that its certificate is no longer renewed."""
        if os.path.lexists(self._renewal(app)):
            os.unlink(self._renewal(app))
        for part in ("live", "archive"):
            shutil.rmtree(os.path.join(self.certbot, part, app), ignore_errors=True)

    def forget_account(self, directory_url: str) -> None:
        """Remove the account with an authority, so that certbot makes a new one."""
        shutil.rmtree(self._accounts(directory_url))

    def retire(self, app: str) -> str | None:
        """Remove the live link of an app, and return its target."""
        folder = self.live(app)
        os.unlink(self._link(app))
        self.want_reload()
        return folder

    def leftovers(self, apps: t.Iterable[str], renewed: t.Iterable[str]) -> list[str]:
        """Paths below the root that nobody needs any more, each for C(remove).

        :param apps: apps whose live directory is needed.
        :param renewed: apps whose certificate certbot must renew.
        """
        kept = {self.live(app) for app in apps} | {self.lineage_folder(app) for app in renewed}
        parents = [*(os.path.join(self.root, kind, app) for kind in KINDS for app in _listing(os.path.join(self.root, kind)))]
        folders = [os.path.join(parent, name) for parent in parents for name in sorted(os.listdir(parent))]
        folders += [self.lineage_folder(name.removesuffix(".conf")) for name in _listing(os.path.join(self.certbot, "renewal"))]
        return [os.path.relpath(folder, self.root) for folder in folders if folder not in kept]

    def remove(self, leftover: str) -> None:
        """Remove one path that C(leftovers) named."""
        path = os.path.join(self.root, leftover)
        if self.kind(path) == "certbot":
            self.forget_lineage(os.path.basename(path))
        else:
            shutil.rmtree(path)
            with contextlib.suppress(OSError):  # the app has other pairs
                os.rmdir(os.path.dirname(path))

    @property
    def reload_pending(self) -> bool:
        """Whether the proxy must still load something that went live, in this run or in one that was killed."""
        return os.path.exists(self._pending)

    def want_reload(self) -> None:
        """Note that the proxy must load what is live."""
        with open(self._pending, "w", encoding="ascii"):
            pass

    def reloaded(self) -> None:
        """Note that the proxy has loaded what is live."""
        os.unlink(self._pending)

    def _accounts(self, directory_url: str) -> str:
        return os.path.join(self.certbot, "accounts", directory_url.partition("://")[2])

    def _link(self, app: str) -> str:
        return os.path.join(self.root, "live", app)

    def _renewal(self, app: str) -> str:
        return os.path.join(self.certbot, "renewal", f"{app}.conf")

    def _make(self, folder: str) -> None:
        """Make the directories of a path below the root, each for root alone."""
        if not os.path.isdir(folder):
            if folder != self.root:
                self._make(os.path.dirname(folder))
            os.mkdir(folder, 0o700)


def _setting(settings: str, name: str) -> str:
    found = re.search(rf"^{name} = (.+)$", settings, re.MULTILINE)
    return found[1] if found else ""


def _listing(folder: str) -> list[str]:
    """The names in a directory without hidden ones; empty if it is missing."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []
