"""One clip, followed in five steps."""

from avexplore.ui.shell import frame

frame.guard("story")
frame.heading("story")

from avexplore.ui.parts import load_run  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402
from avexplore.ui.story import page  # noqa: E402

page.draw(load_run.load(session.current_run()))
