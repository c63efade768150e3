# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of the documentation: built without a warning, then looked at in a browser, on a desktop and on a phone."""

from __future__ import annotations

import functools
import html.parser
import http.server
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / ".cache/site/html"
HOME, PHONE, DESKTOP = "docs/site/index.html", (390, 844), (1280, 900)
pytestmark = [pytest.mark.xdist_group("site"), pytest.mark.long]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Build it, and serve it."""
    subprocess.run([ROOT / "docs/site/build"], check=True)
    handler = functools.partial(_Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"], check=True, stdout=subprocess.DEVNULL)
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        for name in ("href", "src"):
            if tag in ("a", "img", "link", "script") and (value := given.get(name)):
                self.links.add(value)


@functools.cache
def parsed(path: Path) -> _Links:
    parser = _Links()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def test_links_within_the_site_are_valid(site: str) -> None:
    broken = set()
    pages = [path for path in HTML.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > 50
    for page in pages:
        for link in parsed(page).links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file() or (parts.fragment and target.suffix == ".html" and urllib.parse.unquote(parts.fragment) not in parsed(target).anchors):
                broken.add(f"{page.relative_to(HTML)}: {link}")
    assert broken == set()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (HOME, "production server for Flask apps"),
        ("docs/apps.html", "healthcheck.path"),
        ("roles/nginx/README.html", "nginx"),
        ("reference/release_module.html", "flaskyard.server.release"),
        ("docs/tutorial.html", "Your first server"),
    ],
)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_readable(page: str, words: str, size: tuple[int, int], site: str, browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
    browser.get(f"{site}/{page}")
    body = browser.find_element(By.TAG_NAME, "body")
    assert words in (body.get_attribute("textContent") or "")
    heading = browser.find_element(By.TAG_NAME, "h1")
    assert heading.is_displayed() and 0 <= heading.location["x"] < size[0]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0], "nobody has to scroll sideways"
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    errors = [entry["message"] for entry in log if entry["level"] == "SEVERE" and site in entry["message"]]
    assert errors == []


@pytest.mark.parametrize(("query", "page"), [("healthcheck", "docs/apps"), ("rollback", "operations"), ("certbot", "roles/tls")])
def test_search_finds_pages(query: str, page: str, site: str, browser: webdriver.Chrome) -> None:
    browser.get(f"{site}/search.html?q={query}")
    WebDriverWait(browser, 20).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "#search-results li a"))
    WebDriverWait(browser, 20).until(lambda driver: "Search finished" in driver.find_element(By.ID, "search-results").text)
    found = [link.get_attribute("href") or "" for link in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")]
    assert any(page in link for link in found), found
