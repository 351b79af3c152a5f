"""The app's class graph and maps as widgets for Jupyter and marimo: `pip install 'avexplore[notebook]'`.

They show the front end of the app itself; what a reader does there is at hand in Python, and the other way round.
"""

from importlib.util import find_spec

if find_spec("anywidget") is None:
    raise ImportError("Widgets need anywidget: pip install 'avexplore[notebook]'", name="anywidget")

from avexplore.notebook.class_graph import ClassGraphWidget
from avexplore.notebook.maps import MapsWidget

__all__ = ["ClassGraphWidget", "MapsWidget"]
