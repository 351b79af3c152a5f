"""Train a run on the synthetic benchmark or on your own features."""

from avexplore.ui import frame, training_view

frame.guard("training")
frame.heading("training")
training_view.draw()
