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
  - Each app gets a link C(live/NAME) below O(directory) to a directory with C(fullchain.pem) and C(privkey.pem). The module replaces the link
    in one step, so a proxy never loads a certificate with the key of another.
  - If one app fails, the other apps still get their certificates. The task then fails at the end and gives every reason.
options:
  apps:
    description: The apps. Apps without domains are left out. Only these keys are sent to the host.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the app.
        type: str
        required: true
      domains:
        description: Host names that the certificate must cover, the canonical one first.
        type: list
        elements: str
        required: true
      tls:
        description: Where the certificate comes from.
        type: dict
        default: {}
        suboptions:
          issuer:
            description: Who issues the certificate. V(letsencrypt) is an ACME authority through certbot. V(files) needs C(certificate) and C(key).
            type: str
            choices: [letsencrypt, selfsigned, files]
            default: letsencrypt
          challenge:
            description: How to prove control of the names. V(http) uses O(webroot), and V(dns) uses O(dns_authenticator).
            type: str
            choices: [http, dns]
            default: http
          certificate:
            description: PEM text of the certificate, followed by its chain.
            type: str
          key:
            description: PEM text of the private key.
            type: str
  stage:
    description:
      - V(placeholder) gives every app a certificate that a proxy can load, without asking the authority. Apps with V(selfsigned) or V(files) get their
        final certificate. Apps with V(letsencrypt) keep the certificate they have, or get a self-signed one until the authority issues theirs.
      - V(issue) does the same. It then requests certificates that are missing or expired, or whose names, authority, challenge or webroot differ from
        what is declared. It removes certificates that no app needs. It does not renew.
    type: str
    choices: [placeholder, issue]
    required: true
  directory:
    description: Directory that holds the certificates.
    type: path
    default: /etc/flask-tls
  selfsigned_days:
    description: Lifetime of a self-signed certificate in days. It is replaced when a third of the lifetime is left.
    type: int
    default: 825
  certbot:
    description: The certbot program, with options for every call.
    type: list
    elements: str
    default: [certbot]
  acme_directory:
    description: URL of the authority's ACME directory. Certificates of another authority are replaced.
    type: str
    default: https://acme-v02.api.letsencrypt.org/directory
  webroot:
    description: Directory from which the proxy serves C(/.well-known/acme-challenge/) of every domain over HTTP.
    type: path
    default: /var/lib/flask-acme
  dns_authenticator:
    description: Authenticator of certbot for apps with the challenge V(dns), such as V(dns-rfc2136). Its credentials are in certbot's configuration.
    type: str
  probe:
    description: Fetch a file from the challenge path of every domain before asking the authority, for the challenge V(http).
    type: bool
    default: true
  reload_command:
    description: Command that makes the proxy reload the certificates. It runs without a shell.
    type: str
  sealed:
    description: Set by the action plugin to the options that may hold secrets.
    type: str
attributes:
  check_mode:
    support: full
    description: Checks the given certificates and reports what would be issued. It changes nothing, does not probe, and does not ask the authority.
  diff_mode:
    support: full
    description: Shows the kind and names of each live certificate. It never shows a certificate or a key.
author:
  - Flaskyard maintainers (@flaskyard)
"""

EXAMPLES = r"""
- name: Give the proxy certificates to load
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
  description: The live certificate of each app after the task. In check mode, the one that would be live.
  type: dict
  returned: always
  sample: {shop: {kind: certbot, names: [shop.example.com], authority: "https://acme-v02.api.letsencrypt.org/directory"}}
issued:
  description: Apps that got a certificate from the authority, with the reason. In check mode, those that would get one.
  type: dict
  returned: always
  sample: {shop: the names differ}
removed:
  description: Removed paths below O(directory) that no app needed.
  type: list
  elements: str
  returned: always
reloaded:
  description: Whether the proxy reloaded the certificates.
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
