"""The class graph page: controls, picture, panel and tables, all about one graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from avexplore.config import ClipsConfig, TeacherConfig
from avexplore.drawing.class_graph.build import shown as shown_edges
from avexplore.errors import AvexploreError
from avexplore.graph.search.engines import drafts_of
from avexplore.ui.class_graph.control_row import draw_controls
from avexplore.ui.class_graph.details.details import draw_details
from avexplore.ui.class_graph.graph_choices import Choice, choices, fits, measured, reordered
from avexplore.ui.class_graph.panel.panel import draw_panel
from avexplore.ui.class_graph.picture_pane import draw_picture
from avexplore.ui.class_graph.refine import redraw_when_refined, refiner
from avexplore.ui.class_graph.scene import Scene, Shown
from avexplore.ui.class_graph.state import session_state as visit
from avexplore.ui.class_graph.state import settings as state_settings
from avexplore.ui.class_graph.state.view_address import LEARNED, NOTHING
from avexplore.ui.class_graph.while_compiling import must_wait, stand_in
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.job_progress import cached_or_quick
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.settings import bar
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from avexplore.analysis.pair_evidence import PairEvidence
    from avexplore.artifacts import ClassGraph, Clips, GraphStability, SoftLabels
    from avexplore.config import GraphConfig, SoftLabelSource
    from avexplore.ui.class_graph.state.settings import Settings
    from avexplore.workbench.runs import Run

STYLE = """<style>
.stMainBlockContainer .stVerticalBlock{gap:.7rem}
@media (min-width:900px){
  .stColumn:has(.st-key-graph-panel){position:sticky;top:3.9rem;align-self:flex-start}
  .st-key-graph-panel{max-height:calc(100vh - 5rem);overflow-y:auto;overflow-x:hidden;padding-right:.4rem}
}
</style>"""
"""This page is one large picture: less air than Streamlit leaves, and the panel stays in sight beside the tables."""


def explore(run: Run) -> None:
    """Draw the page for one run, inside a fragment so that a slider redraws nothing else."""
    st.html(STYLE)
    found = job_progress.artifact(run.soft_labels, "The soft labels", stop_page=False)
    if found is None:
        bar.draw()
        return
    labels = getattr(found, "soft_labels", found)
    _explore(run, labels, found)


@st.fragment
def _explore(run: Run, labels: SoftLabels, teacher: Any) -> None:
    settings = visit.restore(run, labels.nodes)
    bar.draw()
    clips = _clips(run.soft_labels)
    others = _others(run, clips, settings)
    with st.container(horizontal=True, vertical_alignment="bottom", key="graph-controls"):
        draw_controls(run, settings, labels.nodes, others)
    graph, stability = _learned(settings)
    if graph is None:
        return
    shown = _shown(others, labels, settings.graph, graph, stability)
    pairs = _pairs(run.soft_labels.address, clips is not None, labels, clips)
    scene = Scene(run, labels, clips, settings, others, shown, pairs, teacher)
    left, right = st.columns([0.74, 0.26], gap="medium")
    with left:
        picture, view = draw_picture(scene)
        draw_details(scene, picture, view)
    with right, st.container(key="graph-panel"):
        if shown.is_own and stability is None:
            if refiner().is_done(settings.graph):
                _ask_stability(settings)
            elif not must_wait(settings.graph):
                redraw_when_refined(settings.graph, refiner().best_draft(drafts_of(settings.graph)))
        visible = frozenset(edge.id for edge in shown_edges(picture, view["threshold"], view["hidden"]))
        draw_panel(replace(scene, visible=visible), (view["selection"] or {}).get("id", ""))


@st.cache_resource(show_spinner=False, max_entries=32)
def _pairs(address: str, with_clips: bool, _labels: SoftLabels, _clips: Clips | None) -> PairEvidence:
    from avexplore.analysis.pair_evidence import pair_evidence

    return pair_evidence(_labels, _clips)


def _clips(source: SoftLabelSource) -> Clips | None:
    if not isinstance(source, TeacherConfig):
        return None
    clips: Clips | None = cached_or_quick(ClipsConfig(source.data))
    return clips


def _learned(settings: Settings) -> tuple[ClassGraph | None, GraphStability | None]:
    config = settings.graph
    if must_wait(config):
        return stand_in(config), None
    drafts = drafts_of(config)
    if drafts and not refiner().is_done(config):
        quick = cached_or_quick(refiner().best_draft(drafts))
        if quick is not None:
            refiner().want(session.tab(), config)
            return quick, None
    if config.score == "bdeu":
        with st.spinner("Searching with BDeu, which takes some seconds"):
            session.workbench().ask(config, slot=session.job_slot(config))
    graph = job_progress.artifact(config, "The class graph", stop_page=False)
    if graph is None:
        return None, None
    return graph, cached_or_quick(settings.stability)


def _ask_stability(settings: Settings) -> None:
    from avexplore.workbench import Missing, Ready

    config = settings.stability
    answer = session.workbench().ask(config, start=False)
    # What the reader stopped stays stopped until asked for again with the button that the panel then shows.
    if isinstance(answer, Missing) and not answer.reason:
        answer = session.workbench().ask(config, slot=f"{session.visitor()}/graph-{session.tab()}")
    if isinstance(answer, Ready):
        st.rerun()
    job_progress.artifact(config, "Stability", start=False, stop_page=False)


# --- other graphs -------------------------------------------------------------------------------------------------


def _others(run: Run, clips: Clips | None, settings: Settings) -> dict[str, Choice]:
    # A teacher trained for a pinned graph is a run of its own, too: once is enough.
    pinned = {config.soft_labels for _, config in st.session_state.graph_pinned.values()}
    runs = {
        f"run-{key}": (f"run: {other.name}", state_settings.stored(other).graph)
        for key, other in session.runs().items()
        if key != run.key and other.soft_labels not in pinned
    }
    return choices(
        clips=clips,
        imports=session.workbench().store.root / "imported-graphs",
        import_addresses=st.session_state.graph_imports,
        pinned=st.session_state.graph_pinned,
        other_runs=runs,
        get=cached_or_quick,
        summaries=_summaries(settings),
    )


def _summaries(settings: Settings) -> dict[str, tuple[str, Callable[[], ClassGraph | None]]]:
    """What most bootstraps, most search seeds, or most of the graphs that were kept agree on."""
    from avexplore.graph.stability.consensus import consensus_graph, consensus_of_graphs

    def of_stability(over: Literal["bootstraps", "seeds"]) -> ClassGraph | None:
        stability = cached_or_quick(settings.stability)
        return None if stability is None else consensus_graph(stability, over=over)

    def of_graphs() -> ClassGraph | None:
        configs = [settings.graph, *(config for _, config in st.session_state.graph_pinned.values())]
        graphs = [cached_or_quick(config) for config in configs]
        found = [reordered(graph, graphs[0].nodes) for graph in graphs if graph is not None and graphs[0] is not None]
        return consensus_of_graphs(found) if len(found) > 1 else None

    found: dict[str, tuple[str, Callable[[], ClassGraph | None]]] = {
        "consensus-bootstraps": ("what half of the bootstraps agree on", lambda: of_stability("bootstraps")),
        "consensus-seeds": ("what half of the search seeds agree on", lambda: of_stability("seeds")),
    }
    if st.session_state.graph_pinned:
        found["consensus-graphs"] = ("what half of this and the pinned graphs agree on", of_graphs)
    return found


def _shown(
    others: dict[str, Choice],
    labels: SoftLabels,
    config: GraphConfig,
    graph: ClassGraph,
    stability: GraphStability | None,
) -> Shown:
    """What Show and Compare with ask for; the graph of the controls where that cannot be had."""
    key, other_key = st.session_state.get("g_show", LEARNED), st.session_state.get("g_with", NOTHING)
    instead = _load(others, key, labels, config)
    own = other_key == LEARNED and instead is not None
    other = graph if own else _load(others, other_key, labels, config)
    other_name = "this run's graph" if own else others[other_key].label if other is not None else ""
    if instead is not None:
        return Shown(instead, None, False, others[key].label, other, other_name)
    return Shown(graph, stability, True, "this graph", other, other_name)


def _load(others: dict[str, Choice], key: str, labels: SoftLabels, config: GraphConfig) -> ClassGraph | None:
    """A graph to compare with; progress, a hint or an error where it cannot be had yet."""
    if key not in others:
        return None
    choice = others[key]
    try:
        graph = choice.load()
    except AvexploreError as error:
        st.warning(as_markdown(str(error)))
        return None
    if graph is None and choice.config is not None:
        graph = job_progress.artifact(choice.config, as_markdown(f"The graph {choice.label!r}"), stop_page=False)
    if graph is None:
        return None
    nodes = labels.nodes
    if not fits(graph, nodes):
        missing = sorted(set(nodes) ^ set(graph.nodes))
        text = f"{choice.label} has other classes than this run ({', '.join(missing[:4])} …), so it is not shown."
        st.warning(as_markdown(text))
        return None
    return measured(reordered(graph, nodes), labels, config)
