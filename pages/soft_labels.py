"""What the teacher hears and sees that nobody annotated, and the data behind it."""

from avexplore.ui.shell import frame

frame.guard("soft_labels")

from avexplore.ui.soft_labels import page  # noqa: E402

frame.heading("soft_labels")
page.draw()
