"""The page that opens first."""

from avexplore.ui import frame

frame.guard("overview")
frame.heading("overview")
