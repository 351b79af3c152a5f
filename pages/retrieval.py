"""Ranked answers to one query, without and with LIR."""

from avexplore.ui import frame

frame.guard("retrieval")
frame.heading("retrieval")

from avexplore.ui import loaded_run, retrieval_page, session  # noqa: E402

retrieval_page.draw(loaded_run.load(session.current_run()))
