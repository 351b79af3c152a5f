"""What the widgets share: the app's front ends as modules that they bring along, and a still for other readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import traitlets
from anywidget import AnyWidget


def widget_source(view: Mapping[str, str], *before: str) -> str:
    """An anywidget module around a component of the app; nothing is fetched.

    Args:
        view: As `drawing.one_module.front_end` gives it.
        before: Sources of ES modules that are loaded before it, in this order.
    """
    content = {"modules": [*before, view["js"]], "html": view["html"], "css": view["css"]}
    adapter = Path(__file__).with_name("adapter.js").read_text(encoding="utf-8")
    return adapter.replace("/*FRONT_END*/ {}", json.dumps(content))


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
