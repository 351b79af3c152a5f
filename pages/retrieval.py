"""Placeholder."""

from avexplore.ui import frame

frame.guard("retrieval")
frame.heading("retrieval")
