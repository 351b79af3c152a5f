"""Pictures of the shipped run that stand on a page before the app can draw; `.ci/first_pictures.py` makes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from avexplore.folders import app_folder, shipped_models

FOLDER = Path(__file__).parents[1] / "class_graph" / "first_pictures"


def file_name(run: str, *, is_compiled: bool) -> str:
    """Name of a run's picture; places differ where the search is not compiled yet."""
    return f"{run}{'' if is_compiled else '-uncompiled'}.svg"


def picture(page: str, query: str) -> str:
    """What a page will show at first, as SVG; "" where that is not known without asking the app.

    Args:
        page: Name of the page.
        query: Of its address: nothing, or the run alone. Without a run the app shows the first one that was shipped.
    """
    if page != "class_graph":
        return ""
    from avexplore.graph.compiled.numba_cache import is_compiled

    file = FOLDER / file_name(_run(), is_compiled=is_compiled())
    return _text(file) if query in ("", f"run={_run()}") and file.is_file() else ""


@cache
def _run() -> str:
    """The run that the pictures are of; "" where another one may come first."""
    runs = {file.stem.partition("-")[0] for file in FOLDER.glob("*.svg")}
    shipped = shipped_models()
    own = shipped == app_folder() / "models"
    return next((run for run in runs if own and any((shipped / "student").glob(f"{run}*"))), "")


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
