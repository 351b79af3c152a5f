"""What stands above every page: the bar of settings, and the means to present."""

from __future__ import annotations

from avexplore.ui.presenter import mode, scene_list
from avexplore.ui.settings import bar
from avexplore.ui.shell import address, session


def draw(page: str) -> None:
    """Draw it, for a page by its name."""
    bar.place(page)
    if not session.runs():
        return
    if address.is_presented():
        mode.begin(page)
    else:
        scene_list.draw(page)
