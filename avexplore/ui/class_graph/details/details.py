"""Below the picture: the edges as a table, matrices, what a comparison says, and files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.drawing.class_graph.build import shown
from avexplore.drawing.class_graph.names import parse_id
from avexplore.ui.class_graph.details.comparison import draw_comparison, frequency_over_graphs
from avexplore.ui.class_graph.details.files import draw_files
from avexplore.ui.class_graph.details.tables import (
    DIRECTED,
    MATRICES,
    OVER_GRAPHS,
    edge_table,
    matrix_figure,
    matrix_values,
)
from avexplore.ui.class_graph.state import session_state as visit

if TYPE_CHECKING:
    from avexplore.drawing.class_graph.picture import Picture
    from avexplore.ui.class_graph.scene import Scene

TABS = ("Edges", "Matrix", "Comparison", "In and out")


def draw_details(scene: Scene, picture: Picture, view: dict[str, Any]) -> None:
    """The tabs below the picture; only the open one is computed."""
    tab = st.segmented_control(
        "Below the picture", TABS, default=TABS[0], key="g_tab", label_visibility="collapsed", bind="query-params"
    )
    with st.container(key="graph-details"):
        if tab == "Matrix":
            _matrix(scene, view)
        elif tab == "Comparison":
            draw_comparison(scene, shown(picture, view["threshold"], view["hidden"]))
        elif tab == "In and out":
            draw_files(scene, picture, view)
        else:
            _edges(scene, picture, view)


def _edges(scene: Scene, picture: Picture, view: dict[str, Any]) -> None:
    everything = st.toggle(
        "Also the edges that the picture leaves out",
        key="g_all_edges",
        bind="query-params",
        help="Those below the threshold, and those that the legend hides.",
    )
    of = scene.shown
    table = edge_table(
        picture, of.graph, of.stability, view["threshold"], view["hidden"], everything=everything, pairs=scene.pairs
    )
    if table.empty:
        st.caption("No edge reaches the threshold.")
        return
    picked = (view["selection"] or {}).get("id")
    ids = list(table.index)
    if picked in table.index:
        table = table.loc[[picked, *(i for i in ids if i != picked)]]
        ids = list(table.index)
    key = f"g-edges-{hash((tuple(ids), picked))}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        visit.select(ids[rows[0]] if rows else "")

    columns = _columns(table)
    st.dataframe(
        table,
        hide_index=True,
        height=330,
        column_config=columns,
        column_order=list(columns),
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0] if picked in table.index else []}},
    )
    counted = "human labels per modality" if scene.pairs.true is not None else "the soft labels, which understate it"
    st.caption(
        "Sort by a column's head; a click at the left end of a row selects the edge in the picture. "
        f"P(to | from) to one class: counted by {counted}."
    )


def _columns(table: Any) -> dict[str, Any]:
    """What speaks for an edge comes first: at 1440 pixels, the last columns have to be scrolled to."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn

    def percent(width: int, said: str) -> Any:
        return number(format="%d%%", width=width, help=said)

    def share(width: int, said: str) -> Any:
        return st.column_config.ProgressColumn(min_value=0, max_value=100, format="%d%%", width=width, help=said)

    columns: dict[str, Any] = {
        "from": text(width=124),
        "": text(width=24, help="→ where the bootstraps agree on the direction"),
        "to": text(width=124),
        "compared": text(width=72),
        "true": share(84, "Probability that the two classes come together; it says nothing of modality and direction"),
        "bootstraps": share(92, "Share of the bootstraps that hold the edge"),
        "P(to | from)": percent(80, "Share of the clips with the left class that hold the right one"),
        "P(to)": percent(54, "Share of all clips that hold the right class"),
        "odds ratio": number(format="%.1f", width=70, help="How much likelier one is where the other is, in odds"),
        "clips": number(format="%.0f", width=50, help="Clips that hold both"),
        "one class": percent(
            72, "Across modalities: share of these clips that hold one of the two classes in both modalities"
        ),
        "null": percent(
            52, "Share of graphs of shuffled data, in which no class relates to another, that hold the edge"
        ),
        "seeds": percent(54, "Share of the search seeds that find the edge"),
        "direction": percent(66, "Share of the bootstraps that point from the left to the right"),
        "effect": number(
            format="%+.2f",
            width=56,
            help="By how many standard deviations the right class's soft label moves with the left one's",
        ),
        "BIC gain": number(
            format="%.0f", width=64, help="How much worse the graph explains the soft labels without the edge"
        ),
        "hidden cause": text(
            width=84,
            help="Whether a common cause that is no class may stand behind it; ruled out only if the graph is right",
        ),
        "link": text(width=84),
    }
    return {name: column for name, column in columns.items() if name in table}


def _matrix(scene: Scene, view: dict[str, Any]) -> None:
    name = st.selectbox(
        "Matrix", list(MATRICES), format_func=lambda key: MATRICES[key], key="g_matrix", bind="query-params", width=420
    )
    frequency = frequency_over_graphs(scene, directed=name == "graph-arrows") if name in OVER_GRAPHS else None
    values = matrix_values(name, scene.shown.graph, scene.shown.stability, frequency, scene.pairs)
    if values is None:
        st.caption("This is known once the bootstraps are done.")
        return
    selected = parse_id((view["selection"] or {}).get("id", ""))
    dark = st.context.theme.type == "dark"
    figure = matrix_figure(values, scene.nodes, selected=selected, dark=dark)
    key = f"g-matrix-{name}"

    def chosen() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            found = points[0]["customdata"]
            visit.select(found[0] if isinstance(found, list) else str(found))

    st.plotly_chart(
        figure,
        key=key,
        on_select=chosen,
        selection_mode="points",
        theme="streamlit",
        config={"displayModeBar": False},
        alt=f"Matrix of {len(scene.nodes)} classes: {MATRICES[name]}",
    )
    reading = "Row points to column." if name in DIRECTED else "Links, whatever their direction."
    st.caption(f"{reading} A click on a cell selects that pair in the picture and in the panel.")
