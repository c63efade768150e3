# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the collection keeps what it knows of a host. Only root can look below."""

from __future__ import annotations

#: Releases, virtualenvs and slots of each app: their records, and locks.
APPS = "/var/lib/flaskyard/apps"
#: What each fileset owns, and a change that is under way.
FILESETS = "/var/lib/flaskyard/filesets"
#: What was asked of certificates, by stage.
CERTIFICATES = "/var/lib/flaskyard/certificates"
#: What programs on the host are told of the inventory.
SETTINGS = "/etc/flaskyard.json"
#: Where the deploy log is unless C(SETTINGS) says otherwise.
DEPLOY_LOG = "/var/log/flaskyard/deploys.jsonl"
#: What was asked of database servers, by server.
DATABASES = "/var/lib/flaskyard/databases"
