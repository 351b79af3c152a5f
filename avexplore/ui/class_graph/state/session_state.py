"""What a visitor of the class graph page has done, in the session and in the address: restored, noted, taken back.

Settings and rules are the visitor's working settings (see `ui.settings.working`). Session keys here: `graph_view` (see
`view_address`), `graph_moved` (dragged nodes by layout), `graph_pinned` (see `kept_graphs`), `graph_imports`
(addresses), `graph_arranged` (the graph that the nodes were arranged for, as text, or ""), `graph_serial`, which rises
whenever Python rather than the reader changes the view, and `graph_seen`, the browser's time of the reader's last
change that got here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.names import LAYOUTS, parse_id
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.class_graph.state import rules as rules_of
from avexplore.ui.class_graph.state import settings as state_settings
from avexplore.ui.class_graph.state import view_address as address
from avexplore.ui.class_graph.state.view_address import LEARNED, NOTHING
from avexplore.ui.parts.told import Telling
from avexplore.ui.settings import working
from avexplore.ui.shell import address as browser
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.config import GraphConfig, KnowledgeConfig
    from avexplore.ui.class_graph.state.settings import Settings
    from avexplore.workbench.runs import Run

VIEW_KEY = "graph"
"""Session key of the picture's component."""


_NAMES = (*address.NAMES, "moved", "g_layout", "pinned", "import", "arranged")


def restore(run: Run, nodes: tuple[str, ...]) -> Settings:
    """The settings in force; sets the session up for a run, and follows what the browser brought in the address."""
    state = st.session_state
    brought = browser.arrived("graph", _NAMES)
    base = state_settings.stored(run).graph
    if state.get("graph_run") != run.key:
        _start(run, cold="graph_run" not in state)
    if brought is not None:
        state.graph_view = address.read_view({name: word for name, word in brought.items() if word}, len(nodes))
        # A bound selectbox writes the option as it is shown, capitalized, into the address.
        layout = (brought["g_layout"] or LAYOUTS[0]).lower()
        state.graph_moved = {**state.graph_moved, layout: address.read_moved(brought["moved"], len(nodes))}
        state.graph_imports = [part for part in brought["import"].split(".") if part][: variants.MOST]
        state.graph_pinned = variants.read(brought["pinned"], base, nodes)
        state.graph_arranged = brought["arranged"]
        state.graph_serial += 1
    state.graph_nodes = nodes
    if "graph_compare_next" in state:
        state.g_with = state.pop("graph_compare_next")
    return state_settings.current(run)


def write(run: Run, layout: str) -> None:
    """Let the address say what is looked at."""
    state = st.session_state
    base = state_settings.stored(run).graph
    browser.write(
        "graph",
        {
            **address.write_view(state.graph_view),
            "moved": address.write_moved(state.graph_moved.get(layout, {})),
            "g_layout": st.query_params.get("g_layout", ""),
            "pinned": variants.write(state.graph_pinned, base, state.graph_nodes),
            "import": ".".join(state.graph_imports),
            "arranged": state.graph_arranged,
        },
    )


def _start(run: Run, *, cold: bool) -> None:
    """The first pass for a run."""
    state = st.session_state
    state.graph_run = run.key
    state.graph_serial = state.get("graph_serial", 0) + 1
    state.graph_arranged = ""
    state.graph_view = first_view()
    state.graph_moved = {}
    state.graph_pinned = {}
    state.graph_imports = state.get("graph_imports", [])
    for key, value in (("g_show", LEARNED), ("g_with", NOTHING)):
        if key in state and not cold:
            state[key] = value


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
    rules = state_settings.current(session.current_run()).graph.knowledge
    obey(st.session_state[VIEW_KEY].get("command"), rules, st.session_state.graph_nodes)


def obey(command: Mapping[str, Any] | None, rules: KnowledgeConfig, nodes: Sequence[str]) -> None:
    """Do what a picture's menu or keys ask for, of rules over some nodes."""
    if not command:
        return
    if command.get("kind") in ("undo", "redo"):
        working.undo() if command["kind"] == "undo" else working.redo()
        return
    with Telling(say=st.toast):
        put_rules(rules_of.apply_command(rules, nodes, command))


def put_rules(rules: KnowledgeConfig) -> None:
    """Take other rules."""
    working.change({f"knowledge.{f.name}": getattr(rules, f.name) for f in fields(rules)})


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
    kept = state.graph_pinned | variants.named(configs, state_settings.stored(run).graph)
    state.graph_pinned = dict(list(kept.items())[-variants.MOST :])
    state.g_with = variants.key_of(configs[-1])


def forget() -> None:
    """Let all kept and imported graphs go."""
    st.session_state.graph_pinned = {}
    st.session_state.graph_imports = []


def arrange_for(run: Run, config: GraphConfig) -> None:
    """Let the nodes stand where a graph is easiest to read."""
    kept = {variants.key_of(config): ("", config)}
    st.session_state.graph_arranged = variants.write(
        kept, state_settings.stored(run).graph, st.session_state.graph_nodes
    )
    st.session_state.graph_moved = {}


def put_back() -> None:
    """Forget what was dragged, and the arrangement for one graph."""
    st.session_state.graph_arranged = ""
    st.session_state.graph_moved = {}
    st.session_state.graph_home = st.session_state.get("graph_home", 0) + 1
