"""The list of a run's scenes, in the sidebar: keep, show, let go, export, take in."""

from __future__ import annotations

import streamlit as st

from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.presenter import mode
from avexplore.ui.shell import session
from avexplore.workbench.scenes import LONGEST_TITLE, MOST, Scene, keep_scenes, read_scenes, write_scenes

LARGEST = 2_000_000
"""Bytes of a file of scenes."""


def draw(page: str) -> None:
    """The button that starts presenting, and the list behind it."""
    run = session.current_run()
    bench = session.workbench()
    scenes = mode.scenes(run.key)
    with st.sidebar.popover("Present", icon=":material/slideshow:", width="stretch"):
        if st.button("Start presenting", type="primary", key="present", width="stretch"):
            if scenes:
                mode.show(scenes[0])
            st.query_params["present"] = "1"
            st.rerun()
        st.caption("Sidebar away, large type. Arrow keys lead through the scenes and through Story; Esc leaves.")
        for place, scene in enumerate(scenes):
            with st.container(horizontal=True, vertical_alignment="center"):
                if st.button(as_markdown(scene.title), key=f"scene-{place}", width="stretch"):
                    mode.show(scene)
                if not bench.read_only and st.button(
                    "", icon=":material/close:", key=f"scene-off-{place}", help="Let it go"
                ):
                    _keep(run.key, [*scenes[:place], *scenes[place + 1 :]])
        if not bench.read_only:
            _keep_this(run.key, page, scenes)
        if scenes:
            st.download_button(
                "Export (JSON)", write_scenes(scenes), "scenes.json", "application/json", width="stretch"
            )
        if not bench.read_only:
            _take_in(run.key, scenes)


def _keep_this(run: str, page: str, scenes: list[Scene]) -> None:
    title = st.text_input("Title of this view", key=f"scene-title-{len(scenes)}", max_chars=LONGEST_TITLE)
    if st.button("Keep this view as a scene", key="scene-keep", disabled=not title.strip(), width="stretch"):
        with Telling():
            _keep(run, [*scenes, Scene(title.strip(), page, mode.query())])


def _take_in(run: str, scenes: list[Scene]) -> None:
    given = st.file_uploader("Import scenes", type=["json"], key=f"scenes-file-{len(scenes)}", max_upload_size=2)
    if given is None:
        return
    with Telling():
        found = read_scenes(given.getvalue()[:LARGEST].decode("utf-8", "replace"))
        _keep(run, [*scenes, *(scene for scene in found if scene not in scenes)][:MOST])


def _keep(run: str, scenes: list[Scene]) -> None:
    with Telling():
        keep_scenes(session.own_folder(), run, scenes)
        st.rerun()
