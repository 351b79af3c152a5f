"""Does LIR help, by how much, and for which classes."""

from avexplore.ui.shell import frame

frame.guard("evaluation")
frame.heading("evaluation")

from avexplore.ui.evaluation import page  # noqa: E402
from avexplore.ui.parts import beside, load_run  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402

run = session.current_run()
page.draw(load_run.load(run, beside.chosen(run)))
