"""Presenter mode: the sidebar goes, type grows until it reads from ten meters, and arrow keys lead through scenes.

It stands in the address as `present=1`, so that a scene opens in it again.
"""

from __future__ import annotations

import streamlit as st

from avexplore.ui import page_list
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import address, session
from avexplore.workbench.scenes import Scene, address_of, scenes_of

_TITLES = {page.name: page.title for page in page_list.PAGES}
# A letter reads from ten meters if it is 25 mm high: on a picture two meters wide of 1280 px, capitals of 16 px.
STYLE = """<style>
html { font-size: 23px; }
:root {
  --avx-type: 1.5; --avx-figures: repeat(3, minmax(0, 1fr)); --avx-tried: none;
  --avx-top: 1rem; --avx-bottom: 3.2rem; --avx-above-maps: 672px;
}
/* A small stage shows fewer answers, so that the maps are on it, too. */
@media (max-height: 800px) { :root { --avx-rows: 4; --avx-least-map: 150px; --avx-above-maps: 562px; } }
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"] { display: none; }
.stMainBlockContainer { padding: var(--avx-top) 1.4rem var(--avx-bottom); }
[data-testid="stCaptionContainer"] { font-size: 1rem; }
/* A stage shows results: what widgets are called, and which key presses a button, is for the one who sets it up. */
.stMain [data-testid="stWidgetLabel"] { display: none; }
.stMain .stVerticalBlock { gap: .6rem; }
.stMain .stMainBlockContainer > .stVerticalBlock { gap: .15rem; } /* most of what stands there draws nothing */
.stMain .stButton button, .stMain [data-testid="stPopoverButton"] { min-height: 1.8rem; padding: .1rem .6rem; }
.stMain .stButton button kbd, .stMain .stButton [data-testid="stShortcutHint"] { display: none; }
.st-key-presenter {
  position: fixed; left: 0; right: 0; bottom: 0; z-index: 95; padding: .2rem 1.4rem;
  background: var(--presenter, #F4F6F8); border-top: 1px solid #8885;
}
.st-key-presenter button { min-height: 1.6rem; padding-block: 0; }
</style>"""
DARK_STYLE = "<style>:root { --presenter: #1B242D; }</style>"


def begin(page: str) -> None:
    """Dress a page for presenting, and draw the strip that leads through the scenes."""
    st.html(STYLE + (DARK_STYLE if st.context.theme.type == "dark" else ""))
    run = session.current_run()
    kept = scenes(run.key)
    place = _place(kept, page)
    with st.container(key="presenter", horizontal=True, vertical_alignment="center"):
        own = page == "story"  # which has arrow keys of its own, up to its ends
        before, after = place - 1, place + 1
        if st.button("Previous", key="scene-previous", disabled=before < 0, shortcut="PageUp" if own else "Left"):
            show(kept[before])
        title = kept[place].title if 0 <= place < len(kept) else _TITLES.get(page, page)
        number = f" · {place + 1} of {len(kept)}" if place >= 0 else ""
        st.markdown(f"**{as_markdown(title)}**{number}")
        last = after >= len(kept)
        if st.button("Next scene", key="scene-next", disabled=last, shortcut="PageDown" if own else "Right"):
            show(kept[after])
        st.space("stretch")
        if st.button("Leave", key="presenter-leave", shortcut="Esc", type="tertiary"):
            del st.query_params["present"]
            st.rerun()


def scenes(run: str) -> list[Scene]:
    """The scenes that the visitor keeps with a run; until then, those that whoever runs this server keeps."""
    return scenes_of(session.own_folder(), run) or scenes_of(session.server_workbench().store.root, run)


def show(scene: Scene) -> None:
    """Go to a scene, in presenter mode."""
    if scene.page not in _TITLES:
        st.toast("This scene is on a page that is not here.")
        return
    st.session_state["scene"] = scene.address
    address.lead(scene.page, {**dict(scene.query), "present": "1"})


def _place(scenes: list[Scene], page: str) -> int:
    """Which scene is shown: the one gone to last, else the first that has this very address; -1 for none."""
    addresses = [scene.address for scene in scenes]
    last = st.session_state.get("scene", "")
    if last in addresses and scenes[addresses.index(last)].page == page:
        return addresses.index(last)
    here = address_of(page, query())
    return addresses.index(here) if here in addresses else -1


def query() -> tuple[tuple[str, str], ...]:
    """The address of what is looked at now, as a scene keeps it."""
    return tuple((name, value) for name, value in st.query_params.to_dict().items() if name != "present")
