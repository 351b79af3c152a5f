"""The page that opens first."""

from avexplore.ui.overview import page
from avexplore.ui.shell import frame

frame.guard("overview")
frame.heading("overview")
page.draw()
