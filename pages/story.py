"""One clip, followed in five steps."""

from avexplore.ui import frame

frame.guard("story")
frame.heading("story")
