"""The sweep on the experiments page: which parameters do best on validation clips?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import streamlit as st

from avexplore.config import StudentConfig, SweepConfig, VaryConfig
from avexplore.experiments import sweep
from avexplore.tuning.settings import parameter_label
from avexplore.ui.experiments import figures
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.artifacts import SweepReport
    from avexplore.workbench.runs import Run

Method = Literal["tpe", "grid", "random"]
METHODS: dict[Method, str] = {"tpe": "Optuna (TPE)", "grid": "Grid", "random": "Random"}
Objective = Literal["map", "any_label_map", "hidden_pair_ap"]
OBJECTIVES: dict[Objective, str] = {
    "map": "MAP",
    "any_label_map": "Any-label MAP",
    "hidden_pair_ap": "Hidden-pair AP",
}
FIRST = ("lambda", "top_k")


def draw(run: Run) -> None:
    """Draw the form, the progress or the findings."""
    assert run.student is not None
    config = _chosen(run.student)
    if config is None:
        return
    total = sweep.check(config)
    trials = total if config.method == "grid" else min(config.trials, total)
    label = f"{trials} of {total} combinations, {config.seeds} {'seed' if config.seeds == 1 else 'seeds'} each"
    # Its trials follow from each other's figures, so what it trains is known only about.
    parts = () if config in session.workbench().store else sweep.likely_cells(config) or (run.student.data,)
    report: SweepReport | None = job_progress.artifact(config, label, start=False, stop_page=False, parts=parts)
    if report is None:
        st.caption(
            "Decided on validation clips; test clips play no part. What was trained is kept: a stopped sweep goes on "
            "where it was, and trials that differ in LIR alone share their teacher and each seed's beginning."
        )
        return
    _findings(config, report)


def address(config: SweepConfig) -> dict[str, Any]:
    """The form of a sweep, as the page's address has it."""
    return {
        "view": "Sweep",
        "sweep.parameters": [parameter_label(one.parameter) for one in config.vary],
        "sweep.method": METHODS[config.method],
        "sweep.objective": OBJECTIVES[config.objective],
        "sweep.trials": str(config.trials),
        "sweep.seeds": str(config.seeds),
        **{f"sweep.{one.parameter}": [str(value) for value in one.values] for one in config.vary},
    }


# --- the form -----------------------------------------------------------------------------------------------------


def _chosen(student: StudentConfig) -> SweepConfig | None:
    offered = sweep.offered(student)
    names = st.multiselect(
        "Parameters",
        list(offered),
        default=[sweep.SHORT[name] for name in FIRST],
        format_func=parameter_label,
        key="sweep.parameters",
        bind="query-params",
        help="Everything else stays as in the run chosen in the sidebar.",
    )
    if not names:
        st.info("Choose at least one parameter.")
        return None
    method, objective, trials, seeds = st.columns([3, 4, 1.3, 1.3])
    how: Method = method.segmented_control(
        "Search", list(METHODS), default="tpe", format_func=METHODS.__getitem__, key="sweep.method",
        bind="query-params", required=True,
    )  # fmt: skip
    what: Objective = objective.segmented_control(
        "Figure on validation clips that decides", list(OBJECTIVES), default="map",
        format_func=OBJECTIVES.__getitem__, key="sweep.objective", bind="query-params", required=True,
        help="All but MAP look at hidden labels of validation clips: fair for a study of what is possible, but a data "
        "set without hidden labels could not choose so.",
    )  # fmt: skip
    count = int(
        trials.number_input("Trials", 1, 10_000, 16, key="sweep.trials", bind="query-params", disabled=how == "grid")
    )
    paired = int(
        seeds.number_input("Seeds", 1, 100, 2, key="sweep.seeds", bind="query-params", help="Students of each trial.")
    )
    with Telling():
        return SweepConfig(student, _values(student, offered, names), how, count, paired, what)
    return None


def _values(
    student: StudentConfig, offered: Mapping[str, Sequence[sweep.Value]], names: Sequence[str]
) -> tuple[VaryConfig, ...]:
    found = []
    with st.expander("Values to try"):
        for name in names:
            texts = [str(value) for value in offered[name]]
            chosen = st.multiselect(
                parameter_label(name), texts, default=texts, key=f"sweep.{name}", bind="query-params",
                accept_new_options=True,
            )  # fmt: skip
            found.append(sweep.varied(student, name, [_read(text) for text in chosen]))
    return tuple(found)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


# --- the findings -------------------------------------------------------------------------------------------------


def _findings(config: SweepConfig, report: SweepReport) -> None:
    ranking = sweep.outcomes(config, report)
    lists = {one.parameter: one.values for one in config.vary}
    names = {parameter: parameter_label(parameter) for parameter in lists}
    figure_name = OBJECTIVES[config.objective]
    words, link = st.columns([4, 1], vertical_alignment="center")
    words.markdown(as_markdown(sweep.sweep_summary(config, report, names | {config.objective: figure_name})))
    with link:
        st.page_link(
            "pages/training.py",
            label="Open the best in Training",
            icon=":material/arrow_forward:",
            query_params={"student": sweep.best_student(config, ranking[0]).address[:12]},
        )
    lines = figures.parallel(ranking, lists, names, figure_name, st.context.theme.type == "dark")
    st.plotly_chart(lines, width="stretch", key="sweep.parallel")
    if len(lists) > 1:
        _pair(ranking, lists, names, figure_name)
    table = _table(ranking, names, figure_name)
    number, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    columns = {figure_name: number, "Twin": number, "Difference": signed, "95 % from": signed, "to": signed}
    st.dataframe(table, column_config=columns, hide_index=True, width="stretch", key="sweep.table")
    st.download_button("Download every trial (CSV)", table.to_csv(index=False), "sweep.csv", "text/csv")


def _pair(
    ranking: Sequence[sweep.Outcome], lists: Mapping[str, Sequence[Any]], names: Mapping[str, str], figure_name: str
) -> None:
    with st.container(horizontal=True):
        across = st.selectbox(
            "Across", list(lists), format_func=names.__getitem__, key="sweep.across", bind="query-params"
        )
        others = [name for name in lists if name != across]
        down = st.selectbox("Down", others, format_func=names.__getitem__, key="sweep.down", bind="query-params")
    dark = st.context.theme.type == "dark"
    figure = figures.heatmap(ranking, lists, names, across, down, figure_name, dark)
    st.plotly_chart(figure, width="stretch", key="sweep.heatmap")


def _table(ranking: Sequence[sweep.Outcome], names: Mapping[str, str], figure_name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Trial": [one.number for one in ranking],
            **{names[p]: [str(one.values[p]) for one in ranking] for p in ranking[0].values},
            figure_name: [one.objective for one in ranking],
            "Twin": [one.twin for one in ranking],
            "Difference": [one.gain.mean for one in ranking],
            "95 % from": [one.gain.low for one in ranking],
            "to": [one.gain.high for one in ranking],
        }
    )
