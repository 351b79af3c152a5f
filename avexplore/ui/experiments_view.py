"""The experiments page: does the graph help, or would any regularizer?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import streamlit as st

from avexplore.config import ARMS, ExperimentConfig
from avexplore.errors import AvexploreError
from avexplore.experiments import TWIN, compare_arms, summary
from avexplore.ui import jobs_panel, session

if TYPE_CHECKING:
    from avexplore.artifacts import ExperimentReport
    from avexplore.experiments import Comparison

MEANING = {
    "graph+I": "LIR with the inferred graph and same-class pairs",
    "graph": "LIR with the inferred graph alone",
    "identity": "Soft-label similarity, no graph",
    "random+I": "A random graph with the same weights, and same-class pairs",
    "correlation+I": "Plain correlation of the soft labels, and same-class pairs",
    "constant": "One constant weight for every pair",
    "true-graph+I": "The true co-occurrence graph, where known",
    "true-pairs": "The truly related pairs: the ceiling, where known",
    "proxies:anchor_aware": "No LIR, anchor-aware proxies",
    "baseline:cca": "CCA",
    "baseline:cluster-cca": "Cluster-CCA",
}
FIGURES = {
    "hidden_pair_ap": "Hidden-pair AP",
    "any_label_map": "Any-label MAP",
    "map": "MAP",
    "map_audio_to_visual": "MAP, A->V",
    "map_visual_to_audio": "MAP, V->A",
    "recovered_false_negatives": "Recovered false negatives",
}
COLORS = {"gain": "#009E73", "loss": "#D55E00", "no difference shown": "#8A97A3"}


def draw() -> None:
    """Draw the page for the run chosen in the sidebar."""
    config = _chosen()
    if config is None:
        return
    report: ExperimentReport | None = jobs_panel.artifact(
        config, f"{len(config.arms) + 1} arms x {config.seeds} seeds", start=False, stop_page=False
    )
    if report is None:
        st.caption(
            "Students of all arms share each seed's beginning, up to the epoch at which LIR starts. Results already on "
            "this machine are used again, and a stopped experiment goes on where it was."
        )
        return
    st.markdown(summary(report))
    metrics = [name for name in FIGURES if name in report.metrics]
    metric = st.segmented_control(
        "Figure", metrics, default=metrics[0], format_func=FIGURES.__getitem__, key="experiment.metric", required=True
    )
    found = compare_arms(report, metric)
    st.plotly_chart(_forest(found, FIGURES[metric]), width="stretch", key="experiment.forest")
    table = _table(found)
    number, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    columns = dict.fromkeys(("Difference", "95 % from", "to"), signed) | {"Mean": number, "p (Holm)": number}
    st.dataframe(table, column_config=columns, hide_index=True, width="stretch")
    st.download_button("Download every seed (CSV)", _long(report).to_csv(index=False), "experiment.csv", "text/csv")


def _chosen() -> ExperimentConfig | None:
    run = session.current_run()
    if run.student is None:
        st.info("This run has soft labels only. Train a student on the Training page first.")
        return None
    arms, seeds, split = st.columns([5, 1, 2])
    chosen = arms.multiselect(
        "Arms",
        [*ARMS, "proxies:anchor_aware", "baseline:cca", "baseline:cluster-cca"],
        default=list(ARMS[:4]),
        format_func=lambda arm: MEANING.get(arm, arm),
        key="experiment.arms",
        bind="query-params",
        help="Each is compared with the twin without LIR, paired by seed.",
    )
    count = seeds.number_input("Seeds", 2, 100, 5, key="experiment.seeds", bind="query-params", help="Paired seeds.")
    where: Literal["validation", "test"] = split.segmented_control(
        "Clips",
        ["validation", "test"],
        default="test",
        key="experiment.split",
        required=True,
        help="Choose parameters on validation clips, and look at test clips once.",
    )
    try:
        return ExperimentConfig(run.student, tuple(chosen), seeds=int(count), split=where)
    except AvexploreError as error:
        st.error(str(error))
        return None


def _forest(found: list[Comparison], label: str) -> Any:
    import plotly.graph_objects as go

    rows = found[::-1]
    figure = go.Figure(
        go.Scatter(
            x=[c.difference for c in rows],
            y=[MEANING.get(c.arm, c.arm) for c in rows],
            error_x={
                "type": "data",
                "array": [c.high - c.difference for c in rows],
                "arrayminus": [c.difference - c.low for c in rows],
                "thickness": 2,
                "color": "#8A97A3",
            },
            mode="markers",
            marker={"size": 12, "color": [COLORS[c.verdict] for c in rows]},
            customdata=[[c.verdict, c.p_value] for c in rows],
            hovertemplate="%{y}<br>%{x:+.4f}, %{customdata[0]}, p = %{customdata[1]:.3f}<extra></extra>",
        )
    )
    figure.add_vline(0, line_width=1, line_color="#8A97A3")
    figure.update_layout(
        xaxis_title=f"{label}: difference to the twin {TWIN}, with 95 % interval over seeds",
        height=130 + 44 * len(rows),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        showlegend=False,
    )
    figure.update_yaxes(automargin=True)
    return figure


def _table(found: list[Comparison]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Arm": [MEANING.get(c.arm, c.arm) for c in found],
            "Mean": [c.mean for c in found],
            "Difference": [c.difference for c in found],
            "95 % from": [c.low for c in found],
            "to": [c.high for c in found],
            "p (Holm)": [c.p_value for c in found],
            "Verdict": [c.verdict for c in found],
        }
    )


def _long(report: ExperimentReport) -> pd.DataFrame:
    rows = [
        {"arm": arm, "seed": int(seed), **dict(zip(report.metrics, map(float, report.values[a, s]), strict=True))}
        for a, arm in enumerate(report.arms)
        for s, seed in enumerate(report.seeds)
    ]
    return pd.DataFrame(rows)
