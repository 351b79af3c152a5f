"""Does LIR help, by how much, and for which classes."""

from avexplore.ui.shell import frame

frame.guard("evaluation")
frame.heading("evaluation")

from avexplore.ui.evaluation import page  # noqa: E402
from avexplore.ui.parts import load_run  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402

page.draw(load_run.load(session.current_run()))
