"""Clips in the panel: a table to pick one from, and the picked clip with its player and soft labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.analysis import clip_labels
from avexplore.ui.class_graph.panel import facts as facts
from avexplore.ui.parts import clip_media
from avexplore.ui.parts.plain_text import as_html
from avexplore.ui.shell import address

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, SoftLabels


def pick_row(name: str, table: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """Draw a table and return the picked row, the first one at first; it stands in the address as `clip`.

    Args:
        name: Of the table.
        table: Its columns.
        columns: How they are drawn.
    """
    state, key = st.session_state, f"g-{name}"
    rows = len(next(iter(table.values())))
    asked = st.query_params.get("clip", "")
    # Only the first table of a visit is told by the address; a later one begins at its top.
    cold = state.setdefault("graph_clips_of", key) == key
    state.graph_clips_of = key
    row = int(asked) if cold and asked.isascii() and asked.isdigit() else 0
    if key in state:
        row = next(iter(state[key]["selection"]["rows"]), 0)
    row = row if row < rows else 0
    address.write("clip", {"clip": str(row or "")})
    st.dataframe(
        table,
        hide_index=True,
        height=36 * min(rows, 5) + 38,
        column_config=columns,
        key=key,
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [row]}},
    )
    return row


def draw_clip(labels: SoftLabels, clips: Clips | None, row: int, *, end: str = "") -> None:
    """One clip: its name, its picture and sound where there is a file, and its soft labels.

    Args:
        labels: The soft labels.
        clips: Names, true labels and media files, where known.
        row: Which clip.
        end: The class at whose end of an edge it stands, in words.
    """
    name = as_html(clip_labels.clip_name(clips, row))
    known = as_html(clip_labels.annotation(labels, row))
    facts.draw_more(f"<h5>{as_html(end) + ': ' if end else ''}{name} · {known}</h5>")
    if clips is not None:
        clip_media.play(clips, row, key=end)
    facts.draw_more(facts.soft_labels(clip_labels.label_lines(labels, clips, row, 5)))
