"""Ranked answers to one query, without and with LIR."""

from avexplore.ui.shell import frame

frame.guard("retrieval")
frame.heading("retrieval")

from avexplore.ui.parts import beside, load_run  # noqa: E402
from avexplore.ui.retrieval import page  # noqa: E402
from avexplore.ui.shell import session  # noqa: E402

run = session.current_run()
page.draw(load_run.load(run, beside.chosen(run)))
