"""The front end as text: vis-network out of the installed pyvis, and our modules, which travel together once."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

FRONTEND = Path(__file__).parent / "frontend"
_IMPORT = re.compile(r'from "\./(\w+\.js)"')


def vis_network() -> str:
    """vis-network 9.1.2 as pyvis ships it, made an ES module."""
    import pyvis

    text = (Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text(encoding="utf-8")
    # With `exports` in sight, its wrapper takes the CommonJS branch and leaves no global behind.
    before, after = "const module = { exports: {} };\nconst exports = module.exports;\n", "\nexport default exports;\n"
    return before + text + after


def modules(entry: str = "render.js") -> list[tuple[str, str]]:
    """(name, source) of a front-end module and of all it imports, in an order in which each finds its imports."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        source = (FRONTEND / name).read_text(encoding="utf-8")
        for needed in _IMPORT.findall(source):
            visit(needed)
        found[name] = source

    visit(entry)
    return list(found.items())


@cache
def loader_source() -> str:
    """JavaScript of the loader, with everything in it."""
    sources = json.dumps([("vis.js", vis_network()), *modules()])
    return (FRONTEND / "loader.js").read_text(encoding="utf-8").replace("/*SOURCES*/ []", sources)


@cache
def view_source(kind: str) -> str:
    """The view itself, which waits for what the loader brings: its "html", "css" or "js"."""
    return (FRONTEND / f"view.{kind}").read_text(encoding="utf-8")
