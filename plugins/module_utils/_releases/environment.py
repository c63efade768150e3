# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a build step: what it needs, without the credentials of other steps."""

from __future__ import annotations

import re
import typing as t

from .secret_text import is_secret_name, without_credentials

#: C(git) reaches repositories, C(install) package indexes. C(code) runs the app's code and gets no credentials.
#: C(access) sets permissions and needs no credentials.
Audience = t.Literal["git", "install", "code", "access"]

#: Private to the unit of one step, and empty when the step begins. It is on the disk, because /tmp may be in memory.
SCRATCH = "/var/tmp"

#: Tools read no other configuration. So nothing that an earlier build left behind affects them.
_BASE = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": f"{SCRATCH}/home",
    "TMPDIR": SCRATCH,
    "XDG_CACHE_HOME": f"{SCRATCH}/home/.cache",
    "XDG_CONFIG_HOME": f"{SCRATCH}/home/.config",
    "XDG_DATA_HOME": f"{SCRATCH}/home/.local/share",
    "LC_ALL": "C.UTF-8",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_SSH_COMMAND": "ssh -F none -o BatchMode=yes",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_LINK_MODE": "copy",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}
_OF_INSTALLERS = re.compile(r"(PIP|UV)_")


def step_environment(audience: Audience, given: dict[str, str]) -> dict[str, str]:
    """The variables by name. Nothing about indexes or proxies is on a command line.

    :param given: variables from the settings of the host, credentials included. They override those of this module.
    """
    if audience == "git":
        given = {name: value for name, value in given.items() if not _OF_INSTALLERS.match(name) and not is_secret_name(name)}
    elif audience in ("code", "access"):
        given = {name: without_credentials(value) for name, value in given.items() if not is_secret_name(name)}
    return {**_BASE, **given}
