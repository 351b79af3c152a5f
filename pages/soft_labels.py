"""What the teacher hears and sees that nobody annotated, and the data behind it."""

from avexplore.ui import frame

frame.guard("soft_labels")

from avexplore.ui import soft_labels_view  # noqa: E402

frame.heading("soft_labels")
soft_labels_view.draw()
