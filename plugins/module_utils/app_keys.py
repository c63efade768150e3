# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an app, and of another service that the proxy serves.

Patterns are narrow on purpose: what passes cannot break out of a systemd unit, a proxy's file or a shell word.
"""

from __future__ import annotations

import dataclasses

from .app_schema import Key, number, text
from .providers import PROTOCOLS, SERVERS
from .server_keys import SETTINGS

# RFC 1123 host names, at least two labels. A wildcard needs a DNS challenge, which nothing here answers.
_DOMAIN = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
_RELATIVE = r"(?!\.\.?(/|$))[A-Za-z0-9_.][A-Za-z0-9_.@+-]*(/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+)*/?"
_NO_PARENT = r"(?!(.*/)?\.\.(/|$))"
_URL_PATH = rf"{_NO_PARENT}/[A-Za-z0-9._~/@+=%&?-]*"
# URLs, absolute paths and scp-like addresses; nothing that git takes for a transport of its own, such as ext::.
_GIT = rf"{_NO_PARENT}((https?|ssh|git|file)://|/|([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:))[A-Za-z0-9._~:/@%+-]+"
_PREFIX = r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?"
_LINE = r"[^\x00-\x1f\x7f]+"
# No host names: a proxy looks them up when it starts, and does not start when it cannot.
_ADDRESS = r"(localhost|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-fA-F:.]+\]):[1-9][0-9]{0,4}"
_ABSOLUTE = rf"{_NO_PARENT}(/[A-Za-z0-9_.@+-]+)+"
_UPSTREAM = rf"{_ADDRESS}|{_ABSOLUTE}"


_SOURCE = Key(
    "dict",
    "where the code comes from, as a mapping with git, path, archive, pypi or in_place",
    required=True,
    keys={
        "git": text("a git URL such as https://git.example.com/shop.git or git@git.example.com:shop.git", _GIT),
        "path": text("a folder on the controller", _LINE),
        "archive": text("a URL or a file on the controller, .tar.gz, .tar.xz, .tar.bz2 or .zip", _LINE),
        "pypi": text("the name of a package", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._, -]+\])?"),
        "in_place": text("a folder of the host that has the code, and a virtualenv .venv, such as /opt/shop", _ABSOLUTE),
        "version": text("a branch, tag, commit or package version", rf"{_NO_PARENT}(?!-)[A-Za-z0-9._/+!-]+"),
        "checksum": text("sha256: and 64 hexadecimal digits", r"sha256:[0-9a-f]{64}"),
        "deploy_key": Key("str", "the text of a private SSH key", secret=True),
        "known_hosts": Key("str", "lines of an SSH known_hosts file; GitHub, GitLab, Bitbucket and Codeberg are known without"),
        "accept_new_host_key": Key("bool", "true trusts the key that an unknown SSH server shows first"),
        "insecure": Key("bool", "true accepts http:// and git://, where anybody on the way can change the code"),
    },
)

_RATE_LIMIT = {
    "requests_per_second": dataclasses.replace(number("requests that one client may send in a second", 1, 100000), required=True),
    "burst": number("requests above the rate that are still served, at once", 1, 100000),
    "paths": Key("list", "where it counts; everywhere without it", items=text("a path such as /login", _PREFIX)),
}

_ACCESS = {
    "path": text("a path such as /admin; the whole app without it", _PREFIX),
    "allow": Key("list", "networks that may come in; all others get 403", items=text("a network such as 192.0.2.0/24", r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")),
    "users": Key("users", "names and password hashes of crypt(5), for basic authentication", secret=True),
}

_SANDBOX = {
    "network": Key("bool", "whether the service may open network connections"),
    "memory_deny_write_execute": Key("bool", "false for apps with a just-in-time compiler"),
    "proc_subset_pid": Key("bool", "false for apps that read system figures from /proc"),
    "memory_max_mb": number("megabytes the service may use", 32, 1048576),
}

_NAME = text(
    "at most 24 lower-case letters, digits and single '-', a letter first, not ending in '-b' (the build account's name)",
    r"(?=.{1,24}$)[a-z]([a-z0-9]|-(?=[a-z0-9]))*(?<!-b)",
    required=True,
)

#: Its place on the web: what holds for an app and for another service alike.
WEB: dict[str, Key] = {
    "domains": Key("list", "host names, the canonical one first", items=text("a lower-case host name such as shop.example.com", _DOMAIN)),
    "path": text("where the app is mounted below its domains, such as /shop", r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+"),
    "tls": Key(
        "dict",
        "where the certificate comes from",
        keys={
            "issuer": Key("str", "who signs", choices=("letsencrypt", "selfsigned", "files")),
            "certificate": Key("str", "the PEM text of the certificate and its chain"),
            "key": Key("str", "the PEM text of the private key", secret=True),
        },
    ),
    "streaming": Key(
        "list",
        "paths whose requests and answers are passed on as they come and may take an hour: server-sent events, WebSockets, streamed files",
        items=text("a path such as /events", _PREFIX),
    ),
    "rate_limit": Key("dict", "how many requests one client may send", keys=_RATE_LIMIT),
    "access": Key("list", "who may see the app, or a path of it", items=Key("dict", "{path: /admin, allow: [192.0.2.0/24]}", keys=_ACCESS)),
    "maintenance": Key("bool", "true answers every request with the maintenance page and 503"),
    "headers": Key("headers", "headers of every answer, over those of the proxy's role; an empty text drops one"),
    "max_body_mb": number("megabytes a request body may have", 1, 102400),
    "timeout_seconds": number("seconds that a request may take", 1, 3600),
    "nginx_extra": Key("str", "raw nginx configuration for the app's server block"),
    "apache_extra": Key("str", "raw Apache configuration for the app's virtual host"),
}

APP: dict[str, Key] = {
    "name": _NAME,
    "source": _SOURCE,
    "wsgi": text("module:callable, such as 'shop:app' or 'shop:create_app()'", r"[^\x00-\x1f\x7f]{1,200}", required=True),
    "server": Key("str", "the WSGI server", choices=tuple(SERVERS)),
    "server_requirements": Key(
        "list",
        "what to install for the server instead of the tested version",
        items=text("a requirement such as gunicorn==27.0.1", r"[A-Za-z0-9][A-Za-z0-9._\[\],<>=!~ -]*"),
    ),
    "workers": number("processes (waitress and fastcgi always have one)", 1, 512),
    "threads": number("threads of each process (passenger always has one)", 1, 1024),
    "graceful_timeout_seconds": number("seconds that running requests get when a slot stops, at least timeout_seconds", 1, 7200),
    "workload": Key("str", "what requests spend their time on, by which workers and threads are chosen", choices=("cpu", "io", "mixed")),
    **{server: Key("dict", f"settings of {server}", keys=keys) for server, keys in SETTINGS.items()},
    "env": Key("env", "environment variables of the app", secret=True),
    "static": Key(
        "list",
        "folders that the proxy serves itself",
        items=Key(
            "dict",
            "{url: /static, path: shop/static}",
            keys={
                "url": text("a path such as /static", r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?", required=True),
                "path": text("a folder below the release, such as shop/static", _RELATIVE, required=True),
            },
        ),
    ),
    "persist": Key("list", "directories that outlive releases", items=text("a directory below the release, such as uploads", _RELATIVE)),
    "healthcheck": Key(
        "dict",
        "how a slot proves that it works",
        keys={
            "path": text("a path such as /healthz", _URL_PATH),
            "status": number("the HTTP status that means healthy; without it, any below 500", 100, 599),
            "timeout_seconds": number("seconds a new slot has to become healthy", 1, 3600),
            "successes": number("good answers in a row", 1, 100),
        },
    ),
    **WEB,
    "maintenance_page": text("an HTML file below the release, in place of the maintenance page", _RELATIVE),
    "error_page": text("an HTML file below the release, for answers 502, 503 and 504 of the proxy", _RELATIVE),
    "python": text('a version such as "3.12", in quotes', r"3\.[0-9]{1,2}"),
    "installer": Key("str", "what installs the dependencies", choices=("uv", "pip")),
    "requirements": text("a file below the source, such as requirements/production.txt", _RELATIVE),
    "build_command": text("one line of shell, run in the release when it is built", _LINE),
    "keep_releases": number("releases to keep", 2, 100),
    "sandbox": Key("dict", "single loosenings of the service's sandbox", keys=_SANDBOX),
}

SERVICE: dict[str, Key] = {
    "name": _NAME,
    "upstream": text("where it listens: an address with a port, such as 127.0.0.1:3000, or a socket, such as /run/chat/chat.sock", _UPSTREAM, required=True),
    "protocol": Key("str", "what it speaks there", choices=PROTOCOLS),
    **WEB,
    "domains": dataclasses.replace(WEB["domains"], required=True),
}
