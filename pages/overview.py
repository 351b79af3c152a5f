"""The page that opens first."""

from avexplore.ui import frame, overview_view

frame.guard("overview")
frame.heading("overview")
overview_view.draw()
