"""One clip, followed in five steps."""

from avexplore.ui import frame

frame.guard("story")
frame.heading("story")

from avexplore.ui import loaded_run, session, story_steps  # noqa: E402

story_steps.draw(loaded_run.load(session.current_run()))
