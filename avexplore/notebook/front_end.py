"""The app's front ends as the modules that widgets bring along; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def widget_source(modules: Sequence[str], html: str, css: str) -> str:
    """An anywidget module around a component of the app.

    Args:
        modules: Sources of ES modules, loaded in this order; the last one's default export is the component.
        html, css: What the component finds in its shadow tree.
    """
    front_end = json.dumps({"modules": list(modules), "html": html, "css": css})
    adapter = Path(__file__).with_name("adapter.js").read_text(encoding="utf-8")
    return adapter.replace("/*FRONT_END*/ {}", front_end)
