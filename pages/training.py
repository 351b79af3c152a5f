"""Train a run on the synthetic benchmark or on your own features."""

from avexplore.ui.shell import frame
from avexplore.ui.training import page

frame.guard("training")
frame.heading("training")
page.draw()
