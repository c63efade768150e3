# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the module C(certificate) over all the apps of a host."""

from __future__ import annotations

import time
import typing as t

from .._host.commands import CommandError, run
from .._host.errors import HostError
from . import acme
from .key_pairs import CertificateError, inspect, is_served, self_sign
from .store import Lineage, Store, load, read

App = dict[str, t.Any]
_RELOAD_SECONDS = 5
_ISSUE_SELFSIGNED_BELOW = 1 / 3  # fraction of its life, as for certbot


class CertificateRun:
    """The certificates that exist, those that should, and the steps between.

    ``problems`` has a line for each failure, ``warnings`` a line for everything else that the user should know.
    """

    def __init__(self, params: dict[str, t.Any], check: bool) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._params = params
        self._check = check
        self._store = Store(params["directory"])
        self._changed = False
        self._issued: dict[str, str] = {}
        self._live: dict[str, dict[str, t.Any]] = {}

    def run(self) -> dict[str, t.Any]:
        """Run both stages, and return the module's result. A failure of one app does not stop the others."""
        apps: list[App] = self._params["apps"]
        before = {app: self._describe(app) for app in self._store.apps()}
        self._live = dict(before)
        for app in apps:
            self._attempt(self._provide, app)
        removed: list[str] = []
        if self._params["stage"] == "issue":
            for app in apps:
                if app["tls"]["issuer"] == "letsencrypt":
                    self._attempt(self._issue, app)
            retired = self._retire({app["name"] for app in apps})
            reloaded = self._reload(retired)
            removed = [f"live/{app}" for app in retired] + self._tidy(apps)
            if reloaded:
                self._confirm(app for app in apps if self._live.get(app["name"]) != before.get(app["name"]) or app["name"] in self._issued)
        else:
            reloaded = self._reload({})
        return {
            "changed": self._changed,
            "certificates": self._live,
            "issued": self._issued,
            "removed": removed,
            "reloaded": reloaded,
            "diff": {"before": _text(before), "after": _text(self._live)},
        }

    def _attempt(self, step: t.Callable[[App], None], app: App) -> None:
        try:
            step(app)
        except (HostError, OSError) as error:
            self.problems.append(f"app {app['name']}: {error}")

    def _describe(self, app: str) -> dict[str, t.Any]:
        folder = self._store.live(app)
        if not folder:
            return {"kind": "missing", "names": []}
        certificate = load(folder)
        described: dict[str, t.Any] = {"kind": self._store.kind(folder), "names": sorted(certificate.names) if certificate else []}
        if described["kind"] == "certbot" and (lineage := self._store.lineage(app)):
            described["authority"] = lineage.directory_url
        return described

    # --- the pairs to serve ---------------------------------------------------------------------------------------------

    def _provide(self, app: App) -> None:
        {
            "files": self._provide_files,
            "kept": self._provide_kept,
            "selfsigned": self._provide_selfsigned,
            "letsencrypt": self._provide_placeholder,
        }[app["tls"]["issuer"]](app)

    def _provide_files(self, app: App) -> None:
        pem, key = app["tls"]["certificate"] or "", app["tls"]["key"] or ""
        certificate = inspect(pem, key)
        missing = [domain for domain in app["domains"] if not certificate.covers(domain)]
        if missing:
            raise CertificateError(
                f"the certificate in tls is for {', '.join(certificate.names) or 'no name at all'}, and not for {', '.join(missing)}; "
                "get one for all the domains, or remove them from domains"
            )
        folder = self._store.folder("files", app["name"], pem, key)
        is_live = self._store.live(app["name"]) == folder
        if certificate.life_left() <= 0:
            expired = f"the certificate in tls expired on {certificate.end}; renew it and put the new one into tls"
            if not is_live:
                raise CertificateError(expired)
            self.warnings.append(f"app {app['name']}: {expired}")
        if certificate.not_before > time.time():
            raise CertificateError("the certificate in tls is not valid yet; check the host's clock")
        self._go_live(app, folder, certificate.names, (pem, key))

    def _provide_kept(self, app: App) -> None:
        """Use the pair that an earlier run got from the user. This run does not have it again, so it is there or missing."""
        folder = app["tls"]["folder"]
        certificate = load(folder) if folder else None
        if not certificate or self._store.live(app["name"]) != folder or certificate.life_left() <= 0:
            raise CertificateError("the certificate that was in tls is not served, or has expired")

    def _provide_selfsigned(self, app: App) -> None:
        name, domains = app["name"], app["domains"]
        for folder, certificate in self._store.stored("selfsigned", name).items():
            if set(certificate.names) == set(domains) and certificate.life_left() > _ISSUE_SELFSIGNED_BELOW:
                return self._go_live(app, folder, domains)
        pair = ("", "") if self._check else self_sign(domains, self._params["selfsigned_days"])
        self._go_live(app, self._store.folder("selfsigned", name, *pair), domains, pair)

    def _provide_placeholder(self, app: App) -> None:
        """Serve the best available certificate until the authority has been asked."""
        lineage = self._store.lineage(app["name"])
        if lineage:
            return self._go_live(app, self._store.lineage_folder(app["name"]), lineage.certificate.names)
        live = self._store.live(app["name"])
        certificate = load(live) if live and self._store.kind(live) != "selfsigned" else None
        if not certificate or certificate.life_left() <= 0:
            self._provide_selfsigned(app)

    def _go_live(self, app: App, folder: str, names: t.Iterable[str], pair: tuple[str, str] | None = None) -> None:
        """Make a directory live, once it holds the pair."""
        name = app["name"]
        if self._store.live(name) == folder:
            return
        self._changed = True
        if self._check:
            self._live[name] = {"kind": self._store.kind(folder), "names": sorted(names)}
        else:
            if pair:
                self._store.add(folder, *pair)
            # No proxy knows a new name before its role has configured it. A reload would only cost visitors of other apps their connections.
            known = self._store.live(name) is not None
            self._store.go_live(name, folder, tell=known or self._params["stage"] == "issue")
            self._live[name] = self._describe(name)

    # --- the authority --------------------------------------------------------------------------------------------------

    def _issue(self, app: App) -> None:
        name, domains, url = app["name"], app["domains"], self._params["acme_directory"]
        lineage = self._store.lineage(name)
        over_http = self._authenticator(app) == acme.HTTP
        why = self._why_issue(lineage, app)
        if not why:
            return
        if self._check:
            self._changed = True
            self._issued[name] = why
            self._live[name] = {"kind": "certbot", "names": sorted(domains), "authority": url}
            return
        failures = acme.probe(domains, self._params["webroot"]) if self._params["probe"] and over_http else {}
        if failures:
            raise acme.AcmeError("\n".join([
                "the authority was not asked, because it could not fetch the challenge over HTTP (tls_probe: false asks it anyway):",
                *(f"      {domain}: {reason}" for domain, reason in failures.items()),
            ]))  # fmt: skip
        if not lineage:
            self._start_over(name)
        self._ask(app)
        if self._why_issue(self._store.lineage(name), app):
            self._start_over(name)  # certbot could not read its old files, and chose another name
            self._ask(app)
        wrong = self._why_issue(self._store.lineage(name), app)
        if wrong:
            raise acme.AcmeError(f"certbot reported success, but {wrong}; see {self._store.certbot}")
        self._changed = True
        self._store.want_reload()
        self._issued[name] = why
        self._go_live(app, self._store.lineage_folder(name), domains)
        self._live[name] = self._describe(name)

    def _ask(self, app: App) -> None:
        authenticator = self._authenticator(app)
        solver = ["--authenticator", authenticator, *(["--webroot-path", self._params["webroot"]] if authenticator == acme.HTTP else [])]
        arguments = (self._params["certbot"], app["name"], app["domains"], solver, self._params["acme_directory"])
        try:
            acme.issue(*arguments)
        except acme.AccountGone:
            self._store.forget_account(self._params["acme_directory"])
            acme.issue(*arguments)

    def _start_over(self, app: str) -> None:
        """Remove an app from certbot, and serve a copy of its certificate in the meantime."""
        live = self._store.live(app)
        pair = read(live) if live == self._store.lineage_folder(app) else None
        if pair:
            copy = self._store.folder("files", app, *pair)
            self._store.add(copy, *pair)
            self._store.go_live(app, copy)
        self._store.forget_lineage(app)

    def _authenticator(self, app: App) -> str:
        if app["tls"].get("challenge") != "dns":
            return acme.HTTP
        authenticator = self._params.get("dns_authenticator")
        if not authenticator:
            raise acme.AcmeError("tls has challenge: dns, and no DNS provider is set; set tls_dns_provider and tls_dns_credentials")
        return str(authenticator)

    def _why_issue(self, lineage: Lineage | None, app: App) -> str | None:
        authenticator = self._authenticator(app)
        if lineage is None:
            return "there is none yet"
        if set(lineage.certificate.names) != set(app["domains"]):
            return f"it is for {', '.join(sorted(lineage.certificate.names))}"
        if lineage.directory_url != self._params["acme_directory"]:
            return f"it is from {lineage.directory_url}"
        if lineage.authenticator != authenticator:
            return f"it would be renewed by {lineage.authenticator or 'nothing'}"
        if authenticator == acme.HTTP and lineage.webroots != {self._params["webroot"]}:
            return f"it would be renewed through {', '.join(sorted(lineage.webroots))}"
        if not lineage.has_account:
            return "the account that would renew it is gone"
        if lineage.certificate.life_left() <= 0:
            return f"it expired on {lineage.certificate.end}"
        return None

    # --- the end --------------------------------------------------------------------------------------------------------

    def _retire(self, declared: set[str]) -> dict[str, str | None]:
        """Remove the live links of apps that are not declared, and return them."""
        gone = {app: self._store.live(app) for app in self._store.apps() if app not in declared}
        for app in gone:
            self._changed = True
            del self._live[app]
            if not self._check:
                self._store.retire(app)
        return gone

    def _reload(self, retired: dict[str, str | None]) -> bool:
        """Reload the proxy, also if an earlier run was killed before it could.

        :param retired: the live links that were removed. If the proxy does not reload without them, they are restored, and this is emptied.
        """
        if not self._store.reload_pending:
            return False
        if self._check:
            self._changed = True
            return False
        command = self._params["reload_command"]
        if command:
            try:
                run(command)
            except CommandError as error:
                if retired:
                    return self._reload_with(retired, error)
                self.problems.append(f"the certificates are in place, but the proxy does not use them yet: {error}\nFix that and run again")
                return False
            self._changed = True
        self._store.reloaded()
        return bool(command)

    def _reload_with(self, retired: dict[str, str | None], error: CommandError) -> bool:
        for app, folder in retired.items():
            if folder:
                self._store.go_live(app, folder)
                self._live[app] = self._describe(app)
        self.warnings.append(
            f"the certificates of {', '.join(retired)} are kept, though no such app is declared: the proxy does not reload without them. "
            f"Take them out of its configuration, as the proxy's role does, then run again. {error}"
        )
        retired.clear()
        return self._reload({})

    def _tidy(self, apps: list[App]) -> list[str]:
        renewed = [app["name"] for app in apps if app["tls"]["issuer"] == "letsencrypt"]
        needed = [app["name"] for app in apps] if self._check else self._store.apps()
        leftovers = self._store.leftovers(needed, renewed)
        for leftover in leftovers:
            self._changed = True
            if not self._check:
                self._store.remove(leftover)
        return leftovers

    def _confirm(self, apps: t.Iterable[App]) -> None:
        """Wait until the proxy serves the new certificates, because a reload returns before it has taken effect."""
        deadline = time.monotonic() + _RELOAD_SECONDS
        for app in apps:
            live, domain = self._store.live(app["name"]), app["domains"][0]
            pair = read(live) if live else None
            while (served := pair and is_served(pair[0], domain)) is False and time.monotonic() < deadline:
                time.sleep(0.1)
            if served is False:
                self.warnings.append(
                    f"app {app['name']}: port 443 answers for {domain} with another certificate than the new one; check the proxy's configuration"
                )


def _text(live: dict[str, dict[str, t.Any]]) -> str:
    return "".join(
        f"{app}: {' '.join([described['kind'], described.get('authority', '')]).strip()} for {', '.join(described['names'])}\n"
        for app, described in sorted(live.items())
    )
