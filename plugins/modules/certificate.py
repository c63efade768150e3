#!/usr/bin/python
# Copyright: (c) 2026, Flaskyard maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of all apps of a host, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Give every app with domains a certificate to serve
version_added: 0.1.0
description:
  - Each app gets a link C(live/NAME) below O(directory) to a directory with C(fullchain.pem) and C(privkey.pem). The link is renamed
    onto its new target, so a proxy never loads the key of one certificate with another.
  - One app's failure does not keep the others from their certificates. The task fails at the end, with every reason.
options:
  apps:
    description: The apps. Those without domains are left out, and other keys than these are not sent to the host.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the app.
        type: str
        required: true
      domains:
        description: Host names that the certificate must be good for, the canonical one first.
        type: list
        elements: str
        required: true
      tls:
        description: Where the certificate comes from.
        type: dict
        default: {}
        suboptions:
          issuer:
            description: An ACME authority through certbot, nobody, or the files given here.
            type: str
            choices: [letsencrypt, selfsigned, files]
            default: letsencrypt
          challenge:
            description: How the authority sees that the names are ours, with O(webroot) or with O(dns_authenticator).
            type: str
            choices: [http, dns]
            default: http
          certificate:
            description: PEM text of the certificate, then its chain.
            type: str
          key:
            description: PEM text of the private key.
            type: str
  stage:
    description:
      - With V(placeholder), every app gets something that a proxy can load. V(selfsigned) and V(files) are final with that; for
        V(letsencrypt) it is what is there already, or a self-signed certificate until there is a better one. The authority is not asked.
      - V(issue) does the same, then has certificates issued where they are missing or expired, or where their names, authority, challenge
        or webroot are not the declared ones, and removes what no app needs any more. Renewal is not its task.
    type: str
    choices: [placeholder, issue]
    required: true
  directory:
    description: Where the certificates are kept.
    type: path
    default: /etc/flask-tls
  selfsigned_days:
    description: Life of a self-signed certificate, in days. It is replaced when a third is left.
    type: int
    default: 825
  certbot:
    description: The certbot program with the options it always gets.
    type: list
    elements: str
    default: [certbot]
  acme_directory:
    description: URL of the ACME authority's directory. Certificates of another authority are replaced.
    type: str
    default: https://acme-v02.api.letsencrypt.org/directory
  webroot:
    description: Directory below which the proxy serves C(/.well-known/acme-challenge/) of every domain over HTTP.
    type: path
    default: /var/lib/flask-acme
  dns_authenticator:
    description: certbot's authenticator for apps with the challenge V(dns), such as V(dns-rfc2136). Its credentials are in certbot's configuration.
    type: str
  probe:
    description: Before the authority is asked over HTTP, fetch a file from the challenge path of every domain.
    type: bool
    default: true
  reload_command:
    description: What makes the proxy load the certificates again. No shell.
    type: str
  sealed:
    description: Filled in by the action plugin with the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description: Checks the given certificates, says what would be issued, and changes nothing. Neither probes nor asks the authority.
  diff_mode:
    support: full
    description: Shows which kind of certificate is live for which names. Never a certificate or a key.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Give the proxy something to load
  flaskyard.server.certificate:
    stage: placeholder
    apps: "{{ flask_apps | flaskyard.server.apps }}"
    reload_command: systemctl reload nginx

- name: Get certificates from an authority
  flaskyard.server.certificate:
    stage: issue
    apps: "{{ flask_apps | flaskyard.server.apps }}"
    certbot: [/opt/certbot/bin/certbot, --config, /etc/flask-tls/certbot.ini]
    reload_command: systemctl reload nginx
"""

RETURN = r"""
certificates:
  description: What is live for each app after the task, or would be after it in check mode.
  type: dict
  returned: always
  sample: {shop: {kind: certbot, names: [shop.example.com], authority: "https://acme-v02.api.letsencrypt.org/directory"}}
issued:
  description: Apps that got a certificate from the authority, or would in check mode, with the reason.
  type: dict
  returned: always
  sample: {shop: the names differ}
removed:
  description: Paths below O(directory) that no app needed any more.
  type: list
  elements: str
  returned: always
reloaded:
  description: Whether the proxy was told to load the certificates again.
  type: bool
  returned: always
"""

from ..module_utils._certificates import survey
from ..module_utils._certificates.run import CertificateRun
from ..module_utils._host.sealed import SealedModule


def main() -> None:
    """Run the stage."""
    tls_options = {
        "issuer": {"type": "str", "choices": ["letsencrypt", "selfsigned", "files"], "default": "letsencrypt"},
        "challenge": {"type": "str", "choices": ["http", "dns"], "default": "http"},
        "certificate": {"type": "str"},
        "key": {"type": "str", "no_log": False},  # arrives sealed
    }
    app_options = {
        "name": {"type": "str", "required": True},
        "domains": {"type": "list", "elements": "str", "required": True},
        "tls": {"type": "dict", "default": {}, "options": tls_options},
    }
    module = SealedModule(
        argument_spec={
            "apps": {"type": "list", "elements": "dict", "required": True, "options": app_options},
            "stage": {"type": "str", "choices": ["placeholder", "issue"], "required": True},
            "directory": {"type": "path", "default": "/etc/flask-tls"},
            "selfsigned_days": {"type": "int", "default": 825},
            "certbot": {"type": "list", "elements": "str", "default": ["certbot"]},
            "acme_directory": {"type": "str", "default": "https://acme-v02.api.letsencrypt.org/directory"},
            "webroot": {"type": "path", "default": "/var/lib/flask-acme"},
            "dns_authenticator": {"type": "str"},
            "probe": {"type": "bool", "default": True},
            "reload_command": {"type": "str"},
            "sealed": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    run = CertificateRun(module.options, module.check_mode)
    result = run.run()
    for warning in run.warnings:
        module.warn(warning)
    if run.problems:
        what = "Not every certificate is as declared; each of these apps keeps the certificate that it has, or a self-signed one"
        module.fail_json(msg="\n".join([f"{what}:", *(f"  - {problem}" for problem in run.problems)]), **result)
    if not module.check_mode:
        survey.remember(module.options, module.wish)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
