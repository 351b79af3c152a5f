"""Which classes depend on which, and how sure is that?"""

from avexplore.ui.shell import frame

frame.guard("class_graph")

from avexplore.ui.class_graph import page  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402

frame.heading("class_graph")
page.explore(session.current_run())
