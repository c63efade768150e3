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
# URLs, absolute paths and scp-like addresses; nothing that git takes for another transport, such as ext::.
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
    "limits": "Access and limits",
    "raw": "Raw configuration of the proxy",
}

_SOURCE = {
    "git": text("URL of a git repository.", "a git URL such as https://git.example.com/shop.git or git@git.example.com:shop.git", _GIT),
    "path": text("A folder on the controller. Files that its .gitignore excludes are left out.", "a folder on the controller", _LINE),
    "archive": text("An archive: a URL, or a file on the controller.", "a URL or a file on the controller, .tar.gz, .tar.xz, .tar.bz2 or .zip", _LINE),
    "pypi": text("Name of a package.", "the name of a package", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._, -]+\])?"),
    "in_place": text(
        "A folder on the host that holds the code and a virtualenv C(.venv). The virtualenv must contain the server.",
        "an absolute path of the host, such as /opt/shop",
        _ABSOLUTE,
    ),
    "version": text("Version of the repository or package.", "a branch, tag, commit or package version, in quotes", _VERSION),
    "checksum": text("Checksum of the archive.", "sha256: and 64 hexadecimal digits", r"sha256:[0-9a-f]{64}"),
    "deploy_key": Key("str", "Private SSH key with read access to the repository.", "the text of a private SSH key", secret=True),
    "known_hosts": Key(
        "str",
        "Host keys of the SSH server. Those of GitHub, GitLab, Bitbucket and Codeberg are built in.",
        "lines of an SSH known_hosts file",
    ),
    "accept_new_host_key": Key("bool", "Trust the host key that an unknown SSH server presents on the first connection.", default=False),
    "insecure": Key("bool", "Accept http:// and git://. Anyone on the network path can then change the code.", default=False),
}

_RATE_LIMIT = {
    "requests_per_second": number("Requests per second that one client may send.", 1, 100000, required=True),
    "burst": number("Requests above the rate that are still served, without delay. Further ones get 429.", 1, 100000, 20),
    "paths": Key(
        "list",
        "Paths that the limit applies to, each with everything below it. Without any, it applies to all requests.",
        items=text("A path.", "a path such as /login", _PREFIX),
        default=[],
    ),
}

_ACCESS = {
    "path": text("Path that the rule applies to, with everything below it.", "a path such as /admin", _PREFIX, default="/"),
    "allow": Key(
        "list",
        "Networks that have access. All others get 403. Without any, every network has access.",
        items=text("A network.", "a network such as 192.0.2.0/24", r"[0-9a-fA-F:.]+(/[0-9]{1,3})?"),
        default=[],
    ),
    "users": Key("users", "Users who have access, each with a password hash as C(htpasswd -nB) prints it.", secret=True, default={}),
}

_STATIC = {
    "url": text(
        "URL path of the folder or file. A URL stands for a single file if its last part has a dot, or if it is below /.well-known/. "
        "The root, C(/), needs a C(fallback).",
        "a path such as /static or /favicon.ico",
        r"/|(/\.well-known(?!/acme-challenge(/|$)))?(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?",
        required=True,
    ),
    "path": text(
        "The folder or file, relative to the release. For a folder in C(persist), the proxy serves the persisted files.",
        "a folder below the release, such as shop/static",
        _RELATIVE,
        required=True,
    ),
    "fallback": text(
        "Page in the folder to serve when no file matches, for the routes of a single-page app.",
        "an HTML file below the folder, such as index.html",
        _RELATIVE,
    ),
    "app_paths": Key(
        "list",
        "Paths that go to the app, each with everything below it. Only for C(url: /) and an app without a C(path).",
        items=text("A path.", "a path such as /api", r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?"),
        default=[],
    ),
}

_HEALTHCHECK = {
    "path": text("Path to request. By default, the first of the C(app_paths) in C(static), or C(/).", "a path such as /healthz", _URL_PATH, default="/"),
    "status": number("Status code of a healthy answer. Without it, any status below 500 is healthy.", 100, 599),
    "body": text(
        "Text that the first 64 KiB of the body must contain, compared byte for byte as UTF-8. Without it, the body is not read.",
        "one line of text without control characters",
        _LINE,
    ),
    "timeout_seconds": number("Seconds within which a new slot must become healthy.", 1, 3600, 60),
    "successes": number("Number of healthy answers in a row that a slot needs.", 1, 100, 2),
}

_COMMAND = "one command line, such as celery --app shop worker"
_UNIT_NAME = r"(?=.{1,24}$)[a-z]([a-z0-9]|-(?=[a-z0-9]))*"
_MEMORY = number("Memory limit in megabytes. Without it, there is no limit.", 32, 1048576)

_PROCESS = {
    "name": text("Name of the process. Its units are named after it.", "at most 24 lower-case letters, digits and single '-'", _UNIT_NAME, required=True),
    "command": text("Command to run in the release, without a shell. The virtualenv comes first on its C(PATH).", _COMMAND, _LINE, required=True),
    "count": number("Number of instances.", 1, 64, 1),
    "memory_max_mb": dataclasses.replace(_MEMORY, meaning="Memory limit of each instance in megabytes, only under systemd. Without it, there is no limit."),
    "stop_signal": Key(
        "str", "Signal that tells the process to finish its work and stop.", choices=("TERM", "INT", "QUIT", "HUP", "USR1", "USR2"), default="TERM"
    ),
    "stop_timeout_seconds": number("Seconds that the process has to finish its work. After that it is killed.", 1, 86400, 60),
    "healthy_after_seconds": number("Seconds that the process must stay up after a switch. If it does not, the switch is undone.", 1, 600, 5),
}

_SCHEDULE = {
    "name": text("Name of the schedule. Its units are named after it.", "at most 24 lower-case letters, digits and single '-'", _UNIT_NAME, required=True),
    "command": text("Command to run in the release, without a shell. The virtualenv comes first on its C(PATH).", _COMMAND, _LINE, required=True),
    "calendar": text("When to run it. Times are in the host's time zone, unless the expression ends with UTC.", EXPECTED, _LINE, required=True),
    "catch_up": Key("bool", "If the host was down at the time of a run, run it once after the host starts again.", default=False),
    "random_delay_seconds": number("Maximum random delay of each run, in seconds.", 0, 86400, 0),
    "timeout_seconds": number("Seconds that a run may take. After that, systemd stops it.", 1, 604800, 3600),
    "memory_max_mb": dataclasses.replace(_MEMORY, meaning="Memory limit of a run in megabytes. Without it, there is no limit."),
}

_FILES = {
    "path": text(
        "Path of the file in a folder that only root and the app can read. Each slot has a separate copy.",
        "a relative path such as production.cfg, without a '/' at its end",
        rf"{_RELATIVE}(?<!/)",
        required=True,
    ),
    "variable": text(
        "Environment variable that holds the absolute path of the file.",
        "the name of a variable such as SHOP_SETTINGS",
        r"[A-Za-z_][A-Za-z0-9_]*",
        required=True,
    ),
    "content": Key("str", "The text of the file, written unchanged.", secret=True),
    "content_base64": Key("str", "The content in base64, for binary files.", secret=True),
}

_SANDBOX = {
    "network": Key("bool", "Let the service open network connections.", default=True),
    "memory_deny_write_execute": Key(
        "bool", "Deny memory that is both writable and executable. Set it to false for apps with a just-in-time compiler.", default=True
    ),
    "proc_subset_pid": Key("bool", "Hide everything in /proc except processes. Set it to false for apps that read system statistics there.", default=True),
    "memory_max_mb": number("Memory limit of the service in megabytes. Without it, there is no limit.", 32, 1048576),
    "groups": Key(
        "list",
        "Groups on the host that the service joins, for example to open the socket of a database.",
        items=text("A group.", "the name of a group, such as redis", r"[a-z_][a-z0-9_-]{0,31}"),
        default=[],
    ),
    "writable_paths": Key(
        "list",
        "Folders on the host that the service may write to. Their file permissions must also allow its account or one of its C(groups).",
        items=text("A folder.", "an absolute path of the host, such as /mnt/media", _ABSOLUTE),
        default=[],
    ),
    "devices": Key(
        "list",
        "Devices that the service may read and write. Their file permissions must also allow its account or one of its C(groups).",
        items=text("A device.", "a device, such as /dev/ttyUSB0", rf"{_NO_PARENT}/dev(/[A-Za-z0-9_.@:+-]+)+"),
        default=[],
    ),
    "netlink": Key("bool", "Let the service list the host's network interfaces, as C(getifaddrs) does.", default=False),
    "home_cache": Key(
        "bool",
        "Set C(XDG_CACHE_HOME), so that libraries keep downloads such as models in C($CACHE_DIRECTORY) instead of C(~/.cache). "
        "This folder outlives releases. Backups do not include it.",
        default=False,
    ),
}

_TLS = {
    "issuer": Key(
        "str",
        "Who issues the certificate. C(files) needs C(certificate) and C(key).",
        choices=("letsencrypt", "selfsigned", "files"),
        default="letsencrypt",
    ),
    "challenge": Key(
        "str",
        "How you prove to the authority that you control the names. C(http) serves a file on port 80. C(dns) publishes a DNS record, which also works for "
        "wildcards and for hosts that the authority cannot reach. C(dns) needs C(tls_dns_provider) of the role tls.",
        choices=("http", "dns"),
        default="http",
    ),
    "certificate": Key("str", "The certificate and its chain, for issuer C(files).", "the PEM text of the certificate and its chain"),
    "key": Key("str", "The private key, for issuer C(files).", "the PEM text of the private key", secret=True),
}

_NAME = text(
    "Name of the app. Its accounts, paths and units are named after it.",
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
        "Host names, the canonical one first. The others redirect to it, unless they are wildcards or C(redirect) is false. "
        "Without any, the app is reachable only through its socket.",
        items=text("A host name.", "a lower-case host name such as shop.example.com", NAME, advice=advice),
        default=[],
        group="web",
        reaches=("slot", "proxy", "certificate", "backup"),
    ),
    "redirect": Key(
        "bool",
        "Redirect the other domains to the first one. If false, the app answers on all of them and sees the name that the visitor used.",
        default=True,
        group="web",
        reaches=("proxy",),
    ),
    "public_port": number(
        "Port in the app's URLs. Set it if a router forwards another port to port 443 of this host.",
        1,
        65535,
        443,
        group="web",
        reaches=("slot", "proxy"),
    ),
    "path": text(
        "Path below the domains at which the app is mounted.",
        "a path such as /shop",
        r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+",
        default="/",
        group="web",
        reaches=("slot", "proxy", "backup"),
    ),
    "tls": Key("dict", "Where the certificate comes from.", keys=_TLS, group="web", reaches=("certificate",)),
    "streaming": Key(
        "list",
        "Paths for server-sent events, WebSockets and streamed files. The proxy passes on their requests and answers unbuffered, for up to an hour.",
        items=text("A path.", "a path such as /events", _PREFIX),
        default=[],
        group="web",
        reaches=("slot", "proxy"),
    ),
    "rate_limit": Key(
        "dict",
        "Limit on the requests of one client. Requests above the limit get 429. Without it, there is no limit.",
        keys=_RATE_LIMIT,
        group="limits",
        reaches=("proxy",),
    ),
    "access": Key(
        "list",
        "Rules for who has access to the app, or to a path of it. If several rules match, the one with the longest path applies.",
        items=Key("dict", "A rule. A client must satisfy both C(allow) and C(users).", keys=_ACCESS),
        default=[],
        group="limits",
        reaches=("proxy",),
    ),
    "maintenance": Key(
        "bool", "Answer every request with 503 and the maintenance page. Static files are still served.", default=False, group="limits", reaches=("proxy",)
    ),
    "headers": Key(
        "headers",
        "Headers of every answer. They override the headers of the proxy's role. An empty value removes a header.",
        default={},
        group="web",
        reaches=("proxy",),
    ),
    "max_body_mb": number("Largest request body in megabytes. Larger ones get 413.", 1, 102400, 16, group="limits", reaches=("slot", "proxy")),
    "timeout_seconds": number(
        "Seconds that a request may take. The proxy waits five seconds longer, so that the server can answer first.",
        1,
        3600,
        30,
        group="limits",
        reaches=("slot", "proxy", "backup"),
    ),
    "nginx_extra": Key("str", "Raw nginx configuration, added to the app's server block.", default="", group="raw", reaches=("proxy",)),
    "apache_extra": Key("str", "Raw Apache configuration, added to the app's virtual host.", default="", group="raw", reaches=("proxy",)),
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
        "The WSGI application: a module and a name in it, or a factory call with literal arguments.",
        "module:callable, such as 'shop:app' or 'shop:create_app()'",
        r"[^\x00-\x1f\x7f]{1,200}",
        required=True,
        group="code",
        reaches=("slot",),
    ),
    "python": text(
        "Version of Python, which must be on the host already. Without it, the app runs on Debian's own.",
        'a version without its patch number, such as "3.12", in quotes',
        r"3\.[0-9]{1,2}",
        group="code",
        reaches=("release",),
    ),
    "installer": Key("str", "Tool that installs the dependencies.", choices=("uv", "pip"), default="uv", group="code", reaches=("release",)),
    "directory": text(
        "Folder of the source that holds the app, for a repository with more than the app. The app runs and is imported there. "
        "All other paths below the source are relative to it.",
        "a folder below the source, such as backend",
        _RELATIVE,
        group="code",
        reaches=("release", "slot"),
    ),
    "requirements": text(
        "File that lists the dependencies. Without it, the first of uv.lock, pylock.toml, requirements.txt and pyproject.toml that exists.",
        "a file below the source, such as requirements/production.txt",
        _RELATIVE,
        group="code",
        reaches=("release",),
    ),
    "install_project": Key(
        "bool",
        "Install the source itself as a package, as C(pip install .) does. An app needs this if it uses its own metadata, its entry points or files that "
        "its build writes. Without it, C(package) in C([tool.uv]) of pyproject.toml decides.",
        group="code",
        reaches=("release",),
    ),
    "packages": Key(
        "list",
        "Debian packages that the app needs at run time, such as programs and libraries. They stay when the app is removed.",
        items=text("A package.", "the name of a Debian package, such as ffmpeg", _DEBIAN),
        default=[],
        group="code",
        reaches=("slot",),
    ),
    "build_packages": Key(
        "list",
        "Debian packages that installing the dependencies or C(build_command) needs, such as compilers, headers or Node.js. They stay when the app is removed.",
        items=text("A package.", "the name of a Debian package, such as libpq-dev", _DEBIAN),
        default=[],
        group="code",
        reaches=("release",),
    ),
    "build_command": text(
        "Shell command that runs last in a build, in the release, as the build account.", "one line of shell", _LINE, group="code", reaches=("release",)
    ),
    "release_command": text(
        "Command that runs once for each release before the release serves, such as a database migration. It runs in the release, with the environment and "
        "sandbox of the app. If it fails, the release does not go live.",
        "one command line, such as flask --app shop db upgrade",
        _LINE,
        group="code",
        reaches=("slot",),
    ),
    "release_command_once": Key(
        "bool",
        "Run C(release_command) on only one of the hosts on which the app has the same release and environment. Set it to false if each host has its own "
        "database.",
        default=True,
        group="code",
        reaches=("slot",),
    ),
    "release_command_timeout_seconds": number("Seconds that C(release_command) may take.", 1, 86400, 600, group="code", reaches=("slot",)),
    "keep_releases": number("Number of releases to keep.", 2, 100, 5, group="code", reaches=("slot",)),
    "server": Key("str", "The WSGI server.", choices=tuple(SERVERS), default="gunicorn", group="server", reaches=("release", "slot", "proxy", "backup")),
    "server_requirements": Key(
        "list",
        "Requirements to install for the server, without hashes. They replace the tested version and any version in the app's own requirements.",
        items=text("A requirement.", "a requirement such as gunicorn==27.0.1", r"[A-Za-z0-9][A-Za-z0-9._\[\],<>=!~ -]*"),
        group="server",
        reaches=("release",),
    ),
    "workers": number("Number of worker processes. Waitress and fastcgi always have one.", 1, 512, group="server", reaches=("slot",)),
    "threads": number("Number of threads in each process. Passenger always has one.", 1, 1024, group="server", reaches=("slot",)),
    "workload": Key(
        "str",
        "What requests spend their time on. The default numbers of workers and threads follow from it. C(sessions) is for Flask-SocketIO: it keeps "
        "all clients in one process, which is never replaced.",
        choices=("cpu", "io", "mixed", "sessions"),
        default="mixed",
        group="server",
        reaches=("slot",),
    ),
    "graceful_timeout_seconds": number(
        "Seconds that running requests have to finish when a slot stops. A value below C(timeout_seconds) is raised to it.",
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
        items=Key("dict", "A file, with exactly one of C(content) and C(content_base64).", keys=_FILES),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "database": Key(
        "str",
        "Give the app its own database in this server on the host. C(DATABASE_URL) holds its URL. Backups include it.",
        choices=DATABASES,
        group="run",
        reaches=("slot", "backup"),
    ),
    "database_pool": Key(
        "bool",
        "Connect to PostgreSQL through PgBouncer, which assigns a connection for one transaction at a time. It helps apps with many workers that seldom use "
        "the database. C(DATABASE_DIRECT_URL) bypasses it.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "queue": Key(
        "str",
        "Give the app its own instance of this server, which speaks the Redis protocol. C(REDIS_URL) and C(CELERY_BROKER_URL) hold its URL.",
        choices=QUEUES,
        group="run",
        reaches=("slot",),
    ),
    "persist": Key(
        "list",
        "Directories that outlive releases. If the source has files in one, they are copied there once. C(instance) always outlives releases.",
        items=text("A directory.", "a directory below the release, such as uploads", _RELATIVE),
        default=[],
        group="run",
        reaches=("release", "slot"),
    ),
    "persist_files": Key(
        "list",
        "Files that outlive releases, such as a database at the root of the source. If the source has the file, it is copied there once.",
        items=text("A file.", "a file below the release, such as shop.db", rf"{_RELATIVE}(?<!/)"),
        default=[],
        group="run",
        reaches=("release", "slot"),
    ),
    "healthcheck": Key("dict", "The request that a new slot must answer before it serves.", keys=_HEALTHCHECK, group="run", reaches=("slot", "backup")),
    "processes": Key(
        "list",
        "Processes that run beside the web server, such as task queue workers. They switch to a new release right after the web server.",
        items=Key("dict", "A process.", keys=_PROCESS),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "schedules": Key(
        "list",
        "Commands that run at set times. Two runs of one schedule never overlap. A run that started before a deploy finishes with the old code.",
        items=Key("dict", "A schedule.", keys=_SCHEDULE),
        default=[],
        group="run",
        reaches=("slot",),
    ),
    "procfile": Key(
        "bool",
        "Read C(release_command) and C(processes) from the Procfile of the source, unless you set them here. The lines C(web) and C(wsgi) are ignored. "
        "A source without a Procfile is refused.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "exclusive": Key(
        "bool",
        "Stop the old slot before the new one starts, for an app that holds a port, a lock or a device. The app is down in between.",
        default=False,
        group="run",
        reaches=("slot",),
    ),
    "sandbox": Key("dict", "Changes to the sandbox of the app.", keys=_SANDBOX, group="run", reaches=("slot",)),
    **WEB,
    "static": Key(
        "list",
        "Folders and single files that the proxy serves without the app.",
        items=Key("dict", "A folder or file and its URL.", keys=_STATIC),
        default=[],
        group="web",
        reaches=("release", "proxy"),
    ),
    "maintenance_page": text(
        "Page to show during maintenance. Without it, the proxy shows a plain page.",
        "an HTML file below the release",
        _RELATIVE,
        group="web",
        reaches=("release", "proxy"),
    ),
    "error_page": text(
        "Page for the proxy's own errors 502, 503 and 504. Without it, the proxy shows a plain page.",
        "an HTML file below the release",
        _RELATIVE,
        group="web",
        reaches=("release", "proxy"),
    ),
}

SERVICE: dict[str, Key] = {
    "name": dataclasses.replace(_NAME, meaning="Name of the service. Its certificate and its proxy configuration are named after it."),
    "upstream": text(
        "Address or socket that the service listens on.",
        "an address with a port, such as 127.0.0.1:3000, or a socket, such as /run/chat/chat.sock",
        _UPSTREAM,
        required=True,
    ),
    "protocol": Key("str", "Protocol that the service speaks.", choices=PROTOCOLS, default="http"),
    **WEB,
    "domains": dataclasses.replace(
        WEB["domains"],
        meaning="Host names, the canonical one first. The others redirect to it, unless they are wildcards or C(redirect) is false.",
        required=True,
    ),
}

_NETWORK = text("A network.", "a network such as 192.0.2.0/24", r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")

#: The variables of a host that all roles share.
HOST: dict[str, Key] = {
    "flask_apps": Key("list", "The apps.", items=Key("dict", "An app.", keys=APP), default=[]),
    "flask_proxy": Key("str", "The proxy that owns ports 80 and 443.", choices=PROXIES, default="nginx"),
    "flask_manager": Key("str", "The process manager that runs the apps.", choices=MANAGERS, default="systemd"),
    "flask_proxy_services": Key(
        "list", "Programs that the proxy serves but Flaskyard does not run.", items=Key("dict", "A service.", keys=SERVICE), default=[]
    ),
    "flask_trusted_networks": Key(
        "list",
        "Networks of the load balancers in front of this host. Only these may report the client's address.",
        items=_NETWORK,
        default=[],
    ),
    "flask_proxy_protocol": Key(
        "bool",
        "Accept the PROXY protocol from the load balancers. When enabled, every connection must use it, and C(flask_trusted_networks) must not be "
        "empty. Otherwise the proxy reads the header C(X-Forwarded-For).",
        default=False,
    ),
    "flask_tls_terminated_by": Key(
        "str",
        "Where TLS with visitors ends. With C(balancer), port 80 serves requests from C(flask_trusted_networks) that carry C(X-Forwarded-Proto: https), and "
        "redirects all others.",
        choices=("host", "balancer"),
        default="host",
    ),
    "flask_on_failure": Key(
        "list",
        "Units to start when a schedule or a process of an app fails, such as a service of yours that sends mail.",
        items=text("A unit.", "the name of a unit with its suffix, such as alert.service", r"[A-Za-z0-9:_.@-]+(@%[nNip])?\.(service|target)"),
        default=[],
    ),
    "flask_deploy_log": text(
        "Log of all changes to apps on the host, one JSON object per line. At 16 MiB it is renamed to C(.1), which replaces the previous C(.1).",
        "an absolute path of a file, such as /var/log/flaskyard/deploys.jsonl",
        r"/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+(/(?!\.\.?(/|$))[A-Za-z0-9_.@+-]+)+",
        default="/var/log/flaskyard/deploys.jsonl",
    ),
}
