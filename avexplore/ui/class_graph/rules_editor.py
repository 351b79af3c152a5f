"""Rules as tables: the same ones that a right click in the picture makes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.artifacts import plain_name
from avexplore.config import KnowledgeConfig
from avexplore.ui.class_graph.state import rules as rules_of
from avexplore.ui.class_graph.state import session_state as visit

if TYPE_CHECKING:
    import pandas as pd

BLOCKS = {
    ("audio", "visual"): "No arrow from an audio to a visual class",
    ("visual", "audio"): "No arrow from a visual to an audio class",
    ("audio", "audio"): "No edge within audio",
    ("visual", "visual"): "No edge within visual",
}


def draw_rules(rules: KnowledgeConfig, nodes: tuple[str, ...]) -> None:
    """Edit the rules; a change redraws the page with them."""
    st.caption("The search keeps to these. Right-click a class or a line in the picture to add some.")
    version = hashlib.sha256(rules_of.encode(rules, nodes).encode()).hexdigest()[:8]
    names = {plain_name(node): node for node in nodes}
    edges = st.data_editor(
        _edge_frame(rules),
        key=f"rules-edges-{version}",
        num_rows="dynamic",
        hide_index=True,
        height=180,
        column_config={
            "rule": st.column_config.SelectboxColumn(options=["require", "forbid"], required=True),
            "from": st.column_config.SelectboxColumn(options=list(names), required=True),
            "to": st.column_config.SelectboxColumn(options=list(names), required=True),
        },
    )
    with st.expander("Tiers: no edge from a later tier into an earlier one"):
        tiers = st.data_editor(
            _tier_frame(rules, nodes),
            key=f"rules-tiers-{version}",
            hide_index=True,
            height=220,
            disabled=["class"],
            column_config={"tier": st.column_config.NumberColumn(min_value=0, max_value=9, step=1)},
        )
    blocks = tuple(
        block
        for block, label in BLOCKS.items()
        if st.checkbox(label, value=block in rules.forbidden_blocks, key=f"rules-{'-'.join(block)}-{version}")
    )
    changed = read_rules(edges, tiers, names).replace(forbidden_blocks=blocks)
    if rules_of.encode(changed, nodes) != rules_of.encode(_ordered(rules), nodes):
        visit.put_rules(changed)
        st.rerun()


def _ordered(rules: KnowledgeConfig) -> KnowledgeConfig:
    """The rules as the tables give them back: blocks in the order of the boxes."""
    return rules.replace(forbidden_blocks=tuple(block for block in BLOCKS if block in rules.forbidden_blocks))


def _edge_frame(rules: KnowledgeConfig) -> pd.DataFrame:
    import pandas as pd

    rows = [("require", *pair) for pair in rules.required] + [("forbid", *pair) for pair in rules.forbidden]
    return pd.DataFrame(
        [(kind, plain_name(a), plain_name(b)) for kind, a, b in rows], columns=["rule", "from", "to"], dtype=object
    )


def _tier_frame(rules: KnowledgeConfig, nodes: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"class": [plain_name(n) for n in nodes], "tier": [rules.tier_of(n) for n in nodes]})


def read_rules(edges: pd.DataFrame, tiers: pd.DataFrame, names: dict[str, str]) -> KnowledgeConfig:
    """The rules that two edited tables ask for; unfinished rows wait.

    Args:
        edges: Columns rule, from, to.
        tiers: Columns class, tier (0 for none).
        names: Node by the name that the tables show.
    """
    rules = KnowledgeConfig()
    kinds: dict[str, list[tuple[str, str]]] = {"require": [], "forbid": []}
    for kind, source, target in edges.itertuples(index=False):
        pair = (names.get(_text(source), ""), names.get(_text(target), ""))
        if _text(kind) in kinds and all(pair) and pair[0] != pair[1] and pair not in kinds[_text(kind)]:
            kinds[_text(kind)].append(pair)
    for pair in kinds["require"]:
        rules = rules_of.with_required(rules, *pair)
    for pair in kinds["forbid"]:
        rules = rules_of.with_forbidden(rules, pair)
    for name, tier in tiers.itertuples(index=False):
        if _text(name) in names and tier == tier and tier:
            rules = rules_of.with_tier(rules, names[_text(name)], int(tier))
    return rules


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
