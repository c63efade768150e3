# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the collection keeps its records of a host. Only root can read them."""

from __future__ import annotations

#: Records of each app's releases, virtualenvs and slots, and locks.
APPS = "/var/lib/flaskyard/apps"
#: What each fileset owns, and changes in progress.
FILESETS = "/var/lib/flaskyard/filesets"
#: The recorded wishes for certificates, by stage.
CERTIFICATES = "/var/lib/flaskyard/certificates"
#: The part of the inventory that programs on the host need.
SETTINGS = "/etc/flaskyard.json"
#: The default path of the deploy log. C(SETTINGS) may name another.
DEPLOY_LOG = "/var/log/flaskyard/deploys.jsonl"
#: The recorded wishes for databases, by server.
DATABASES = "/var/lib/flaskyard/databases"
