"""What the widgets share: the app's front ends as modules that they bring along, and a still for other readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets
from anywidget import AnyWidget


def widget_source(modules: Sequence[str], html: str, css: str) -> str:
    """An anywidget module around a component of the app; nothing is fetched.

    Args:
        modules: Sources of ES modules, loaded in this order; the last one's default export is the component.
        html, css: What the component finds in its shadow tree.
    """
    front_end = json.dumps({"modules": list(modules), "html": html, "css": css})
    adapter = Path(__file__).with_name("adapter.js").read_text(encoding="utf-8")
    return adapter.replace("/*FRONT_END*/ {}", front_end)


class AppWidget(AnyWidget):
    """A front end of the app: it is sent data once, wishes whenever Python has one, and tells what a reader does."""

    _data: Any
    _asked = traitlets.Dict().tag(sync=True)
    _told = traitlets.Dict().tag(sync=True)

    def svg(self) -> str:
        """What is shown now as a vector graphic."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and a still of it for readers that run none."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["image/svg+xml"] = self.svg()
        return bundle
