"""How the graph on screen differs from others: figures for one, a line for each, and a frequency over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.ui.class_graph.details.tables import percent
from avexplore.ui.class_graph.graph_choices import fits, reordered
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray
    from avexplore.drawing.class_graph.picture import Edge
    from avexplore.ui.class_graph.graph_choices import Choice
    from avexplore.ui.class_graph.scene import Scene


def draw_comparison(scene: Scene, drawn: list[Edge]) -> None:
    """Figures against the graph chosen under Compare, and a table of all graphs there are.

    Args:
        scene: What the page is about.
        drawn: The edges that threshold and legend leave in the picture.
    """
    links = int(np.triu(scene.shown.graph.skeleton, 1).sum())
    if scene.shown.other is not None:
        _draw_figures(scene.shown.graph, scene.shown.other)
    found = _at_hand(scene, scene.others)
    if found:
        st.dataframe(
            _lines(scene.shown.graph, found, [edge for edge in drawn if edge.change != "removed"]),
            hide_index=True,
            column_config={"graph": st.column_config.TextColumn(width=250)}
            | {
                name: st.column_config.NumberColumn(format="%d%%", width=width)
                for name, width in (("links shared", 82), ("precision", 72), ("of those drawn", 102), ("recall", 66))
            },
        )
        st.caption(
            f"Each graph beside all {links} links of the graph on screen, drawn or not. Links shared: Jaccard index. "
            "Precision: the share of these links that it has, and the same of those drawn in the picture. Recall: the "
            f"share of its links that are among the {links}."
        )
    if scene.shown.other is None:
        st.caption(
            "Choose a graph under Compare to see the difference in the picture: another run, a pinned or an imported "
            "one, one of another teacher, or the truth where it is known."
        )
    _offer_missing(scene)


def _at_hand(scene: Scene, others: dict[str, Choice]) -> dict[str, ClassGraph]:
    """Graphs over the same classes that are there, by label."""
    found = {}
    for choice in others.values():
        try:
            graph = choice.load()
        except AvexploreError:
            continue
        if graph is not None and fits(graph, scene.nodes):
            found[choice.label] = reordered(graph, scene.nodes)
    return found


def _may_fit(choice: Choice, scene: Scene) -> bool:
    """Whether a graph is over the classes of this run, or not computed yet and asked for here."""
    try:
        graph = choice.load()
    except AvexploreError:
        return False
    if graph is not None:
        return fits(graph, scene.nodes)
    source = getattr(choice.config, "soft_labels", None)
    return getattr(source, "data", None) == getattr(scene.run.soft_labels, "data", None)


def _lines(graph: ClassGraph, others: dict[str, ClassGraph], drawn: list[Edge]) -> list[dict[str, object]]:
    from avexplore.graph.algebra.comparison import compare

    lines = []
    for name, other in others.items():
        result = compare(graph, other)
        held = [bool(other.skeleton[edge.source, edge.target]) for edge in drawn]
        lines.append(
            {
                "graph": name,
                "links": int(np.triu(other.skeleton, 1).sum()),
                "SHD": result.shd,
                "links shared": percent(result.jaccard),
                "precision": percent(result.adjacency_precision),
                "of those drawn": percent(float(np.mean(held))) if held else None,
                "recall": percent(result.adjacency_recall),
            }
        )
    return lines


def _draw_figures(graph: ClassGraph, other: ClassGraph) -> None:
    from avexplore.graph.algebra.comparison import compare

    result = compare(graph, other)
    links = f"{int(np.triu(graph.skeleton, 1).sum())} links, drawn or not"
    figures = [
        ("SHD", f"{result.shd}", "Structural Hamming distance: pairs of classes whose edge differs."),
        ("Links shared", _share(result.jaccard), "Jaccard index: shared links over all links of either."),
        (
            "Precision",
            _share(result.adjacency_precision),
            f"Of this graph's {links}, the share that the other one has.",
        ),
        (
            "Recall",
            _share(result.adjacency_recall),
            f"Of the other graph's links, the share that are among this one's {links}.",
        ),
        ("→ precision", _share(result.arrow_precision), "Of this graph's arrows, the share the other has as well."),
        ("→ recall", _share(result.arrow_recall), "Of the other graph's arrows, the share that this one has."),
    ]
    for column, (label, value, help_text) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, value, help=help_text)
    kinds = {kind: result.count(kind) for kind in ("same", "added", "removed", "reversed", "directed", "undirected")}
    st.caption(
        f"{kinds['same']} edges are the same, {kinds['added']} only here, {kinds['removed']} only there; "
        f"{kinds['reversed']} point the other way, {kinds['directed']} have a direction only here, "
        f"{kinds['undirected']} only there."
    )


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def frequency_over_graphs(scene: Scene, *, directed: bool) -> FloatArray | None:
    """Share of the chosen graphs that hold each link, or each arrow; says how far they differ. Shape (p, p).

    What is known to be true is no candidate, since it was not inferred, nor is what sums up graphs.
    """
    from avexplore.graph.stability.stability import spreads

    offered = {
        key: choice
        for key, choice in scene.others.items()
        if not (choice.is_truth or choice.is_summary) and _may_fit(choice, scene)
    }
    labels = {choice.label: key for key, choice in offered.items()}
    chosen = st.multiselect(
        "Over this graph and",
        list(labels),
        default=list(labels),
        key=f"graph-frequency-{hash(tuple(labels))}",
        help="Pin graphs, add graphs of other teachers, or import published ones: they then stand here.",
    )
    found = [scene.shown.graph, *_at_hand(scene, {labels[name]: offered[labels[name]] for name in chosen}).values()]
    _offer_missing(scene)
    stack = np.stack([graph.adjacency for graph in found])
    if len(found) < 2:
        st.caption("This is one graph; pin, add or import others to see which edges all of them hold.")
    else:
        shd, jaccard, frobenius = spreads(stack)
        st.caption(
            f"{len(found)} graphs. From pair to pair: SHD {shd[0]:.0f} on average ({shd[1]:.0f} at most), "
            f"{jaccard[0]:.0%} of the links and {jaccard[1]:.0%} of the arrows shared, Frobenius distance "
            f"{frobenius[0]:.1f}."
        )
    held = stack if directed else stack | stack.transpose(0, 2, 1)
    mean: FloatArray = held.mean(axis=0, dtype=float)
    return mean


def _offer_missing(scene: Scene) -> None:
    """A button that computes the graphs that are not there yet, one after the other; then their progress."""
    missing = [choice for choice in scene.others.values() if choice.config is not None and choice.load() is None]
    if not missing:
        st.session_state.pop("graph_compute_missing", None)
        return
    names = ", ".join(choice.label for choice in missing)
    st.caption(as_markdown(f"Not computed yet: {names}."))
    key = "graph_compute_missing"
    if st.session_state.get(key) or st.button("Compute them", key="graph-compute-missing"):
        st.session_state[key] = True
        config = missing[0].config
        assert config is not None
        job_progress.artifact(config, as_markdown(f"The graph {missing[0].label!r}"), stop_page=False)
