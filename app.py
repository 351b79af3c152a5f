"""Entry of the app: page settings and navigation, nothing else. Start it with `make app`."""

from avexplore.ui import above
from avexplore.ui.shell import frame

frame.run(above=above.draw)
