"""Below the picture: the edges as a table, matrices, what a comparison says, and files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.errors import AvexploreError
from avexplore.ui import graph_exchange as exchange
from avexplore.ui import session
from avexplore.ui.graph_tables import MATRICES, edge_table, matrix_figure, matrix_values
from avexplore.ui.graph_view.picture import parse_id
from avexplore.ui.plain_text import as_markdown

if TYPE_CHECKING:
    from avexplore.artifacts import ClassGraph, FloatArray, GraphStability
    from avexplore.ui.graph_explorer import Scene
    from avexplore.ui.graph_subjects import Choice
    from avexplore.ui.graph_view.picture import Picture

TABS = ("Edges", "Matrix", "Comparison", "In and out")


def draw_details(
    scene: Scene,
    picture: Picture,
    graph: ClassGraph,
    stability: GraphStability | None,
    other: ClassGraph | None,
    view: dict[str, Any],
    others: dict[str, Choice],
) -> None:
    """The tabs below the picture; only the open one is computed."""
    tab = st.segmented_control(
        "Below the picture", TABS, default=TABS[0], key="g_tab", label_visibility="collapsed", bind="query-params"
    )
    if tab == "Matrix":
        _matrix(scene, graph, stability, view, others)
    elif tab == "Comparison":
        _comparison(graph, other)
    elif tab == "In and out":
        _files(scene, picture, graph, stability, view)
    else:
        _edges(picture, graph, stability, view)


def _edges(picture: Picture, graph: ClassGraph, stability: GraphStability | None, view: dict[str, Any]) -> None:
    everything = st.toggle("Also what is hidden", key="g_all_edges", bind="query-params")
    table = edge_table(picture, graph, stability, view["threshold"], view["hidden"], everything=everything)
    if table.empty:
        st.caption("No edge reaches the threshold.")
        return
    picked = (view["selection"] or {}).get("id")
    ids = list(table.index)
    shares = [name for name in ("bootstraps", "this direction", "null model", "seeds") if name in table]
    columns: dict[str, Any] = {
        name: st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0) for name in shares
    }
    columns |= {
        "": st.column_config.TextColumn(width=30),
        "effect": st.column_config.NumberColumn(format="%+.2f"),
        "BIC gain": st.column_config.NumberColumn(format="%.0f"),
    }
    if picked in table.index:
        table = table.loc[[picked, *(i for i in ids if i != picked)]]
        ids = list(table.index)
    key = f"g-edges-{hash((tuple(ids), picked))}"

    def chosen() -> None:
        from avexplore.ui.graph_explorer import select

        rows = st.session_state[key]["selection"]["rows"]
        select(ids[rows[0]] if rows else "")

    st.dataframe(
        table,
        hide_index=True,
        height=330,
        column_config=columns,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
    )
    st.caption("Sort by a column's head; a click at the left end of a row selects the edge in the picture.")


def _matrix(
    scene: Scene, graph: ClassGraph, stability: GraphStability | None, view: dict[str, Any], others: dict[str, Choice]
) -> None:
    name = st.selectbox(
        "Matrix", list(MATRICES), format_func=lambda key: MATRICES[key], key="g_matrix", bind="query-params", width=420
    )
    frequency = _frequency_over_graphs(scene, graph, others) if name == "graphs" else None
    values = matrix_values(name, graph, stability, frequency)
    if values is None:
        st.caption("This is known once the bootstraps are done.")
        return
    selected = parse_id((view["selection"] or {}).get("id", ""))
    dark = st.context.theme.type == "dark"
    figure = matrix_figure(values, scene.nodes, title=MATRICES[name], selected=selected, dark=dark)
    key = f"g-matrix-{name}"

    def chosen() -> None:
        from avexplore.ui.graph_explorer import select

        points = st.session_state[key]["selection"]["points"]
        if points:
            found = points[0]["customdata"]
            select(found[0] if isinstance(found, list) else str(found))

    st.plotly_chart(figure, key=key, on_select=chosen, selection_mode="points", theme="streamlit")
    st.caption("Row points to column. A click on a cell selects that pair in the picture.")


def _frequency_over_graphs(scene: Scene, graph: ClassGraph, others: dict[str, Choice]) -> FloatArray:
    """Share of the graphs at hand that link each pair: the present one, pinned, other runs' and imported ones."""
    from avexplore.ui.graph_subjects import fits, reordered

    found = [graph]
    for key, choice in others.items():
        if key in ("planted", "true"):
            continue
        try:
            loaded = choice.load()
        except AvexploreError:
            continue
        if loaded is not None and fits(loaded, scene.nodes):
            found.append(reordered(loaded, scene.nodes))
    st.caption(f"Over {len(found)} graph{'s' * (len(found) > 1)}: this one, and those offered under Compare.")
    mean: FloatArray = np.mean([one.skeleton for one in found], axis=0)
    return mean


def _comparison(graph: ClassGraph, other: ClassGraph | None) -> None:
    if other is None:
        st.caption(
            "Choose a graph under Compare: another run, a pinned or an imported one, or the truth if it is known."
        )
        return
    from avexplore.graph.comparison import compare

    result = compare(graph, other)
    figures = [
        ("SHD", f"{result.shd}", "Structural Hamming distance: pairs of classes whose edge differs."),
        ("Links shared", _share(result.jaccard), "Jaccard index: shared links over all links of either."),
        ("Precision", _share(result.adjacency_precision), "Of this graph's links, the share that the other one has."),
        ("Recall", _share(result.adjacency_recall), "Of the other graph's links, the share that this one has."),
        ("Arrow precision", _share(result.arrow_precision), "Of this graph's arrows, the share the other has as well."),
        ("Arrow recall", _share(result.arrow_recall), "Of the other graph's arrows, the share that this one has."),
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


def _files(
    scene: Scene, picture: Picture, graph: ClassGraph, stability: GraphStability | None, view: dict[str, Any]
) -> None:
    from avexplore.graph.formats import write_graph

    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Take this graph with you**")
        with st.container(horizontal=True):
            for name, suffix in exchange.SUFFIXES.items():
                st.download_button(
                    {"csv": "CSV", "graphml": "GraphML", "dot": "DOT", "json": "JSON", "tetrad": "Tetrad"}.get(
                        name, "DAGitty"
                    ),
                    lambda name=name: write_graph(graph, name),  # type: ignore[misc]
                    file_name=f"class_graph_{name}.{suffix}" if suffix == "txt" else f"class_graph.{suffix}",
                    key=f"g-save-{name}",
                    on_click="ignore",
                )
            st.download_button(
                "SVG",
                lambda: _svg(scene, picture, view),
                file_name="class_graph.svg",
                mime="image/svg+xml",
                key="g-save-svg",
                on_click="ignore",
                help="A vector graphic of what is shown, for a paper. PNG: the arrow in the picture's tool bar.",
            )
        st.markdown("**The same in Python**")
        wanted = scene.settings.stability if stability is not None else scene.settings.graph
        st.code(exchange.to_python(wanted, name="stability" if stability is not None else "graph"), language="python")
    with right:
        st.markdown("**Bring a graph**")
        if session.workbench().read_only:
            st.caption("This avexplore takes no uploads. Start your own to compare with a graph of yours.")
            return
        upload = st.file_uploader(
            "CSV (Cause, Effect), GraphML, DOT or JSON",
            type=["csv", "graphml", "dot", "json"],
            key="g-import",
            max_upload_size=5,
            help="Nodes are named audio:X or audio_X, visual:X or visual_X. It then stands under Compare.",
        )
        if upload is not None and st.session_state.get("graph_import_file") != upload.file_id:
            st.session_state.graph_import_file = upload.file_id
            _import(scene, upload.name, upload.getvalue())


def _svg(scene: Scene, picture: Picture, view: dict[str, Any]) -> str:
    from avexplore.ui.graph_explorer import place

    layout, position, _ = place(scene)
    return exchange.to_svg(picture, position, layout, view["threshold"], view["hidden"])


def _import(scene: Scene, name: str, content: bytes) -> None:
    folder = session.workbench().store.root / "imported-graphs"
    try:
        found = exchange.keep_import(folder, name, content, scene.nodes)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        return
    st.session_state.graph_import = found
    st.session_state.graph_compare_next = f"import-{found}"
    st.rerun()
