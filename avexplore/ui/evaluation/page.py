"""The evaluation page: does LIR help, by how much, for which classes, and at what cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import tables
from avexplore.analysis.loaded_run import TITLES, LoadedRun
from avexplore.artifacts import RetrievalReport
from avexplore.config import EvaluationConfig, StudentConfig
from avexplore.ui.evaluation import figures
from avexplore.ui.parts import job_progress, split_reports
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.split_reports import SPLITS, Split
from avexplore.ui.shell import glossary, session

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from avexplore.retrieval.delta_distance import DeltaDistance
    from avexplore.retrieval.hidden_pairs import HiddenPairs
    from avexplore.retrieval.significance import Interval

Cells = Sequence[Sequence[str | float | int]]


def draw(loaded: LoadedRun) -> None:
    """The whole page below its heading."""
    present = [name for name in SPLITS if len(loaded.clips.rows(name))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Clips", present, default=present[0], key="on", bind="query-params", required=True,
            help="Everything was chosen on validation clips; what counts are the test clips.",
        )  # fmt: skip
        st.segmented_control(
            "Pictures are saved as", ["svg", "png"], default="svg", key="picture", bind="query-params", required=True,
            help="What the camera in a picture's upper right corner downloads. SVG for print, PNG for slides.",
        )  # fmt: skip
    count = len(loaded.clips.rows(split))
    reports = split_reports.both(loaded.students, split, count)
    if reports is None:
        split_reports.say_too_many(loaded.key, split, count)
        if loaded.beside is not None:
            split_reports.say_too_many(loaded.beside.address[:12], split, count)
        return
    before, after = (
        split_reports.completed(student.address, split, report, embeddings, loaded.clips)
        for student, report, embeddings in zip(loaded.students, reports, (loaded.before, loaded.after), strict=True)
    )
    _figures(loaded, before, after, split)
    views: dict[str, Callable[[], None]] = {
        "By class": lambda: _classes(loaded, before, after),
        "Precision-scope": lambda: _scopes(loaded, before, after),
        "Over epochs": lambda: _epochs(loaded),
        "Confusion": lambda: _confusion(loaded, before, after),
        "False negatives": lambda: _false_negatives(loaded, split),
        "Delta-D": lambda: _delta(loaded, split),
    }
    for tab, view in zip(st.tabs(list(views), key="view", bind="query-params", on_change="rerun"), views, strict=True):
        if tab.open:
            with tab:
                views[view]()


# --- the table ----------------------------------------------------------------------------------------------------


def _figures(loaded: LoadedRun, before: RetrievalReport, after: RetrievalReport, split: Split) -> None:
    rows = tables.comparison(before, after)
    st.dataframe(
        {
            "Figure": [row.name for row in rows],
            loaded.titles[0]: [row.before for row in rows],
            loaded.titles[1]: [row.after for row in rows],
            "Difference": [row.difference.mean for row in rows],
            "95 % interval, queries": [_interval(row) for row in rows],
            "What it is": [row.meaning for row in rows],
        },
        column_config=_columns(loaded.titles),
        hide_index=True,
        key="figures",
    )
    _exports(tables.cells(rows, loaded.titles), "figures", tables.exact(rows, loaded.titles))
    _field(loaded, before, after)
    if loaded.beside is not None:
        st.caption(
            "One training of each: the interval says how far the difference holds for other clips, not for other "
            "seeds. The page Compare runs lists the settings that differ."
        )
        return
    family = _family(loaded, split)
    seeds = tables.over_seeds(family)
    if not seeds:
        bench = session.workbench()
        more = "; train this run again with another seed, and they are compared here, pair by pair"
        possible = not bench.read_only and bench.can_read(loaded.student.data)
        st.caption(
            "One training with LIR beside its twin: the interval says how far the difference holds for other "
            "clips, not for other seeds. Differences of a few thousandths need several seeds before they mean "
            f"anything{more if possible else ''}."
        )
        return
    st.markdown(f"**Over {len(family)} seeds**, each training beside its own twin")
    st.dataframe(
        {
            "Figure": [one.row.name for one in seeds],
            loaded.titles[0]: [one.row.before for one in seeds],
            loaded.titles[1]: [one.row.after for one in seeds],
            "Difference": [one.row.difference.mean for one in seeds],
            "95 % interval over seeds": [_interval(one.row) for one in seeds],
            "p": [one.p_value for one in seeds],
            "Verdict": [one.verdict for one in seeds],
        },
        column_config={
            **_columns(loaded.titles),
            "p": st.column_config.NumberColumn(
                format="%.3f", help="Permutation test over seeds, corrected for the number of figures (Holm)"
            ),
        },
        hide_index=True,
        key="seeds",
    )
    by_seed = [one.row for one in seeds]
    _exports(tables.cells(by_seed), "figures-over-seeds", tables.exact(by_seed))


def _field(loaded: LoadedRun, before: RetrievalReport, after: RetrievalReport) -> None:
    """What other papers print, folded away: one relevant answer, and a class of them."""
    with st.expander("R@K, nDCG@10 and MRR, as other papers print them"):
        rows = tables.comparison(before, after, tables.FIELD)
        st.dataframe(
            {
                "Figure": [row.name for row in rows],
                loaded.titles[0]: [row.before for row in rows],
                loaded.titles[1]: [row.after for row in rows],
                "Difference": [row.difference.mean for row in rows],
                "What it is": [row.meaning for row in rows],
            },
            column_config=_columns(loaded.titles),
            hide_index=True,
            key="field",
        )
        _exports(tables.cells(rows, loaded.titles), "figures-of-the-field", tables.exact(rows, loaded.titles))


def _family(loaded: LoadedRun, split: Split) -> list[tables.Pair]:
    """Figures of all stored trainings, of runs and of experiments, that differ from this one in their seeds alone."""
    store, found = session.workbench().store, []
    known = [summary.config for summary in store.entries(StudentConfig.stage) if summary.config is not None]
    for student in tables.siblings(loaded.student, known):
        configs = [EvaluationConfig(one, split) for one in (student.twin, student)]
        if all(config in store for config in configs):
            before, after = (job_progress.artifact(config, "Reading the figures").metrics for config in configs)
            found.append((before, after))
    return found


def _columns(titles: tuple[str, str]) -> dict[str, Any]:
    plain, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    return {
        "Figure": st.column_config.TextColumn(width=222),
        titles[0]: st.column_config.NumberColumn(format="%.4f", help=glossary.LIR if titles == TITLES else None),
        titles[1]: plain,
        "Difference": signed,
        "What it is": st.column_config.TextColumn(
            width=390,
            help="R: how many clips truly share a label with the query. MAP over cut-offs: AP averaged over all "
            "numbers of answers, as the authors' released code has it.",
        ),
    }


def _interval(row: tables.Row) -> str:
    low, high = (tables.number(value, signed=True) for value in (row.difference.low, row.difference.high))
    return f"{low} to {high}" if low else ""


def _exports(table: Cells, name: str, exact: Cells | None = None) -> None:
    """CSV to download, with all digits; LaTeX and Markdown to copy (the copy sign in the code's corner)."""
    text = [[cell if isinstance(cell, str) else f"{cell:.4f}" for cell in line] for line in table]
    with st.container(horizontal=True):
        _csv(exact or table, name)
        with st.popover("Copy as LaTeX", type="tertiary", key=f"latex-{name}"):
            st.code(tables.as_latex(text), language="latex")
        with st.popover("Copy as Markdown", type="tertiary", key=f"markdown-{name}"):
            st.code(tables.as_markdown(text), language="markdown")


def _csv(table: Cells, name: str) -> None:
    st.download_button("CSV", tables.as_csv(table), f"{name}.csv", "text/csv", type="tertiary", key=f"csv-{name}")


def _picture(figure: go.Figure, name: str) -> None:
    """A picture that can be zoomed, hovered over and saved."""
    camera = {"format": st.session_state.get("picture", "svg"), "filename": name, "scale": 2}
    st.plotly_chart(figure, key=f"picture-{name}", config={"toImageButtonOptions": camera, "displaylogo": False})


# --- the tabs -----------------------------------------------------------------------------------------------------


def _classes(loaded: LoadedRun, before: RetrievalReport, after: RetrievalReport) -> None:
    one, other = figures.class_changes(before, after)
    queries = np.bincount(loaded.clips.hard_label[after.rows], minlength=len(after.classes))
    known = np.flatnonzero(~np.isnan(other - one))
    up, down = int((other > one)[known].sum()), int((other < one)[known].sum())
    st.caption(f"MAP of each class's queries, mean of both directions: {up} classes gain, {down} lose.")
    _picture(figures.class_bars(before, after, queries, said=loaded.said), "map-by-class")
    order = known[np.argsort(-(other - one)[known], kind="stable")]
    table: list[list[str | float | int]] = [["Class", *loaded.titles, "Change", "Clips"]]
    table += [
        [after.classes[c], float(one[c]), float(other[c]), float(other[c] - one[c]), int(queries[c])] for c in order
    ]
    _exports(table, "map-by-class")


def _scopes(loaded: LoadedRun, before: RetrievalReport, after: RetrievalReport) -> None:
    if not len(after.scopes):
        st.info("Fewer than ten clips: there is no precision within the first ten answers.")
        return
    st.caption("Share of relevant clips (same annotation) among the first K answers, mean over all queries.")
    _picture(figures.precision_curves(before, after, said=loaded.said), "precision-scope")
    table: list[list[str | float | int]] = [["K", *(f"{way} {side}" for way in ("A→V", "V→A") for side in loaded.said)]]
    for s, k in enumerate(after.scopes):
        values = (before.precision[0, s], after.precision[0, s], before.precision[1, s], after.precision[1, s])
        table.append([str(int(k)), *map(float, values)])
    _exports(table, "precision-scope")


def _epochs(loaded: LoadedRun) -> None:
    first, second = (job_progress.artifact(one, "Reading the student", start=False) for one in loaded.students)
    before, after = first.history.columns, second.history.columns
    starts = {one.regularizer.start_epoch for one in loaded.students if one.regularizer is not None}
    start = starts.pop() if len(starts) == 1 else None
    columns = sorted(set(before) | set(after))
    if not columns:
        st.info("This run kept no figures over its epochs.")
        return
    maps, losses = ([name for name in columns if name.startswith("map") == wanted] for wanted in (True, False))
    for chosen, title in ((maps, "MAP"), (losses, "Losses")):
        if chosen:
            _picture(
                figures.epochs(before, after, start, chosen, title, said=loaded.said), title.lower() + "-over-epochs"
            )
    said = [as_markdown(words) for words in loaded.said]
    st.caption(
        f"Kept: epoch {first.best_epoch + 1} {said[0]} and {second.best_epoch + 1} {said[1]}, each chosen on "
        "validation MAP." + (" Up to LIR's start both trainings are one." if loaded.beside is None else "")
    )
    heading: list[str | float | int] = ["epoch", *(f"{n} {side}" for n in columns for side in loaded.said)]
    length = max(len(values) for history in (before, after) for values in history.values())
    table: list[Sequence[str | float | int]] = [heading]
    for epoch in range(length):
        values = [
            float(history[name][epoch]) if name in history and epoch < len(history[name]) else float("nan")
            for name in columns
            for history in (before, after)
        ]
        table.append([epoch + 1, *("" if np.isnan(value) else value for value in values)])
    _csv(table, "epochs")


def _confusion(loaded: LoadedRun, before: RetrievalReport, after: RetrievalReport) -> None:
    said = {"change": f"change {loaded.said[1]}", "left": loaded.said[0], "right": loaded.said[1]}
    shown = st.segmented_control(
        "Show", list(said), format_func=lambda side: said[side], default="change", key="confusion",
        bind="query-params", required=True,
    )  # fmt: skip
    values = {"change": after.confusion - before.confusion, "left": before.confusion, "right": after.confusion}[shown]
    st.caption("Share of each class among a query's first ten answers, mean of both directions.")
    _picture(
        figures.confusion(values, after.classes, change=shown == "change", dark=st.context.theme.type == "dark"),
        "confusion",
    )
    table: list[Sequence[str | float | int]] = [["query \\ answers", *after.classes]]
    table += [[name, *map(float, line)] for name, line in zip(after.classes, values, strict=True)]
    _csv(table, "confusion")


@st.cache_data(max_entries=20, show_spinner="Counting false negatives")
def _hidden(key: str, split: Split, _loaded: LoadedRun) -> tuple[HiddenPairs, HiddenPairs]:
    from avexplore.retrieval.hidden_pairs import hidden_pairs

    return hidden_pairs(_loaded.before, _loaded.clips, split), hidden_pairs(_loaded.after, _loaded.clips, split)


def _false_negatives(loaded: LoadedRun, split: Split) -> None:
    if loaded.clips.true_labels is None:
        st.info("Only one label of each clip is known here, so nobody can count what was missed.")
        return
    before, after = _hidden(loaded.pair, split, loaded)
    total = int(after.pairs.sum())
    if not total:
        st.info("No two clips of this split share a true class under different annotations.")
        return
    left, right = st.columns(2)
    said = as_markdown(loaded.said[1])
    left.metric(
        "False negatives recovered, per pair",
        f"{after.recovered.sum():,.0f} of {total:,}",
        f"{after.recovered.sum() - before.recovered.sum():+,.0f} {said}",
        delta_color="off",  # no interval is known of it
        delta_arrow="off",
        help="Pairs of clips that share a true class under different annotations, which training took for negatives. "
        "Recovered: among the query's first R answers, with R the number of clips that are truly related to it.",
    )
    right.metric(
        "Share recovered, per pair",
        f"{after.recovered.sum() / total:.1%}",
        f"{(after.recovered.sum() - before.recovered.sum()) / total:+.1%} {said}",
        delta_color="off",
        delta_arrow="off",
    )
    st.caption(
        "Per pair, as here, every pair counts once, so that queries with many of them weigh most. Per query, as in the "
        "table above, every query counts once: the two shares differ."
    )
    change = after.recovered - before.recovered
    known = np.flatnonzero(after.pairs)
    order = known[np.argsort(-np.abs(change.ravel()[known]), kind="stable")]
    names, C = loaded.clips.classes, len(loaded.clips.classes)
    table: list[list[str | float | int]] = [["Query", "Answer", "Pairs", *loaded.titles, "Change"]]
    table += [
        [names[e // C], names[e % C], int(after.pairs.ravel()[e])]
        + [float(one.ravel()[e]) for one in (before.recovered, after.recovered, change)]
        for e in order
    ]
    columns = {name: [line[k] for line in table[1:]] for k, name in enumerate(table[0])}
    whole = st.column_config.NumberColumn(format="%.0f")
    st.dataframe(
        columns,
        column_config={
            **dict.fromkeys(loaded.titles, whole),
            "Change": st.column_config.NumberColumn(format="%+.0f"),
        },
        hide_index=True,
        key="false-negatives",
    )
    _csv(table, "false-negatives")


@st.cache_data(max_entries=40, show_spinner="Measuring distances")
def _measured(key: str, split: Split, top: int, tau: float, same_class: bool, _loaded: LoadedRun) -> DeltaDistance:
    from avexplore.retrieval.delta_distance import delta_distance

    rows = _loaded.clips.rows(split)
    return delta_distance(
        _loaded.before.at(rows),
        _loaded.after.at(rows),
        _loaded.soft(rows),
        _loaded.clips.hard_label[rows],
        _loaded.affinity.weights,
        top=top,
        tau=tau,
        same_class=same_class,
    )


def _delta(loaded: LoadedRun, split: Split) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        top = st.slider("Strongest edges", 5, 60, 20, 5, key="edges", bind="query-params", width=240)
        tau = st.slider(
            "Active above", 0.02, 0.5, 0.1, 0.02, key="tau", bind="query-params", width=240,
            help="A clip activates a class node if its soft label exceeds this.",
        )  # fmt: skip
        same_class = st.toggle(
            "Edges within a class", key="same", bind="query-params",
            help="Also audio:X with visual:X, which LIR links by the identity and not by the graph.",
        )  # fmt: skip
    found = _measured(loaded.pair, split, top, tau, same_class, loaded)
    mean = found.mean
    if not mean.count:
        st.info(
            "No pair of clips activates both ends of such an edge. Lower the threshold, take more edges, or look at "
            "edges within a class."
        )
        return
    beyond = found.mean_beyond_others
    said = [as_markdown(words) for words in loaded.said]
    st.caption(
        "Mean distance (1 - cosine, as retrieval ranks) of clips with different annotations that activate both ends of "
        f"an edge, {said[0]} minus {said[1]}. Mean over {mean.count} edges: {_with_interval(mean)}. Diamonds: the same "
        "of all pairs with different annotations, whatever they activate, since distances change as such, too; pairs "
        f"on edges come nearer than those by {_with_interval(beyond)}."
    )
    _picture(figures.edge_deltas(found, loaded.affinity.nodes, said=loaded.said), "delta-d")
    table: list[list[str | float | int]] = [
        ["Edge", "Weight", "Pairs", *loaded.titles, "Delta-D", "Delta-D of all pairs"]
    ]
    for e, (i, j) in enumerate(found.edges):
        if found.pairs[e]:
            name = f"{loaded.affinity.nodes[i]} – {loaded.affinity.nodes[j]}"
            values = (found.before[e], found.after[e], found.delta[e], found.others[e])
            table.append([name, float(found.weights[e]), str(int(found.pairs[e])), *map(float, values)])
    _exports(table, "delta-d")


def _with_interval(mean: Interval) -> str:
    return f"{mean.mean:+.4f}" + (f" (95 % interval {mean.low:+.4f} to {mean.high:+.4f})" if mean.count > 1 else "")
