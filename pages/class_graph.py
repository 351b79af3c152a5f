"""Which classes depend on which, and how sure is that?"""

from avexplore.ui import frame

frame.guard("class_graph")

from avexplore.ui import graph_explorer, session  # noqa: E402

frame.heading("class_graph")
graph_explorer.explore(session.current_run())
