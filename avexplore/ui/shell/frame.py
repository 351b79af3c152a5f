"""The frame around every page: settings, navigation, the run in the sidebar, and deep links that work.

Streamlit runs a file in `pages/` alone when a fresh server is asked for its address directly. `guard`, the first line
of each page, then goes through `app.py` once and comes back with the address's query intact.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from avexplore.ui.page_list import PAGES
from avexplore.ui.shell import address, glossary, login

ASSETS = Path(__file__).parent / "assets"


# Streamlit leaves a hand's breadth above the title and sets figures in a poster's size; a laptop has no room for that.
STYLE = """<style>
.stMainBlockContainer { padding: 3.7rem 2.4rem 2rem; }
.stMainBlockContainer h1 { font-size: 1.5rem; padding: 0; }
[data-testid="stMetricValue"] { font-size: 1.6rem; }
[data-testid="stVideo"] { max-height: 60vh; } /* upright ones, too, with their buttons in sight */
/* No word is cut where the window is narrow, or enlarged. */
[data-testid="stMetric"] .stMarkdownEllipsis, [data-testid="stMetric"] .stMarkdownEllipsis p,
[data-testid="stFileUploaderDropzoneInstructions"] span {
  white-space: normal !important; overflow: visible !important; text-overflow: clip !important;
}
/* All that is chosen is in sight, in as many lines as it takes. */
[data-testid="stMultiSelect"] [data-rac]:has(> [data-testid="stMultiSelectTagsContainer"]) {
  height: auto; max-height: none;
}
[data-testid="stMultiSelect"] .react-aria-ComboBox { height: auto; }
[data-testid="stMultiSelectTagsContainer"] {
  flex-wrap: wrap; height: auto; overflow: visible; mask-image: none; padding-block: .3rem; min-width: 0;
}
[data-testid="stMultiSelectTagsContainer"] [data-tag] {
  max-width: 100%; height: auto; min-height: 1.75rem; white-space: normal;
}
[data-testid="stMultiSelectTagsContainer"] [data-tag] * { white-space: normal; }
@media (max-width: 640px) { [data-testid="stButtonGroup"] > div { flex-wrap: wrap; row-gap: .3rem; } }
.st-key-matrix { overflow-x: auto; } /* wide pictures scroll sideways on a phone, not the page */
</style>"""
# Streamlit writes white on the accent color; on the light blue of the dark theme that is 2.3 : 1, and dark is 8 : 1.
DARK_STYLE = """<style>
button[kind^="primary"]:not(:disabled), button[kind^="primary"]:not(:disabled) *,
[data-tag][data-tag-index], [data-tag][data-tag-index] * { color: #11171D; }
</style>"""

NO_STILL = "<style>.avx-still { display: none !important; }</style>"
"""What stands on the class graph's page until it has drawn (`server/first_pictures.py`) is gone on every other."""


_settled_modules = 0


def _settle() -> None:
    """Let the garbage collector leave alone what stays anyway.

    Streamlit collects all garbage after each run of a page; with torch, numba and plotly in memory that takes 150 ms,
    during which nobody is answered. What modules have brought is never garbage, so it is put aside once it is there.
    """
    global _settled_modules
    if len(sys.modules) > _settled_modules + 20:
        _settled_modules = len(sys.modules)
        gc.collect()
        gc.freeze()


def run(above: Callable[[str], None]) -> None:
    """Draw the navigation and run the chosen page.

    Args:
        above: Draws what stands above every page, given the page's name.
    """
    _settle()
    st.set_page_config(page_title="avexplore", page_icon=str(ASSETS / "icon.png"), layout="wide")
    st.html(STYLE + (DARK_STYLE if st.context.theme.type == "dark" else ""))
    entered = login.has_entered()
    sections: dict[str, list[st.Page]] = {}
    for info in PAGES:
        if info.is_here:
            first = info is PAGES[0]
            page = st.Page(info.file, title=info.title, default=first, url_path="home" if first else info.name)
            sections.setdefault(info.section, []).append(page)
            if first:
                # Streamlit serves the default page at "/" alone: asked for by its name, it says that there is none.
                sections[info.section].append(
                    st.Page(info.file, title=info.title, url_path=info.name, visibility="hidden")
                )
    # Hidden rather than left out: Streamlit would list the files in `pages/` instead.
    chosen = st.navigation(sections, position="sidebar" if entered else "hidden")
    if not entered:
        st.html(NO_STILL)
        login.ask()
        return
    st.session_state["framed"] = above
    if "deep_link" in st.session_state:
        file, query = st.session_state.pop("deep_link")
        st.switch_page(file, query_params=query)
    if chosen.url_path != "class_graph":
        st.html(NO_STILL)
    address.one_step()
    st.logo(str(ASSETS / "logo.svg"), size="large")

    chosen.run()


def guard(name: str) -> None:
    """First line of each page: the run's picker and what stands above every page.

    Without the frame, go through `app.py` and come back.
    """
    if "framed" not in st.session_state:
        st.session_state["deep_link"] = (f"pages/{name}.py", st.query_params.to_dict())
        st.switch_page("app.py")
    from avexplore.ui.shell import session

    address.begin(name)
    session.pick_run()
    st.session_state["framed"](name)


def heading(name: str) -> None:
    """Title of a page and the question that it answers; on a stage the strip below has the title."""
    if address.is_presented():
        return
    info = next(page for page in PAGES if page.name == name)
    st.title(info.title, anchor=False)
    st.caption(info.question, help=glossary.LIR if "LIR" in info.question else None)
