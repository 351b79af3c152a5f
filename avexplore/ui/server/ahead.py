"""What the first visitor would wait for, brought in while the browser still loads Streamlit's front end."""

from __future__ import annotations

import importlib
import threading

from avexplore.ui.page_list import PAGES


def import_pages() -> threading.Thread:
    """Begin to import the modules of all pages, and return the thread that is at it."""
    thread = threading.Thread(target=_import_pages, name="avexplore-pages", daemon=True)
    thread.start()
    return thread


def _import_pages() -> None:
    importlib.import_module("avexplore.ui.above")
    for info in PAGES:
        if info.is_here:
            importlib.import_module(f"avexplore.ui.{info.name}.page")
