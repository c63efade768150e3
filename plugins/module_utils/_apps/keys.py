# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an app, and of another service that the proxy serves.

Patterns are narrow on purpose: what passes cannot break out of a systemd unit, a proxy's file or a shell word.
"""

from __future__ import annotations

import dataclasses

from .calendar import EXPECTED
from .names import NAME, advice
from .providers import MANAGERS, PROTOCOLS, PROXIES, SERVERS
from .schema import Key, number, text
from .server_keys import SETTINGS
from .stores import DATABASES, QUEUES

_RELATIVE = r"(?!\.\.?(/|$))[A-Za-z0-9_.][A-Za-z0-9_.@+-]*(/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+)*/?"
_NO_PARENT = r"(?!(.*/)?\.\.(/|$))"
_URL_PATH = rf"{_NO_PARENT}/[A-Za-z0-9._~/@+=%&?-]*"
# URLs, absolute paths and scp-like addresses; nothing that git takes for a transport of its own, such as ext::.
_GIT = rf"{_NO_PARENT}((https?|ssh|git|file)://|/|([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:))[A-Za-z0-9._~:/@%+=!$-]+"
# What git-check-ref-format(1) says of refs/heads/NAME, with no name that looks like an option. Names of commits and versions of packages are among them.
_VERSION = r"(?!-|(.*/)?[./]|.*(\.\.|@\{|\.lock(/|$)))[^\x00-\x20\x7f-\x9f\ud800-\udfff~^:?*\[\\]+(?<![/.])"
_PREFIX = r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?"
# Debian Policy, 5.6.1. With a dash at its end, apt would remove it.
_DEBIAN = r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]"
_LINE = r"[^\x00-\x1f\x7f]+"
# No host names: a proxy looks them up when it starts, and does not start when it cannot.
_ADDRESS = r"(localhost|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-fA-F:.]+\]):[1-9][0-9]{0,4}"
_ABSOLUTE = rf"{_NO_PARENT}(/[A-Za-z0-9_.@+-]+)+"
_UPSTREAM = rf"{_ADDRESS}|{_ABSOLUTE}"


#: The purposes by which the reference groups keys.
GROUPS = {
    "code": "Code and dependencies",
    "server": "The WSGI server",
    "run": "What the app finds when it runs",
    "web": "In front of the app",
    "limits": "Who may come in, and how often",
    "raw": "Raw configuration of the proxy",
}

_SOURCE = {
    "git": text("URL of a git repository.", "a git URL such as https://git.example.com/shop.git or git@git.example.com:shop.git", _GIT),
    "path": text("A folder on the controller. What its .gitignore names is left out.", "a folder on the controller", _LINE),
    "archive": text("An archive: a URL, or a file on the controller.", "a URL or a file on the controller, .tar.gz, .tar.xz, .tar.bz2 or .zip", _LINE),
    "pypi": text("Name of a package.", "the name of a package", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._, -]+\])?"),
    "in_place": text(
        "A folder of the host that holds the code, and a virtualenv C(.venv) with the server.", "an absolute path of the host, such as /opt/shop", _ABSOLUTE
    ),
    "version": text("Version of the repository or package.", "a branch, tag, commit or package version, in quotes", _VERSION),
    "checksum": text("Checksum of the archive.", "sha256: and 64 hexadecimal digits", r"sha256:[0-9a-f]{64}"),
    "deploy_key": Key("str", "Private SSH key that the repository admits.", "the text of a private SSH key", secret=True),
    "known_hosts": Key(
        "str",
        "Host keys of the SSH server. Those of GitHub, GitLab, Bitbucket and Codeberg are built in.",
        "lines of an SSH known_hosts file",
    ),
    "accept_new_host_key": Key("bool", "Trust the key that an unknown SSH server shows first.", default=False),
    "insecure": Key("bool", "Accept http:// and git://, where anybody on the way can change the code.", default=False),
}

_RATE_LIMIT = {
    "requests_per_second": number("Requests that one client may send in a second.", 1, 100000, required=True),
    "burst": number("Requests above the rate that are still served, at once.", 1, 100000, 20),
    "paths": Key("list", "Where the limit holds; everywhere without it.", items=text("A path.", "a path such as /login", _PREFIX), default=[]),
}

_ACCESS = {
    "path": text("Where the rule holds, and everywhere below.", "a path such as /admin", _PREFIX, default="/"),
    "allow": Key(
        "list",
        "Networks that may come in; all others get 403. Everybody may without it.",
        items=text("A network.", "a network such as 192.0.2.0/24", r"[0-9a-fA-F:.]+(/[0-9]{1,3})?"),
        default=[],
    ),
    "users": Key("users", "Users who may come in, with password hashes as C(htpasswd -nB) prints them.", secret=True, default={}),
}

_STATIC = {
    "url": text(
        "Path of the folder on the web. The last part of a single file's has a dot, or it is below /.well-known. The root, C(/), is for a C(fallback).",
        "a path such as /static or /favicon.ico",
        r"/|(/\.well-known(?!/acme-challenge(/|$)))?(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?",
        required=True,
    ),
    "path": text(
        "The folder, or the file, below the release. A folder that is persisted is that of the app's state.",
        "a folder below the release, such as shop/static",
        _RELATIVE,
        required=True,
    ),
    "fallback": text(
        "Page of the folder to serve where no file matches: for the routes of a single-page app.",
        "an HTML file below the folder, such as index.html",
        _RELATIVE,
    ),
    "app_paths": Key(
        "list",
        "With C(url: /) and an app without a C(path): the paths that are the app's. Each holds for itself and all below it.",
        items=text("A path.", "a path such as /api", r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?"),
        default=[],
    ),
}

_HEALTHCHECK = {
    "path": text("Path to ask for.", "a path such as /healthz", _URL_PATH, default="/"),
    "status": number("Status of the answer that means healthy. Without it, any below 500.", 100, 599),
    "body": text(
        "Text that the answer's body must contain within its first 64 KiB, compared byte for byte as UTF-8. Without it, the body is not read.",
        "one line of text without control characters",
        _LINE,
    ),
    "timeout_seconds": number("Seconds that a new slot has to become healthy.", 1, 3600, 60),
    "successes": number("Good answers in a row that it takes.", 1, 100, 2),
}

_COMMAND = "one command line, such as celery --app shop worker"
_UNIT_NAME = r"(?=.{1,24}$)[a-z]([a-z0-9]|-(?=[a-z0-9]))*"
_MEMORY = number("Memory limit in megabytes. Without it, there is no limit.", 32, 1048576)

_PROCESS = {
    "name": text("Name of the process. Its units are named after it.", "at most 24 lower-case letters, digits and single '-'", _UNIT_NAME, required=True),
    "command": text("What to run, in the release, without a shell. Programs of the virtualenv come first.", _COMMAND, _LINE, required=True),
    "count": number("Number of instances.", 1, 64, 1),
    "memory_max_mb": dataclasses.replace(_MEMORY, meaning="Memory limit of each instance in megabytes, under systemd. Without it, there is no limit."),
    "stop_signal": Key(
        "str", "Signal that asks the process to finish its work and stop.", choices=("TERM", "INT", "QUIT", "HUP", "USR1", "USR2"), default="TERM"
    ),
    "stop_timeout_seconds": number("Seconds that the process gets to finish its work. Then it is killed.", 1, 86400, 60),
    "healthy_after_seconds": number("Seconds that the process must stay up after a switch. If it does not, the switch is undone.", 1, 600, 5),
}

_SCHEDULE = {
    "name": text("Name of the schedule. Its units are named after it.", "at most 24 lower-case letters, digits and single '-'", _UNIT_NAME, required=True),
    "command": text("What to run, in the release, without a shell. Programs of the virtualenv come first.", _COMMAND, _LINE, required=True),
    "calendar": text("When to run it, in the host's time zone unless UTC follows: a calendar expression of systemd.time(7).", EXPECTED, _LINE, required=True),
    "catch_up": Key("bool", "Run it once when the host comes back after it missed a run.", default=False),
    "random_delay_seconds": number("Longest random delay of each run in seconds.", 0, 86400, 0),
    "timeout_seconds": number("Seconds that a run may take. Then systemd stops it.", 1, 604800, 3600),
    "memory_max_mb": dataclasses.replace(_MEMORY, meaning="Memory limit of a run in megabytes. Without it, there is no limit."),
}

_FILES = {
    "path": text(
        "Where it is put, below a folder that only the app can read. Each slot has its own.",
        "a relative path such as production.cfg, without a '/' at its end",
        rf"{_RELATIVE}(?<!/)",
        required=True,
    ),
    "variable": text(
        "Environment variable that tells the app where the file is, by its absolute path.",
        "the name of a variable such as SHOP_SETTINGS",
        r"[A-Za-z_][A-Za-z0-9_]*",
        required=True,
    ),
    "content": Key("str", "The text of the file, which arrives exactly as written.", secret=True),
    "content_base64": Key("str", "The content in base64, for a file that is not text.", secret=True),
}

_SANDBOX = {
    "network": Key("bool", "Let the service open network connections.", default=True),
    "memory_deny_write_execute": Key(
        "bool", "Deny memory that is writable and executable. Set it to false for apps with a just-in-time compiler.", default=True
    ),
    "proc_subset_pid": Key("bool", "Hide everything but processes in /proc. Set it to false for apps that read system figures there.", default=True),
    "memory_max_mb": number("Megabytes that the service may use. No limit without it.", 32, 1048576),
    "groups": Key(
        "list",
        "Groups of the host that the service is in, to open what is theirs, such as the socket of a database.",
        items=text("A group.", "the name of a group, such as redis", r"[a-z_][a-z0-9_-]{0,31}"),
        default=[],
    ),
    "writable_paths": Key(
        "list",
        "Folders of the host that the service may write to, as far as their modes let its account and C(groups).",
        items=text("A folder.", "an absolute path of the host, such as /mnt/media", _ABSOLUTE),
        default=[],
    ),
    "devices": Key(
        "list",
        "Devices that the service may read and write, as far as their modes let its account and C(groups).",
        items=text("A device.", "a device, such as /dev/ttyUSB0", rf"{_NO_PARENT}/dev(/[A-Za-z0-9_.@:+-]+)+"),
        default=[],
    ),
    "netlink": Key("bool", "Let the service ask for the host's network interfaces, as C(getifaddrs) does.", default=False),
    "home_cache": Key(
        "bool",
        "Tell libraries that keep downloads such as models below C(~/.cache) to use C($CACHE_DIRECTORY). It outlives releases, and no backup has it.",
        default=False,
    ),
}

_TLS = {
    "issuer": Key(
        "str",
        "Who signs the certificate. With C(files), give C(certificate) and C(key).",
        choices=("letsencrypt", "selfsigned", "files"),
        default="letsencrypt",
    ),
    "challenge": Key(
        "str",
        "How the authority sees that the names are yours: by a file on port 80, or by a record in DNS, which also does for wildcards and for hosts that it "
        "cannot reach. With C(dns), the role tls needs C(tls_dns_provider).",
        choices=("http", "dns"),
        default="http",
    ),
    "certificate": Key("str", "The certificate and its chain.", "the PEM text of the certificate and its chain"),
    "key": Key("str", "The private key.", "the PEM text of the private key", secret=True),
}

_NAME = text(
    "Name of the app. Its accounts, paths and units follow from it.",
    "at most 24 lower-case letters, digits and single '-', a letter first, not ending in '-b' (the build account's name)",
    r"(?=.{1,24}$)[a-z]([a-z0-9]|-(?=[a-z0-9]))*(?<!-b)",
    required=True,
    group="code",
    reaches=("release", "slot", "proxy", "certificate", "backup"),
)

#: Its place on the web: what holds for an app and for another service alike.
WEB: dict[str, Key] = {
    "domains": Key(
        "list",
        "Host names, the canonical one first. The others redirect to it, unless C(redirect) is false or they are wildcards. Without any, the app is on its "
        "socket alone.",
        items=text("A host name.", "a lower-case host name such as shop.example.com", NAME, advice=advice),
        default=[],
        group="web",
        reaches=("slot", "proxy", "certificate", "backup"),
    ),
    "redirect": Key(
        "bool",
        "Redirect the other domains to the first one. If it is false, the app answers on all of them, and sees which one the visitor chose.",
        default=True,
        group="web",
        reaches=("proxy",),
    ),
    "public_port": number(
        "Port in the app's URLs, for a host behind a router that forwards this port to port 443 here.",
        1,
        65535,
        443,
        group="web",
        reaches=("slot", "proxy"),
    ),
    "path": text(
        "Where the app is mounted below its domains.",
        "a path such as /shop",
        r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+",
        default="/",
        group="web",
        reaches=("slot", "proxy", "backup"),
    ),
    "tls": Key("dict", "Where the certificate comes from.", keys=_TLS, group="web", reaches=("certificate",)),
    "streaming": Key(
        "list",
        "Paths whose requests and answers are passed on as they come and may take an hour: server-sent events, WebSockets, streamed files.",
        items=text("A path.", "a path such as /events", _PREFIX),
        default=[],
        group="web",
        reaches=("slot", "proxy"),
    ),
    "rate_limit": Key(
        "dict", "How many requests one client may send; more get 429. No limit without it.", keys=_RATE_LIMIT, group="limits", reaches=("proxy",)
    ),
    "access": Key(
        "list",
        "Who may see the app, or a path of it. Of several rules, that of the longest path holds.",
        items=Key("dict", "A rule. C(allow) and C(users) must both hold.", keys=_ACCESS),
        default=[],
        group="limits",
        reaches=("proxy",),
    ),
    "maintenance": Key(
        "bool", "Answer every request with 503 and the maintenance page. Static files are still served.", default=False, group="limits", reaches=("proxy",)
    ),
    "headers": Key("headers", "Headers of every answer, over those of the proxy's role. An empty text drops one.", default={}, group="web", reaches=("proxy",)),
    "max_body_mb": number("Megabytes that the body of a request may have.", 1, 102400, 16, group="limits", reaches=("slot", "proxy")),
    "timeout_seconds": number("Seconds that a request may take.", 1, 3600, 30, group="limits", reaches=("slot", "proxy", "backup")),
    "nginx_extra": Key("str", "Raw nginx configuration for the app's server block.", default="", group="raw", reaches=("proxy",)),
    "apache_extra": Key("str", "Raw Apache configuration for the app's virtual host.", default="", group="raw", reaches=("proxy",)),
}

#: Settings that go further than the slot: by what they install, or by what the proxy has to speak.
_REACH = {"gunicorn": ("release", "slot"), "uwsgi": ("release", "slot", "proxy", "backup")}

APP: dict[str, Key] = {
    "name": _NAME,
    "source": Key(
        "dict",
        "Where the code comes from. Exactly one of git, path, archive, pypi and in_place.",
        required=True,
        keys=_SOURCE,
        group="code",
        reaches=("release",),
    ),
    "wsgi": text(
        "The WSGI application: a module and a name in it, or a call of a factory with literal arguments.",
        "module:callable, such as 'shop:app' or 'shop:create_app()'",
        r"[^\x00-\x1f\x7f]{1,200}",
        required=True,
        group="code",
        reaches=("slot",),
    ),
    "python": text(
        "Version of Python. The host's own without it.", 'a version such as "3.12", in quotes', r"3\.[0-9]{1,2}", group="code", reaches=("release",)
    ),
    "installer": Key("str", "What installs the dependencies.", choices=("uv", "pip"), default="uv", group="code", reaches=("release",)),
    "directory": text(
        "Folder of the source that holds the app, where a repository has more than that. The app runs and is imported there, and all paths below the "
        "source are relative to it.",
        "a folder below the source, such as backend",
        _RELATIVE,
        group="code",
        reaches=("release", "slot"),
    ),
    "requirements": text(
        "File that lists the dependencies. Without it, the first of uv.lock, pylock.toml, requirements.txt and pyproject.toml that is there.",
        "a file below the source, such as requirements/production.txt",
        _RELATIVE,
        group="code",
        reaches=("release",),
    ),
    "install_project": Key(
        "bool",
        "Install the project that the source is, as C(pip install .) does: for its metadata, its entry points, and files that its build writes. Without it, "
        "as C(package) of C([tool.uv]) says.",
        group="code",
        reaches=("release",),
    ),
    "packages": Key(
        "list",
        "Debian packages that the app needs when it runs, such as programs and libraries. They stay when the app goes.",
        items=text("A package.", "the name of a Debian package, such as ffmpeg", _DEBIAN),
        default=[],
        group="code",
        reaches=("slot",),
    ),
    "build_packages": Key(
        "list",
        "Debian packages that are needed to install the dependencies, or by C(build_command): compilers, headers, Node.js. They stay when the app goes.",
        items=text("A package.", "the name of a Debian package, such as libpq-dev", _DEBIAN),
        default=[],
        group="code",
        reaches=("release",),
    ),
    "build_command": text(
        "Shell command that runs last, in the release, as the build account.", "one line of shell", _LINE, group="code", reaches=("release",)
    ),
    "release_command": text(
        "Command that runs once for each release, over all hosts of a run, before the release serves: migrations. It runs in the release, with the "
        "environment and the sandbox of the app. If it fails, the release does not go live.",
        "one command line, such as flask --app shop db upgrade",
        _LINE,
        group="code",
        reaches=("slot",),
    ),
    "release_command_once": Key(
        "bool",
        "Run C(release_command) on one of the hosts that share the app's environment. Set it to false if each host has its own database.",
        default=True,
        group="code",
        reaches=("slot",),
    ),
    "release_command_timeout_seconds": number("Seconds that C(release_command) may take.", 1, 86400, 600, group="code", reaches=("slot",)),
    "keep_releases": number("Releases to keep.", 2, 100, 5, group="code", reaches=("slot",)),
    "server": Key("str", "The WSGI server.", choices=tuple(SERVERS), default="gunicorn", group="server", reaches=("release", "slot", "proxy", "backup")),
    "server_requirements": Key(
        "list",
        "What to install for the server in place of the tested version with its hashes, and of what the app brings.",
        items=text("A requirement.", "a requirement such as gunicorn==27.0.1", r"[A-Za-z0-9][A-Za-z0-9._\[\],<>=!~ -]*"),
        group="server",
        reaches=("release",),
    ),
    "workers": number("Processes. Waitress and fastcgi always have one.", 1, 512, group="server", reaches=("slot",)),
    "threads": number("Threads of each process. Passenger always has one.", 1, 1024, group="server", reaches=("slot",)),
    "workload": Key(
        "str",
        "What requests spend their time on. Workers and threads follow from it. C(sessions) is for Flask-SocketIO: all clients in one process, which is "
        "never renewed.",
        choices=("cpu", "io", "mixed", "sessions"),
        default="mixed",
        group="server",
        reaches=("slot",),
    ),
    "graceful_timeout_seconds": number(
        "Seconds that running requests get when a slot stops. Never less than C(timeout_seconds).",
        1,
        7200,
        30,
        group="server",
        reaches=("slot", "backup"),
    ),
    **{
        server: Key(
            "dict",
            f"Settings of {server} for this app.",
            keys=keys,
            group="server",
            reaches=_REACH.get(server, ("slot",)),
        )
        for server, keys in SETTINGS.items()
        if keys
    },
    "env": Key("env", "Environment variables of the app.", secret=True, default={}, group="run", reaches=("slot",)),
    "files": Key(
        "list",
        "Secret files, such as a service account, a client certificate or a configuration file with passwords.",
        items=Key("dict", "A file. Exactly one of C(content) and C(content_base64).", keys=_FILES),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "database": Key(
        "str",
        "Give the app its own database in this server on the host. C(DATABASE_URL) names it, and backups hold it.",
        choices=DATABASES,
        group="run",
        reaches=("slot", "backup"),
    ),
    "database_pool": Key(
        "bool",
        "Connect to the database through PgBouncer, which lends an app a connection for one transaction at a time. For apps with many workers that "
        "mostly do something else. C(DATABASE_DIRECT_URL) goes past it.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "queue": Key(
        "str",
        "Give the app its own instance of this server, which speaks the Redis protocol. C(REDIS_URL) and C(CELERY_BROKER_URL) name it.",
        choices=QUEUES,
        group="run",
        reaches=("slot",),
    ),
    "persist": Key(
        "list",
        "Directories that outlive releases. What the source has in one is put there once. C(instance) always outlives releases.",
        items=text("A directory.", "a directory below the release, such as uploads", _RELATIVE),
        default=[],
        group="run",
        reaches=("release", "slot"),
    ),
    "persist_files": Key(
        "list",
        "Files that outlive releases, such as a database at the root of the source. One that the source has is put there once.",
        items=text("A file.", "a file below the release, such as shop.db", rf"{_RELATIVE}(?<!/)"),
        default=[],
        group="run",
        reaches=("release", "slot"),
    ),
    "healthcheck": Key("dict", "How a slot proves that it works.", keys=_HEALTHCHECK, group="run", reaches=("slot", "backup")),
    "processes": Key(
        "list",
        "Processes that run beside the web server, such as workers. They change to a new release right after the web server does.",
        items=Key("dict", "A process.", keys=_PROCESS),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "schedules": Key(
        "list",
        "Commands that run at set times, never twice at once. A run that a deploy finds under way ends with the old code.",
        items=Key("dict", "A schedule.", keys=_SCHEDULE),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "procfile": Key(
        "bool",
        "Take C(release_command) and C(processes) from the Procfile of the source, unless they are given here. Its line C(web) is ignored.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "exclusive": Key(
        "bool",
        "Stop the old slot before the new one starts, for an app that holds a port, a lock or a device. Nothing serves in between.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "sandbox": Key("dict", "Single loosenings of the service's sandbox.", keys=_SANDBOX, group="run", reaches=("slot",)),
    **WEB,
    "static": Key(
        "list",
        "Folders and single files that the proxy serves itself.",
        items=Key("dict", "A folder, or a file, with its path on the web.", keys=_STATIC),
        default=[],
        group="web",
        reaches=("release", "proxy"),
    ),
    "maintenance_page": text(
        "Page to show during maintenance. A plain one without it.", "an HTML file below the release", _RELATIVE, group="web", reaches=("release", "proxy")
    ),
    "error_page": text(
        "Page for answers 502, 503 and 504 of the proxy. A plain one without it.",
        "an HTML file below the release",
        _RELATIVE,
        group="web",
        reaches=("release", "proxy"),
    ),
}

SERVICE: dict[str, Key] = {
    "name": dataclasses.replace(_NAME, meaning="Name of the service. Its certificate and its file of the proxy are named after it."),
    "upstream": text(
        "Where the service listens.",
        "an address with a port, such as 127.0.0.1:3000, or a socket, such as /run/chat/chat.sock",
        _UPSTREAM,
        required=True,
    ),
    "protocol": Key("str", "What the service speaks there.", choices=PROTOCOLS, default="http"),
    **WEB,
    "domains": dataclasses.replace(
        WEB["domains"],
        meaning="Host names, the canonical one first. The others redirect to it, unless C(redirect) is false or they are wildcards.",
        required=True,
    ),
}

_NETWORK = text("A network.", "a network such as 192.0.2.0/24", r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")

#: The variables of a host that all roles share.
HOST: dict[str, Key] = {
    "flask_apps": Key("list", "The apps.", items=Key("dict", "An app.", keys=APP), default=[]),
    "flask_proxy": Key("str", "The proxy that owns ports 80 and 443.", choices=PROXIES, default="nginx"),
    "flask_manager": Key("str", "The process manager that runs the apps.", choices=MANAGERS, default="systemd"),
    "flask_proxy_services": Key("list", "What else the proxy serves, run by somebody else.", items=Key("dict", "A service.", keys=SERVICE), default=[]),
    "flask_trusted_networks": Key(
        "list",
        "Networks of load balancers in front of this host. What they say about the client's address is believed; nobody else is.",
        items=_NETWORK,
        default=[],
    ),
    "flask_proxy_protocol": Key(
        "bool",
        "Accept the PROXY protocol from the load balancers. When enabled, every connection must use it, and C(flask_trusted_networks) must not be "
        "empty. Without it, the header C(X-Forwarded-For) is read.",
        default=False,
    ),
    "flask_tls_terminated_by": Key(
        "str",
        "Who speaks TLS with visitors. With C(balancer), port 80 serves what C(flask_trusted_networks) send with C(X-Forwarded-Proto: https), and redirects "
        "all else.",
        choices=("host", "balancer"),
        default="host",
    ),
    "flask_on_failure": Key(
        "list",
        "Units to start when a schedule or a process of an app fails, such as one of yours that sends mail.",
        items=text("A unit.", "the name of a unit with its suffix, such as alert.service", r"[A-Za-z0-9:_.@-]+(@%[nNip])?\.(service|target)"),
        default=[],
    ),
    "flask_deploy_log": text(
        "The log of all changes of apps on the host, one line of JSON for each. At 16 MiB it is moved aside, and the one before goes.",
        "an absolute path of a file, such as /var/log/flaskyard/deploys.jsonl",
        r"/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+(/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+)+",
        default="/var/log/flaskyard/deploys.jsonl",
    ),
}
