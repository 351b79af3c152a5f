"""One clip as people want to see it: its labels, what the teacher says, and its picture and sound where files exist."""

from __future__ import annotations

from typing import Any

import streamlit as st

from avexplore.analysis.clip_labels import ANNOTATED, HIDDEN, MOST_KNOWN, clip_title, hidden_classes, label_lines
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.ui.parts import clip_media, plain_text


def draw(loaded: LoadedRun, clip: int, *, key: str, count: int = 6, explain: bool = True, player: bool = True) -> None:
    """The card; without `player` where another one on the page plays the clip."""
    st.text(clip_title(loaded.clips, clip), help=plain_text.as_markdown(f"In the data: {loaded.clips.clip_ids[clip]}"))
    if player:
        clip_media.play(loaded.clips, clip)
    lines = label_lines(loaded.soft_labels, loaded.clips, clip, count)
    bar: dict[str, Any] = {"min_value": 0.0, "max_value": 1.0, "format": "%.2f"}
    marks = {ANNOTATED: "✔", HIDDEN: "+"}
    st.dataframe(
        {
            "": [marks.get(line.status, "") for line in lines],
            "Class": [line.name for line in lines],
            "Audio": [line.audio for line in lines],
            "Visual": [line.visual for line in lines],
        },
        column_config={
            "": st.column_config.TextColumn(width=20),
            "Class": st.column_config.TextColumn(width=104),
            "Audio": st.column_config.ProgressColumn(**bar, width=62, help="Teacher's soft label, calibrated"),
            "Visual": st.column_config.ProgressColumn(**bar, width=62, help="Teacher's soft label, calibrated"),
        },
        hide_index=True,
        key=key,
        height="content",
    )
    if explain:
        known = loaded.clips.true_labels is not None
        left_out = 1 + len(hidden_classes(loaded.clips, clip)) - MOST_KNOWN
        st.caption(
            "✔ annotated"
            + (", \\+ true, but nobody annotated it" if known else "; what else is true is not known")
            + (f"; {left_out} more" if left_out > 0 else "")
        )
