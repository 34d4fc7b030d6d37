"""The documentation site: built without a warning, complete, searchable, and without a request to another host."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import greycard
from browser import opened_page

pytestmark = pytest.mark.slow
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")]
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""The tags that make a browser ask for a file, and where they name it."""


class _Loaded(HTMLParser):
    """What a browser asks for when it shows a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name == LOADS.get(tag) and value]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason='needs pip install "greycard[docs]"')
    out = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--doctree-dir"]
    built = subprocess.run([*words, out / "doctrees", DOCS, out / "site"], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return out / "site"


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site on a web server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_every_page_of_the_docs_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    assert len(PAGES) > 30
    for page in PAGES:
        assert (site / f"{page}.html").is_file()
        assert page.name == "index" or f'href="{page.as_posix()}.html"' in home


def test_the_reference_explains_every_public_name(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    for name in greycard.__all__:
        entry = re.search(rf'<dt [^>]*id="greycard\.{name}">.*?</dt>\s*<dd><p>(.+?)</p>', text, re.DOTALL)
        assert entry, f"{name} has no docstring"


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        foreign = [url for url in _Loaded(page.read_text(encoding="utf-8")).addresses if re.match(r"(\w+:)?//", url)]
        assert not foreign, page.name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import\s+[\"'](https?:)?//", text), sheet.name


@pytest.mark.parametrize("name", ["index", "lessons/4-folders", "api", "benchmarks", "cli"])
def test_a_browser_asks_nobody_else_and_no_phone_scrolls_sideways(address: str, name: str, tmp_path: Path) -> None:
    with opened_page(f"{address}/{name}.html", tmp_path) as page:
        page.resize(390, 844)
        time.sleep(0.2)
        loaded = page.run("performance.getEntriesByType('resource').map(each => each.name)")
        assert any(".css" in each for each in loaded)
        assert all(each.startswith((address, "data:")) for each in loaded)
        assert page.run("document.documentElement.scrollWidth") == 390
        assert not page.complaints


def test_search_finds_a_page(address: str, tmp_path: Path) -> None:
    with opened_page(f"{address}/search.html?q=duplicates", tmp_path) as page:
        page.wait_for("document.querySelector('#search-results a[href*=\"check.html\"]') !== null")
