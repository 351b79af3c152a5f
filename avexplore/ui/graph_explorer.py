"""The class graph page: controls, picture, panel and tables, all about one graph."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.config import ClipsConfig, KnowledgeConfig, TeacherConfig
from avexplore.errors import AvexploreError
from avexplore.ui import graph_address as address
from avexplore.ui import graph_controls as controls
from avexplore.ui import graph_rules as rules_of
from avexplore.ui import jobs_panel, session
from avexplore.ui.graph_candidates import candidate_weights, edge_weights, strongest
from avexplore.ui.graph_details import draw_details
from avexplore.ui.graph_history import History
from avexplore.ui.graph_panel import Subject, draw_panel
from avexplore.ui.graph_picture import build_picture, class_support, first_threshold
from avexplore.ui.graph_refine import draft_of, redraw_when_refined, refiner
from avexplore.ui.graph_rules_editor import draw_rules
from avexplore.ui.graph_stand_in import must_wait, stand_in
from avexplore.ui.graph_subjects import LEARNED, NOTHING, Choice, choices, fits, reordered
from avexplore.ui.graph_view.component import mount
from avexplore.ui.graph_view.layouts import LAYOUTS, LayoutName, arrange
from avexplore.ui.graph_view.payload import to_payload
from avexplore.ui.graph_view.picture import parse_id
from avexplore.ui.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, Clips, Embeddings, FloatArray, GraphStability, SoftLabels
    from avexplore.config import SoftLabelSource
    from avexplore.ui.graph_controls import Settings
    from avexplore.workbench import Run

KEY = "graph"
COMPACT = """<style>
.stMainBlockContainer{padding:3.7rem 2.4rem 2rem}
.stMainBlockContainer h1{font-size:1.5rem;padding:0}

.stMainBlockContainer .stVerticalBlock{gap:.7rem}
</style>"""
"""This page is one large picture: less air around it than Streamlit leaves."""


@dataclass(frozen=True)
class Scene:
    """Everything that one pass of the page is about."""

    run: Run
    labels: SoftLabels
    clips: Clips | None
    settings: Settings
    rules: KnowledgeConfig
    nodes: tuple[str, ...]


def explore(run: Run) -> None:
    """Draw the page for one run, inside a fragment so that a slider redraws nothing else."""
    st.html(COMPACT)
    found = jobs_panel.artifact(run.soft_labels, "The soft labels")
    labels = getattr(found, "soft_labels", found)
    _explore(run, labels, found)


@st.fragment
def _explore(run: Run, labels: SoftLabels, teacher: Any) -> None:
    rules = _restore(run, labels)
    clips = _clips(run.soft_labels)
    others = _others(run, clips)
    # Controls come first: on a cold start, only drawing them reads their values from the address.
    with st.container(horizontal=True, vertical_alignment="bottom", key="graph-controls"):
        _control_row(run, rules, labels.nodes, others)
    scene = Scene(run, labels, clips, _settings(run, rules), rules, labels.nodes)
    graph, stability = _learned(scene)
    if graph is None:
        return
    shown_key = st.session_state.get("g_show", LEARNED)
    shown = _load(others, shown_key, scene.nodes) if shown_key != LEARNED else None
    if shown is not None:
        graph, stability = shown, None
    other_key = st.session_state.get("g_with", NOTHING)
    other = graph if other_key == LEARNED else _load(others, other_key, scene.nodes)
    left, right = st.columns([0.7, 0.3], gap="medium")
    with left:
        picture, view = _draw_picture(
            scene, graph, stability, other, _label(others, shown_key), _label(others, other_key)
        )
    subject = Subject(
        graph=graph,
        stability=stability,
        soft_labels=labels,
        clips=scene.clips,
        affinity=_affinity(scene, stability),
        config=scene.settings.graph if shown is None else None,
        embeddings=lambda: _embeddings(run),
        teacher=teacher,
    )
    with right:
        if shown is None and stability is None:
            if refiner().is_done(scene.settings.graph):
                _ask_stability(scene)
            elif not must_wait(scene.settings.graph):
                redraw_when_refined(scene.settings.graph)
        draw_panel(subject, (view["selection"] or {}).get("id", ""))
    draw_details(scene, picture, graph, stability, other, view, others)


# --- what is asked for --------------------------------------------------------------------------------------------


def _restore(run: Run, labels: SoftLabels) -> KnowledgeConfig:
    """The rules in force; sets the state up on the first pass for a run."""
    state = st.session_state
    if state.get("graph_run") != run.key:
        _start(run, controls.defaults(run), labels.nodes, cold="graph_run" not in state)
    state.graph_nodes = labels.nodes
    if "graph_compare_next" in state:
        state.g_with = state.pop("graph_compare_next")
    address.update_query(st.query_params, {"rules": state.graph_rules})
    return rules_of.decode(state.graph_rules, labels.nodes)


def _settings(run: Run, rules: KnowledgeConfig) -> Settings:
    """What the controls ask for, noted in the history."""
    base = controls.defaults(run)
    try:
        settings = controls.current(base, rules)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        settings = base
    history: History = st.session_state.graph_history
    history.visit(controls.values(settings) | {"rules": st.session_state.graph_rules})
    return settings


def _start(run: Run, base: Settings, nodes: tuple[str, ...], *, cold: bool) -> None:
    """The first pass for a run: from the address on a cold start, from the run's own settings otherwise."""
    state, query = st.session_state, st.query_params
    state.graph_run = run.key
    state.graph_history = History()
    state.graph_serial = state.get("graph_serial", 0) + 1
    state.graph_arranged = None
    if cold:
        state.graph_rules = query.get("rules") or rules_of.encode(base.graph.knowledge, nodes)
        state.graph_view = address.read_view(query.to_dict(), len(nodes))
        # A bound selectbox writes the option as it is shown, capitalized, into the address.
        layout = query.get("g_layout", LAYOUTS[0]).lower()
        state.graph_moved = {layout: address.read_moved(query.get("moved", ""), len(nodes))}
        state.graph_import = query.get("import", "")
        state.graph_pinned = {}
        if "pinned" in query:
            _restore_pin(query["pinned"], base, nodes)
        return
    state.graph_rules = rules_of.encode(base.graph.knowledge, nodes)
    state.graph_view = address.first_view()
    state.graph_moved = {}
    state.graph_pinned = {}
    for key, value in controls.values(base).items():
        if key in state:
            state[key] = value
    for key, value in (("g_show", LEARNED), ("g_with", NOTHING)):
        if key in state:
            state[key] = value


def _clips(source: SoftLabelSource) -> Clips | None:
    if not isinstance(source, TeacherConfig):
        return None
    clips: Clips | None = _get(ClipsConfig(source.data))
    return clips


def _get(config: Any) -> Any:
    """The result of a config if it is there or quick to make."""
    answer = session.workbench().ask(config, start=False)
    return getattr(answer, "artifact", None)


def _learned(scene: Scene) -> tuple[ClassGraph | None, GraphStability | None]:
    config = scene.settings.graph
    if must_wait(config):
        return stand_in(config), None
    draft = draft_of(config)
    if draft is not None and not refiner().is_done(config):
        quick = _get(draft)
        if quick is not None:
            refiner().want(_visitor(), config)
            return quick, None
    graph = jobs_panel.artifact(config, "The class graph", stop_page=False)
    if graph is None:
        return None, None
    return graph, _get(scene.settings.stability)


def _affinity(scene: Scene, stability: GraphStability | None) -> Any:
    if stability is None:
        return None
    from avexplore.graph.affinity import build_affinity

    config = scene.settings.affinity
    if config.source in ("true-graph", "true-pairs"):
        return None
    return build_affinity(config, stability)


def _embeddings(run: Run) -> tuple[Embeddings, Embeddings] | None:
    if run.student is None:
        return None
    before, after = _get(run.student.twin), _get(run.student)
    return None if before is None or after is None else (before.embeddings, after.embeddings)


# --- other graphs -------------------------------------------------------------------------------------------------


def _others(run: Run, clips: Clips | None) -> dict[str, Choice]:
    state = st.session_state
    runs = {
        f"run-{key}": (f"run: {other.name}", controls.defaults(other).graph)
        for key, other in session.runs().items()
        if key != run.key
    }
    address.update_query(st.query_params, {"import": state.get("graph_import", "")})
    return choices(
        clips=clips,
        imports=session.workbench().store.root / "imported-graphs",
        import_address=state.get("graph_import", ""),
        pinned=state.graph_pinned,
        other_runs=runs,
        get=_get,
    )


def _load(others: dict[str, Choice], key: str, nodes: tuple[str, ...]) -> ClassGraph | None:
    if key not in others:
        return None
    try:
        graph = others[key].load()
    except AvexploreError as error:
        st.warning(as_markdown(str(error)))
        return None
    if graph is None:
        st.caption(as_markdown(f"{others[key].label}: not computed yet."))
        return None
    if not fits(graph, nodes):
        missing = sorted(set(nodes) ^ set(graph.nodes))
        text = f"{others[key].label} has other classes than this run ({', '.join(missing[:4])} …), so it is not shown."
        st.warning(as_markdown(text))
        return None
    return reordered(graph, nodes)


def _label(others: dict[str, Choice], key: str) -> str:
    return others[key].label if key in others else "this graph"


def pin(run: Run, rules: KnowledgeConfig) -> None:
    """Keep the present graph for comparison."""
    settings = controls.current(controls.defaults(run), rules)
    config = settings.graph
    key = f"pin-{config.address[:8]}"
    name = f"pinned: c = {config.penalty_discount:g}, {controls.NAMES[config.transform]}, seed {config.seed}"
    st.session_state.graph_pinned = {key: (name, config)}
    values = {k: v for k, v in controls.values(settings).items() if k != "g_top_k"}
    text = "~".join(f"{k.removeprefix('g_')}.{v}" for k, v in values.items())
    address.update_query(st.query_params, {"pinned": f"{text}~rules.{st.session_state.graph_rules}"})
    st.session_state.g_with = key


def _restore_pin(text: str, base: Settings, nodes: tuple[str, ...]) -> None:
    from avexplore.ui.graph_controls import SEARCH_FIELDS

    pairs = dict(part.split(".", 1) for part in text.split("~") if "." in part)
    found: dict[str, Any] = {}
    for name in SEARCH_FIELDS:
        if name in pairs:
            kind = type(getattr(base.graph, name))
            try:
                found[name] = kind(pairs[name])
            except ValueError:
                return
    try:
        config = base.graph.replace(**found, knowledge=rules_of.decode(pairs.get("rules", ""), nodes))
    except AvexploreError:
        return
    name = f"pinned: c = {config.penalty_discount:g}, {controls.NAMES[config.transform]}, seed {config.seed}"
    st.session_state.graph_pinned = {f"pin-{config.address[:8]}": (name, config)}


# --- widgets ------------------------------------------------------------------------------------------------------


def _control_row(run: Run, rules: KnowledgeConfig, nodes: tuple[str, ...], others: dict[str, Choice]) -> None:
    base = controls.defaults(run)
    with st.container(width=190):
        controls.draw_penalty(base.graph)
    with st.container(width=150):
        controls.draw_choice(base.graph, "transform", "Soft labels")
    with st.container(width=150):
        st.selectbox(
            "Layout",
            LAYOUTS,
            key="g_layout",
            format_func=str.capitalize,
            help="Layered puts sources on top; spring puts linked classes near each other; circular faces audio with "
            "visual. Positions never depend on the controls.",
            bind="query-params",
            persist_state="session",
        )
    with st.popover("Search", help="Engine, strategy, seed and which clips are used."):
        controls.draw_search(base)
    with st.popover("Stability", help="Bootstraps, null model, and how many edges LIR keeps."):
        controls.draw_stability(base)
    count = len(rules.required) + len(rules.forbidden) + sum(map(len, rules.tiers))
    with st.popover(f"Rules ({count})" if count else "Rules", help="Edges required or forbidden by you, and tiers."):
        draw_rules(rules, nodes)
    names = {LEARNED: "this graph", NOTHING: "nothing", **_distinct(others)}
    with st.popover("Compare", help="Lay another graph over this one: same positions, differences in color."):
        _choose("Show", "g_show", [LEARNED, *others], names, "Which graph to draw.")
        _choose("Compare with", "g_with", [NOTHING, *others], names, "Edges are colored by what differs from this one.")
        st.button(
            "Pin this graph",
            on_click=pin,
            args=(run, rules),
            help="Keeps it, so that you can change a control and compare.",
        )
        if st.button("Arrange for this graph", help="Moves the nodes to where this graph is easiest to read."):
            st.session_state.graph_arranged = controls.current(base, rules).graph.address
            st.session_state.graph_moved = {}
            st.rerun()
        if st.button("Put the nodes back", help="Forgets what you dragged, and the arrangement above."):
            st.session_state.graph_arranged = None
            st.session_state.graph_moved = {}
            st.session_state.graph_home = st.session_state.get("graph_home", 0) + 1
            st.rerun()


def _distinct(others: dict[str, Choice]) -> dict[str, str]:
    """A label for each choice that no other has: the address holds labels."""
    labels = [choice.label for choice in others.values()]
    return {
        key: choice.label if labels.count(choice.label) == 1 else f"{choice.label} ({key[-6:]})"
        for key, choice in others.items()
    }


def _choose(label: str, key: str, options: list[str], names: dict[str, str], help_text: str) -> None:
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = options[0]
    st.selectbox(label, options, key=key, format_func=lambda option: names[option], help=help_text, bind="query-params")


# --- the picture --------------------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def _positions(layout: LayoutName, weights_key: str, tiers: tuple[int, ...], _weights: FloatArray) -> FloatArray:
    return arrange(layout, _weights, np.array(tiers, int))


@st.cache_resource(show_spinner=False, max_entries=32)
def _candidates(source_address: str, _labels: SoftLabels, _source: SoftLabelSource) -> FloatArray:
    return candidate_weights(_labels, _source)


def place(scene: Scene) -> tuple[LayoutName, FloatArray, str]:
    """Layout, positions, and a version that changes exactly when nodes shall move."""
    state = st.session_state
    layout: LayoutName = state.get("g_layout", LAYOUTS[0])
    source = scene.run.soft_labels
    weights, key = _candidates(source.address, scene.labels, source), source.address
    if state.graph_arranged:
        key = state.graph_arranged
        learned = _get(scene.settings.graph) if key == scene.settings.graph.address else None
        if learned is not None:
            state.graph_arranged_weights = strongest(edge_weights(learned))
        weights = state.get("graph_arranged_weights", weights)
    tiers = tuple(rules_of.tier_of(scene.rules, name) for name in scene.nodes) if layout == "layered" else ()
    position = np.array(_positions(layout, key, tiers or (0,) * len(scene.nodes), weights))
    for identifier, (x, y) in state.graph_moved.get(layout, {}).items():
        found = parse_id(identifier)
        if len(found) == 1 and found[0] < len(position):
            position[found[0]] = (x, y)
    mark = hashlib.sha256(repr((layout, key, tiers, state.get("graph_home", 0))).encode()).hexdigest()[:12]
    return layout, position, mark


def _draw_picture(
    scene: Scene,
    graph: ClassGraph,
    stability: GraphStability | None,
    other: ClassGraph | None,
    name: str,
    other_name: str,
) -> tuple[Any, dict[str, Any]]:
    state = st.session_state
    picture = build_picture(
        graph,
        stability,
        support=class_support(scene.labels),
        rules=scene.rules,
        other=other,
        compared=(name, other_name) if other is not None else None,
        universe=scene.run.soft_labels.address,
    )
    layout, position, version = place(scene)
    view = dict(state.graph_view)
    if view["threshold"] is None:
        view["threshold"] = first_threshold(picture)
        if state.get("graph_first_threshold") != view["threshold"]:
            state.graph_first_threshold = view["threshold"]
            state.graph_serial += 1
    history: History = state.graph_history
    payload = to_payload(
        picture,
        position,
        layout,
        layout_version=version,
        view={**view, "serial": f"{scene.run.key}-{state.graph_serial}"},
        can_undo=history.can_undo,
        can_redo=history.can_redo,
    )
    mount(payload, key=KEY, on_change=_looked, on_command=_commanded)
    address.update_query(st.query_params, address.write_view(state.graph_view))
    address.update_query(st.query_params, {"moved": address.write_moved(state.graph_moved.get(layout, {}))})
    return picture, view


def _visitor() -> str:
    """A name for this browser tab: what it asks for anew replaces what it asked for before."""
    if "graph_visitor" not in st.session_state:
        st.session_state.graph_visitor = secrets.token_hex(4)
    name: str = st.session_state.graph_visitor
    return name


def _ask_stability(scene: Scene) -> None:
    from avexplore.workbench import Missing, Ready

    config = scene.settings.stability
    answer = session.workbench().ask(config, start=False)
    # What the reader stopped stays stopped until asked for again with the button that the panel then shows.
    if isinstance(answer, Missing) and not answer.reason:
        answer = session.workbench().ask(config, slot=f"{_visitor()}/graph")
    if isinstance(answer, Ready):
        st.rerun()
    jobs_panel.artifact(config, "Stability", start=False, stop_page=False)


def _looked() -> None:
    """The reader moved the threshold, selected, filtered or dragged something in the picture."""
    state = st.session_state
    nodes = len(state.graph_nodes)
    sent = state[KEY]
    if sent.get("view"):
        view = address.clean_view(sent["view"], nodes)
        # The first threshold stays the page's choice until the reader moves it.
        if state.graph_view["threshold"] is None and view["threshold"] == state.get("graph_first_threshold"):
            view["threshold"] = None
        state.graph_view = view
    if sent.get("moved"):
        layout = state.get("g_layout", LAYOUTS[0])
        text = address.write_moved(dict(sent["moved"].get("positions") or {}))
        state.graph_moved = {**state.graph_moved, layout: address.read_moved(text, nodes)}


def _commanded() -> None:
    """The reader chose something in the right-click menu, or pressed undo or redo."""
    state = st.session_state
    command = state[KEY].get("command")
    if not command:
        return
    history: History = state.graph_history
    if command.get("kind") in ("undo", "redo"):
        go_to(history.undo() if command["kind"] == "undo" else history.redo())
        return
    nodes = state.graph_nodes
    try:
        state.graph_rules = rules_of.encode(
            rules_of.apply_command(rules_of.decode(state.graph_rules, nodes), nodes, command), nodes
        )
    except AvexploreError as error:
        st.toast(as_markdown(str(error)))


def go_to(snapshot: Any) -> None:
    """Set the controls and rules to what they were; only from a callback."""
    if snapshot is None:
        return
    for key, value in snapshot.items():
        if key == "rules":
            st.session_state.graph_rules = value
        elif st.session_state.get(key) != value:
            st.session_state[key] = value


def select(identifier: str) -> None:
    """Select a node or edge from outside the picture."""
    found = parse_id(identifier)
    kind = "node" if len(found) == 1 else "edge"
    st.session_state.graph_view = {
        **st.session_state.graph_view,
        "selection": {"kind": kind, "id": identifier} if found else None,
    }
    st.session_state.graph_serial += 1
