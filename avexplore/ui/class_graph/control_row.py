"""The row of controls above the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from avexplore.config import AffinityConfig, GraphConfig, StabilityConfig, TeacherConfig
from avexplore.drawing.class_graph.names import LAYOUTS
from avexplore.ui.class_graph.rules_editor import draw_rules
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.class_graph.state import session_state as visit
from avexplore.ui.class_graph.state.view_address import LEARNED, NOTHING
from avexplore.ui.parts.told import Telling
from avexplore.ui.settings import field_widget

if TYPE_CHECKING:
    from avexplore.ui.class_graph.graph_choices import Choice
    from avexplore.ui.class_graph.state.settings import Settings
    from avexplore.workbench.runs import Run


_PENALTY = "graph.penalty_discount"


def draw_controls(run: Run, settings: Settings, nodes: tuple[str, ...], others: dict[str, Choice]) -> None:
    """All controls; what they change are the working settings."""
    with st.container(width=190):
        field_widget.setting(_PENALTY)
    with st.container(width=150):
        st.selectbox(
            "Layout",
            LAYOUTS,
            key="g_layout",
            format_func=str.capitalize,
            help="Classes: one sign per class, heard and seen, in groups that come together. The others have one sign "
            "per class and modality: layered puts sources on top, spring puts linked ones near each other, circular "
            "faces heard with seen. Positions never depend on the controls.",
            bind="query-params",
            persist_state="session",
        )
    with st.popover("Search", help="What the search sees, engine, strategy, seed and which clips are used."):
        field_widget.grid(field_widget.parameters(GraphConfig, _PENALTY))
    with st.popover(
        "Stability",
        help="How often an edge comes back with clips drawn anew, and in shuffled data; and which edges LIR keeps.",
    ):
        field_widget.grid(field_widget.parameters(StabilityConfig) + field_widget.parameters(AffinityConfig))
    rules = settings.graph.knowledge
    count = len(rules.required) + len(rules.forbidden) + sum(map(len, rules.tiers))
    with st.popover(f"Rules ({count})" if count else "Rules", help="Edges required or forbidden by you, and tiers."):
        draw_rules(rules, nodes)
    with st.popover("Compare", help="Lay another graph over this one: same positions, differences in color."):
        _draw_compare(run, settings.graph, others)


def _draw_compare(run: Run, now: GraphConfig, others: dict[str, Choice]) -> None:
    names = {LEARNED: "this graph", NOTHING: "nothing", **{key: choice.label for key, choice in others.items()}}
    _choose("Show", "g_show", [LEARNED, *others], names, "Which graph to draw.")
    _choose(
        "Compare with",
        "g_with",
        [NOTHING, LEARNED, *others],
        names,
        "Links are colored by what differs from this one; both graphs pass the same threshold and filters.",
    )
    with st.container(horizontal=True):
        st.button(
            "Pin this graph",
            on_click=visit.keep,
            args=(run, [now]),
            help="Keeps it, so that you can change a control and compare.",
        )
        st.button(
            "Forget pinned and imported",
            on_click=visit.forget,
            disabled=not (st.session_state.graph_pinned or st.session_state.graph_imports),
        )
    if isinstance(now.soft_labels, TeacherConfig):
        with st.expander("Graphs of other teachers"), Telling():
            _draw_teachers(run, now, now.soft_labels)
    with st.container(horizontal=True):
        st.button(
            "Arrange for this graph",
            on_click=visit.arrange_for,
            args=(run, now),
            help="Moves the nodes to where this graph is easiest to read.",
        )
        st.button(
            "Put the nodes back",
            on_click=visit.put_back,
            help="Forgets what you dragged, and the arrangement for one graph.",
        )


def _draw_teachers(run: Run, now: GraphConfig, teacher: TeacherConfig) -> None:
    st.caption("The same search on the soft labels of teachers trained for longer or shorter, or from other seeds.")
    left, right = st.columns(2)
    epochs = left.text_input(f"Epochs (now {teacher.epochs})", key="graph-teacher-epochs", placeholder="10, 20, 30")
    seeds = right.text_input(f"Seeds (now {teacher.seed})", key="graph-teacher-seeds", placeholder="0, 1, 2")
    wanted = variants.of_teachers(now, variants.numbers(epochs), variants.numbers(seeds))
    if len(wanted) > variants.MOST:
        st.caption(f"{len(wanted)} teachers are more than fit here; choose at most {variants.MOST}.")
    st.button(
        "Add them to the graphs to compare",
        on_click=visit.keep,
        args=(run, wanted),
        disabled=not (epochs or seeds) or len(wanted) > variants.MOST,
        help="Each teacher is trained when its graph is first needed.",
    )


def _choose(label: str, key: str, options: list[str], names: dict[str, str], help_text: str) -> None:
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = options[0]
    st.selectbox(label, options, key=key, format_func=lambda option: names[option], help=help_text, bind="query-params")
