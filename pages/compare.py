"""Any run against any run: what differs, and what came of it."""

from avexplore.ui.shell import frame

frame.guard("compare")
frame.heading("compare")

from avexplore.ui.compare import page  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402

page.draw(session.current_run())
