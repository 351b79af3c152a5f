"""Does the graph help? Arms and controls over paired seeds."""

from avexplore.ui import experiments_view, frame

frame.guard("experiments")
frame.heading("experiments")
experiments_view.draw()
