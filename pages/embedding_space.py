"""Two maps of the embedding: without and with LIR."""

from avexplore.ui import frame

frame.guard("embedding_space")
frame.heading("embedding_space")

from avexplore.ui import embedding_maps, loaded_run, session  # noqa: E402

embedding_maps.draw(loaded_run.load(session.current_run()))
