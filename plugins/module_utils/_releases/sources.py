# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of source of a release, as the host sees them: which revision is wanted, and how it gets into an empty tree."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.client
import os
import pwd
import re
import shutil
import typing as t

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import open_url

from .forge_keys import FORGE_KEYS
from .records import ReleaseError
from .revisions import is_commit
from .sandbox import Sandbox, explain
from .secret_text import mask, split_credentials
from .settings import Settings
from .ssh_agent import forwarded_agent, lent_agent

#: Seconds to ask a remote repository for the commit of a branch.
RESOLVE_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What the step C(tree.prepare) needs to fill the tree."""

    source: dict[str, t.Any] | None = None
    writable: tuple[str, ...] = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


class Source:
    """A source of one app.

    :param upload: the file on the host that the controller sent, for sources on the controller.
    """

    #: Requirements in place of a tree.
    packages: list[str] | None = None
    #: Whether the controller must send it first.
    wants_upload = False

    def __init__(self, app: dict[str, t.Any], settings: Settings, sandbox: Sandbox, upload: str | None) -> None:
        self.app = app
        self.settings = settings
        self.sandbox = sandbox
        self.upload = upload
        self.given: dict[str, t.Any] = app["source"]
        self.access = split_credentials(self.given.get("location") or "")

    def revision(self, check: bool) -> str | None:
        """What the tree depends on, found without fetching it; None if that would need a change to the host.

        :raises ReleaseError: if the source cannot be asked.
        """
        raise NotImplementedError

    def deliver(self) -> contextlib.AbstractContextManager[Delivery]:
        """Provide the source while the context lasts.

        :raises ReleaseError: if it cannot be fetched.
        """
        return contextlib.nullcontext(Delivery())

    def described(self) -> str:
        """The source's output of C(git describe --tags); empty if there is none."""
        return str(self.given.get("described") or "")

    def describe(self, revision: str | None) -> dict[str, t.Any]:
        """The source without secrets, for people to read."""
        return {
            "kind": self.given["kind"],
            "location": self.given.get("package") or mask(self.access.url, self.sandbox.secrets),
            "version": self.given.get("version"),
            "revision": revision,
        }


class GitSource(Source):
    """A branch, tag or commit of a repository that the host can reach."""

    _commit: str

    def revision(self, check: bool) -> str | None:
        version = self.given["version"]
        if is_commit(version):
            self._commit = version
            return self._commit
        if not self._ready(check):
            return None
        writable = [] if check else [self.app["paths"]["source"]]
        timeout = min(RESOLVE_TIMEOUT, self.settings.build_timeout_seconds)
        arguments = {"url": self.access.url, "version": version, "access": self._access()}
        with self._agent() as environment:
            self._commit = self.sandbox.run("git.resolve", arguments, writable, timeout, environment=environment)
        return self._commit

    @contextlib.contextmanager
    def deliver(self) -> t.Iterator[Delivery]:
        place = self.app["paths"]["source"]
        arguments = {"url": self.access.url, "commit": self._commit, "mirror": f"{place}/mirror.git", "access": self._access()}
        self._ready(check=False)
        with self._agent() as environment:
            yield Delivery({"kind": "git", "arguments": arguments}, (place,), environment)

    def described(self) -> str:
        arguments = {"url": self.access.url, "commit": self._commit, "access": self._access()}
        writable = [self.app["paths"]["source"]]
        with self._agent() as environment:
            tag: str = self.sandbox.run("git.tag_of", arguments, writable, self.settings.build_timeout_seconds, environment=environment)
        return tag

    def _ready(self, check: bool) -> bool:
        """Whether git and the build account exist. In check mode an earlier role may not have made them yet."""
        with contextlib.suppress(KeyError):
            if shutil.which("git") and pwd.getpwnam(self.app["build_user"]):
                return True
        if check:
            return False
        raise ReleaseError("git or the build account is not on the host; the roles python and app put them there, run them first")

    def _access(self) -> dict[str, t.Any]:
        return {
            "scope": "/".join(self.access.url.split("/")[:3]),
            "user": self.access.user,
            "password": self.access.password,
            "deploy_key": self.given.get("deploy_key"),
            "known_hosts": self.given.get("known_hosts"),
            "forge_keys": FORGE_KEYS,
            "accept_new_host_key": self.given["accept_new_host_key"],
            # A host key that was accepted once stays accepted.
            "accepted_hosts_file": f"{self.app['paths']['source']}/known_hosts",
            "insecure": self.given["insecure"],
        }

    @contextlib.contextmanager
    def _agent(self) -> t.Iterator[dict[str, str]]:
        over_ssh = re.match(r"(ssh|git\+ssh)://|[^/:]+:(?!//)", self.access.url)
        agent = forwarded_agent() if over_ssh and not self.given.get("deploy_key") else None
        with contextlib.ExitStack() as stack:
            environment = {}
            if agent:
                account = pwd.getpwnam(self.app["build_user"])
                environment["SSH_AUTH_SOCK"] = stack.enter_context(lent_agent(agent, account.pw_uid, account.pw_gid))
            yield environment


class FileSource(Source):
    """A folder or an archive. If it is on the controller, the action plugin computes its C(revision) and sends it as a file on request."""

    def revision(self, check: bool) -> str | None:
        return str(self.given.get("revision") or self.given["checksum"].lower())

    @property
    def wants_upload(self) -> bool:  # type: ignore[override]
        return not self.upload and "revision" in self.given

    @contextlib.contextmanager
    def deliver(self) -> t.Iterator[Delivery]:
        # In the folder of releases only root can write, and the build account can read.
        path = os.path.join(self.app["paths"]["releases"], ".source")
        try:
            with open(path, "wb") as handle:
                digest = self._copy_to(handle)
            checksum = self.given.get("checksum")
            if checksum and checksum.lower() != f"sha256:{digest}":
                raise ReleaseError(
                    f"source.checksum is {checksum} and the archive has sha256:{digest}; if the new content is what you want, "
                    "set that checksum, otherwise somebody changed the archive"
                )
            yield Delivery({"kind": "archive", "arguments": {"archive": path, "strip": self.given["kind"] == "archive"}})
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _copy_to(self, handle: t.BinaryIO) -> str:
        digest = hashlib.sha256()
        with self._open() as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                handle.write(block)
        return digest.hexdigest()

    def _open(self) -> t.Any:
        if self.upload:
            return open(self.upload, "rb")
        try:
            return open_url(self.given["location"], ca_path=self.settings.trusted_ca_file, timeout=30)
        except (OSError, http.client.HTTPException, UrlConnectionError) as error:
            message = explain(f"{self.access.url} cannot be downloaded: {error}", "")
            raise ReleaseError(mask(message, self.sandbox.secrets)) from error


class PypiSource(Source):
    """A published package; there is no tree."""

    def revision(self, check: bool) -> str | None:
        self.packages = [f"{self.given['package']}=={self.given['version']}"]
        return self.packages[0]


KINDS: dict[str, type[Source]] = {"git": GitSource, "path": FileSource, "archive": FileSource, "pypi": PypiSource}
