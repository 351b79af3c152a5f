"""From a setting to figures, ranked lists and maps, at once."""

import streamlit as st

from avexplore.ui.shell import frame

frame.guard("tune")
st.set_page_config(initial_sidebar_state="collapsed")  # all of the width for what follows the sliders
frame.heading("tune")

from avexplore.ui.shell import session  # noqa: E402
from avexplore.ui.tune import page  # noqa: E402

page.draw(session.current_run())
