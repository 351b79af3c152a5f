"""What the class graph's front end waits for: vis-network out of the installed pyvis, and our modules in one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from avexplore.drawing.one_module import one_module

FRONTEND = Path(__file__).parent / "frontend"
"""The view, which waits, and what it waits for."""


def vis_network() -> str:
    """vis-network 9.1.2 as pyvis ships it, made an ES module."""
    import pyvis

    text = (Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text(encoding="utf-8")
    # With `exports` in sight, its wrapper takes the CommonJS branch and leaves no global behind.
    before, after = "const module = { exports: {} };\nconst exports = module.exports;\n", "\nexport default exports;\n"
    return before + text + after


@cache
def loader_source() -> str:
    """JavaScript of the loader, with everything in it."""
    sources = json.dumps([vis_network(), one_module("render", FRONTEND)])
    return (FRONTEND / "loader.js").read_text(encoding="utf-8").replace("/*SOURCES*/ []", sources)
