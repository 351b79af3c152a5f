"""The documentation as a site: it builds without a warning, every link leads somewhere, and nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from avexplore.store import app_folder

ROOT = app_folder()


class Page(HTMLParser):
    """What a page names, what it links to, and what a browser would load for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.pictures = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(found["href"])
        self.pictures += tag == "img"


def built(folder: Path) -> dict[Path, Page]:
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1", "JUPYTER_PLATFORM_DIRS": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}


def broken_links(pages: dict[Path, Page]) -> list[tuple[str, str]]:
    """Links within the site that lead to no file, or to no place in it."""
    broken = []
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses are those of a server's root
            continue
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            named = pages[target].names if target in pages else {unquote(parts.fragment)}
            if not target.is_file() or unquote(parts.fragment) not in {"", *named}:
                broken.append((path.name, link))
    return broken


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site(tmp_path: Path) -> None:
    # One test, so that workers side by side build it once.
    pytest.importorskip("mkdocs")
    pages = built(tmp_path)
    assert broken_links(pages) == []
    fetched = {address for page in pages.values() for address in page.loaded if urlsplit(address).netloc}
    assert fetched == set()
    assert pages[tmp_path / "pages.html"].pictures >= 11
    assert any(name.endswith(".ClassGraphWidget") for name in pages[tmp_path / "api" / "notebook.html"].names)
    whole = "".join(path.read_text(encoding="utf-8") for path in pages)
    assert "{README:" not in whole, "a section of the README is missing"
    assert "<p>&gt;&gt;&gt;" not in whole, "examples are code"


@pytest.mark.parametrize(
    ("link", "ok"), [("b.html#here", True), ("b.html#gone", False), ("c.html", False), ("https://x.example/", True)]
)
def test_broken_links_are_found(link: str, ok: bool, tmp_path: Path) -> None:
    texts = {"a.html": f'<a href="{link}">', "b.html": '<h1 id="here">'}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = broken_links({tmp_path / name: Page(text) for name, text in texts.items()})
    assert found == ([] if ok else [("a.html", link)])
