"""Placeholder."""

from avexplore.ui import frame

frame.guard("story")
frame.heading("story")
