"""What the site takes from the README, so that nothing is written twice, and nothing from the internet.

Called by mkdocs (see mkdocs.yml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TAKEN = re.compile(r"^\{README: (.+)\}$", re.MULTILINE)
MERMAID = re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"\[([^\]]+)\]\((?!https?:|#|docs/)[^)]+\)")
"""A link to a file of the repository that is not a page."""


def section(name: str) -> str:
    """The text below one heading of the README, with its links as they are within docs/.

    Raises:
        KeyError: If there is no such heading.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    sections = {"": parts[0].split("\n", 1)[1], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return ELSEWHERE.sub(r"\1", sections[name]).replace("](docs/", "](").strip()


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for inner in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _named(inner)


def on_config(config: Any, **_: Any) -> Any:
    """A page that mkdocs.yml does not place yet stands among the guides."""
    named = set(_named(config["nav"]))
    rest = sorted(path.name for path in Path(config["docs_dir"]).glob("*.md") if path.name not in named)
    next(part["Guides"] for part in config["nav"] if "Guides" in part).extend(rest)
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what comes from the README; a diagram that only a script of the internet draws is left out."""
    filled = TAKEN.sub(lambda found: section("" if found[1] == "the beginning" else found[1]), markdown)
    return MERMAID.sub("", filled)


def on_post_page(output: str, **_: Any) -> str:
    """Nothing is fetched: the theme would load a helper for its search where pages are opened as files."""
    return re.sub(r"<script[^>]*iframe-worker[^>]*></script>", "", output)


def on_post_template(output_content: str, **_: Any) -> str:
    """The same for the page that a server shows where there is none."""
    return on_post_page(output_content)
