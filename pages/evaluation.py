"""Does LIR help, by how much, and for which classes."""

from avexplore.ui import frame

frame.guard("evaluation")
frame.heading("evaluation")

from avexplore.ui import evaluation_view, loaded_run, session  # noqa: E402

evaluation_view.draw(loaded_run.load(session.current_run()))
