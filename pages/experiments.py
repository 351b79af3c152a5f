"""Does the graph help? Arms and controls over paired seeds."""

from avexplore.ui.experiments import page
from avexplore.ui.shell import frame

frame.guard("experiments")
frame.heading("experiments")
page.draw()
