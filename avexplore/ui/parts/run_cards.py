"""Runs to choose from, as cards: name, date, what they are made with, and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.ui.parts.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run

FIGURES = {"map": "MAP", "any_label_map": "any-label MAP", "hidden_pair_ap": "hidden-pair AP"}


def facts(run: Run) -> str:
    """One line: date, source, figures and what LIR does to them."""
    minute = run.created[:16].replace("T", " ")
    when = f"{minute} UTC" + (", shipped" if run.shipped else "")
    found = [when]
    for key, name in FIGURES.items():
        if key in run.figures:
            gain = f" ({run.figures[key] - run.twin_figures[key]:+.4f})" if key in run.twin_figures else ""
            found.append(f"{name} {run.figures[key]:.4f}{gain}")
    if run.student is None:
        found.append("soft labels and class graph only")
    elif not run.figures:
        found.append("not evaluated yet")
    return " · ".join(found)


def choose(label: str, runs: Sequence[Run], chosen: str, *, key: str) -> str | None:
    """A popover with a card for each run; the key of the run that was just chosen, or None.

    Args:
        label: What is chosen.
        runs: What can be.
        chosen: Key of the run that is.
        key: Begins the widgets' keys.
    """
    picked = None
    # Drawn when it is opened: a machine with many runs has many cards.
    opened = st.popover(label, width="stretch", wrap=True, key=f"{key}-open", on_change="rerun")
    if not opened.open:
        return None
    with opened:
        word = st.text_input("Find", key=f"{key}-find", placeholder="Part of a name", label_visibility="collapsed")
        found = [run for run in runs if word.lower() in run.name.lower()]
        with st.container(height=420, border=False, key=f"{key}-list"):
            for run in found:
                with st.container(border=True):
                    st.markdown(f"**{as_markdown(run.name)}**")
                    st.caption(as_markdown(facts(run)))
                    if st.button("Choose", key=f"{key}-{run.key}", disabled=run.key == chosen, width="stretch"):
                        picked = run.key
            if not found:
                st.caption("No run has that in its name.")
    return picked
