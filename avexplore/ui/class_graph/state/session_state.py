"""What a visitor of the class graph page has done, in the session and in the address: restored, noted, taken back.

Session keys: `graph_rules` (text of `graph_rules.encode`), `graph_view` (see `graph_address`), `graph_moved` (dragged
nodes by layout), `graph_pinned` (see `graph_variants`), `graph_imports` (addresses), `graph_arranged` (the graph that
the nodes were arranged for, as text, or ""), `graph_history`, `graph_serial`, which rises whenever Python rather
than the reader changes the view, and `graph_seen`, the browser's time of the reader's last change that got here.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.class_graph.state import rules as rules_of
from avexplore.ui.class_graph.state import settings as state_settings
from avexplore.ui.class_graph.state import view_address as address
from avexplore.ui.class_graph.state.history import History
from avexplore.ui.class_graph.state.names import LAYOUTS, LEARNED, NOTHING, parse_id
from avexplore.ui.parts.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.artifacts import SoftLabels
    from avexplore.config import GraphConfig, KnowledgeConfig
    from avexplore.ui.class_graph.state.settings import Settings
    from avexplore.workbench.runs import Run

VIEW_KEY = "graph"
"""Session key of the picture's component."""


def restore(run: Run, labels: SoftLabels) -> KnowledgeConfig:
    """The rules in force; sets the session up on the first pass for a run."""
    state = st.session_state
    if state.get("graph_run") != run.key:
        _start(run, state_settings.defaults(run), labels.nodes, cold="graph_run" not in state)
    state.graph_nodes = labels.nodes
    if "graph_compare_next" in state:
        state.g_with = state.pop("graph_compare_next")
    base = state_settings.defaults(run).graph
    address.update_query(
        st.query_params,
        {
            "rules": state.graph_rules,
            "pinned": variants.write(state.graph_pinned, base, labels.nodes),
            "import": ".".join(state.graph_imports),
            "arranged": state.graph_arranged,
        },
    )
    return rules_of.decode(state.graph_rules, labels.nodes)


def settings(run: Run, rules: KnowledgeConfig) -> Settings:
    """What the controls ask for, noted in the history."""
    base = state_settings.defaults(run)
    try:
        found = state_settings.current(base, rules)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        found = base
    history: History = st.session_state.graph_history
    history.visit(state_settings.values(found) | {"rules": st.session_state.graph_rules})
    return found


def _start(run: Run, base: Settings, nodes: tuple[str, ...], *, cold: bool) -> None:
    """The first pass for a run: from the address on a cold start, from the run's own settings otherwise."""
    state, query = st.session_state, st.query_params
    state.graph_run = run.key
    state.graph_history = History()
    state.graph_serial = state.get("graph_serial", 0) + 1
    state.graph_arranged = ""
    state.graph_view = address.first_view()
    state.graph_moved = {}
    state.graph_pinned = {}
    state.graph_imports = state.get("graph_imports", [])
    if cold:
        state.graph_rules = query.get("rules") or rules_of.encode(base.graph.knowledge, nodes)
        state.graph_view = address.read_view(query.to_dict(), len(nodes))
        # A bound selectbox writes the option as it is shown, capitalized, into the address.
        layout = query.get("g_layout", LAYOUTS[0]).lower()
        state.graph_moved = {layout: address.read_moved(query.get("moved", ""), len(nodes))}
        state.graph_imports = [part for part in query.get("import", "").split(".") if part][: variants.MOST]
        state.graph_pinned = variants.read(query.get("pinned", ""), base.graph, nodes)
        state.graph_arranged = query.get("arranged", "")
        return
    state.graph_rules = rules_of.encode(base.graph.knowledge, nodes)
    for key, value in state_settings.values(base).items():
        if key in state:
            state[key] = value
    for key, value in (("g_show", LEARNED), ("g_with", NOTHING)):
        if key in state:
            state[key] = value


def tab() -> str:
    """A name for this browser tab: what it asks for anew replaces what it asked for before."""
    name: str = st.session_state.setdefault("graph_tab_name", secrets.token_hex(4))
    return name


# --- callbacks ----------------------------------------------------------------------------------------------------


def looked() -> None:
    """The reader moved the threshold, selected, filtered or dragged something in the picture."""
    state = st.session_state
    nodes = len(state.graph_nodes)
    sent = state[VIEW_KEY]
    if sent.get("view"):
        view = address.clean_view(sent["view"], nodes)
        if sent["view"].get("auto"):
            if state.graph_view["threshold"] is not None:  # handed back to the page, which has to say what it chooses
                state.graph_serial += 1
            view["threshold"] = None
        state.graph_view = view
        touched = sent["view"].get("touched")
        state.graph_seen = touched if isinstance(touched, (int, float)) else 0
    if sent.get("moved"):
        layout = state.get("g_layout", LAYOUTS[0])
        text = address.write_moved(dict(sent["moved"].get("positions") or {}))
        state.graph_moved = {**state.graph_moved, layout: address.read_moved(text, nodes)}


def commanded() -> None:
    """The reader chose something in the right-click menu, or pressed undo or redo."""
    state = st.session_state
    command = state[VIEW_KEY].get("command")
    if not command:
        return
    if command.get("kind") in ("undo", "redo"):
        undo() if command["kind"] == "undo" else redo()
        return
    nodes = state.graph_nodes
    try:
        state.graph_rules = rules_of.encode(
            rules_of.apply_command(rules_of.decode(state.graph_rules, nodes), nodes, command), nodes
        )
    except AvexploreError as error:
        st.toast(as_markdown(str(error)))


def undo() -> None:
    """Take the last change of a control or rule back."""
    _go_to(st.session_state.graph_history.undo())


def redo() -> None:
    """Make the change again that was taken back last."""
    _go_to(st.session_state.graph_history.redo())


def _go_to(snapshot: Any) -> None:
    for key, value in (snapshot or {}).items():
        if key == "rules":
            st.session_state.graph_rules = value
        elif st.session_state.get(key) != value:
            st.session_state[key] = value


def select(identifier: str) -> None:
    """Select a node or edge from outside the picture; anything else selects nothing."""
    found = parse_id(identifier)
    kind = "node" if len(found) == 1 else "edge"
    st.session_state.graph_view = {
        **st.session_state.graph_view,
        "selection": {"kind": kind, "id": identifier} if found else None,
    }
    st.session_state.graph_serial += 1


# --- graphs that are kept -----------------------------------------------------------------------------------------


def keep(run: Run, configs: list[GraphConfig]) -> None:
    """Keep graphs for comparison, and compare with the last of them."""
    state = st.session_state
    base = state_settings.defaults(run).graph
    for config in configs:
        state.graph_pinned = {
            **state.graph_pinned,
            variants.key_of(config): (f"pinned: {variants.describe(config, base)}", config),
        }
    state.graph_pinned = dict(list(state.graph_pinned.items())[-variants.MOST :])
    if configs:
        state.g_with = variants.key_of(configs[-1])


def forget() -> None:
    """Let all kept and imported graphs go."""
    st.session_state.graph_pinned = {}
    st.session_state.graph_imports = []


def arrange_for(run: Run, config: GraphConfig) -> None:
    """Let the nodes stand where a graph is easiest to read."""
    kept = {variants.key_of(config): ("", config)}
    st.session_state.graph_arranged = variants.write(
        kept, state_settings.defaults(run).graph, st.session_state.graph_nodes
    )
    st.session_state.graph_moved = {}


def put_back() -> None:
    """Forget what was dragged, and the arrangement for one graph."""
    st.session_state.graph_arranged = ""
    st.session_state.graph_moved = {}
    st.session_state.graph_home = st.session_state.get("graph_home", 0) + 1
