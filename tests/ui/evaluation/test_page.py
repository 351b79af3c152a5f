"""The evaluation page on a stored run: the stored figures to the last digit, every tab, and what may be missing."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from avexplore.analysis import tables
from avexplore.artifacts import History, TrainedStudent
from avexplore.config import ClipsConfig, EvaluationConfig
from avexplore.retrieval import evaluate
from avexplore.retrieval.hidden_pairs import hidden_pairs
from avexplore.store import Store
from avexplore.ui.evaluation import figures

ROOT = Path(__file__).parents[3]
TABS = ("By class", "Precision-scope", "Over epochs", "Confusion", "False negatives", "Delta-D")


@pytest.fixture
def reports(made: Any) -> Any:
    """Real reports in place of the conftest's sketches, and a history."""
    store, found = Store(made.home), []
    for config, embeddings in ((made.student.twin, made.before), (made.student, made.after)):
        report = evaluate(embeddings, made.clips)
        history = History(
            {
                "map_validation": np.array([0.1, np.nan, 0.3]),
                "loss": np.array([3.0, 2.0, 1.0]),
                "lir": np.full(3, np.nan),
            }
        )
        for stale in (EvaluationConfig(config), config):
            store.remove(stale.address)
        store.put(EvaluationConfig(config), report)
        store.put(config, TrainedStudent(embeddings, {}, history, 1, 3))
        found.append(report)
    return found


def sibling(made: Any, reports: Any) -> str:
    """Stores the run again as of another seed, where LIR changed nothing; returns its key."""
    again, store = made.student.replace(seed=3), Store(made.home)
    store.remember_run(again.address)
    for config in (again.twin, again):
        store.put(config, TrainedStudent(made.before, {}, History({}), 0, 1))
        store.put(EvaluationConfig(config), reports[0])
    return again.address[:12]


def charts(at: Any) -> list[dict[str, Any]]:
    return [json.loads(element.proto.spec) for element in at.get("plotly_chart")]


def downloads(at: Any) -> list[str]:
    return [button.proto.label for button in at.get("download_button")]


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_draws(tab, reports, app):
    at = app("evaluation", view=tab)
    at.session_state["view"] = tab
    at.run()
    assert not at.exception
    assert [one.label for one in at.tabs] == list(TABS)
    assert bool(charts(at)) == (tab != "False negatives")


def test_the_table_holds_the_stored_figures_to_the_last_digit(reports, app):
    at = app("evaluation")
    table = at.dataframe[0].value.set_index("Figure")
    for key, (name, _) in tables.FIGURES.items():
        assert table.loc[name, "Without LIR"] == reports[0].metrics[key]
        assert table.loc[name, "With LIR"] == reports[1].metrics[key]
    assert table["Difference"].iloc[2] == pytest.approx(reports[1].metrics["map"] - reports[0].metrics["map"])
    assert "CSV" in downloads(at)
    code = [block.value for block in at.code]
    assert any(text.startswith(r"\begin{tabular}{lrrrr}") for text in code)
    assert any(text.startswith("| Figure | Without LIR |") for text in code)


def test_figures_of_the_field_stand_beside_also_for_reports_that_lack_them(reports, made, app):
    expected = [evaluate(one, made.clips).metrics for one in (made.before, made.after)]
    for stored in (reports, [replace(r, metrics={"map": r.metrics["map"]}) for r in reports]):
        store = Store(made.home)
        for student, report in zip((made.student.twin, made.student), stored, strict=True):
            store.remove(EvaluationConfig(student).address)
            store.put(EvaluationConfig(student), report)
        at = app("evaluation")
        assert not at.exception
        table = at.dataframe[1].value.set_index("Figure")
        for key, (name, _) in tables.FIELD.items():
            for column, metrics in zip(("Without LIR", "With LIR"), expected, strict=True):
                assert table.loc[name, column] == pytest.approx(metrics[key], abs=1e-9)


def test_the_page_and_the_command_line_say_the_same_to_the_last_digit(made, app, tmp_path):
    """Each computes the report by itself, in a data folder of its own."""
    places = {"page": made.home, "command": tmp_path / "command"}
    shutil.copytree(made.home, places["command"])
    for home in places.values():
        for student in (made.student.twin, made.student):
            assert Store(home).remove(EvaluationConfig(student).address)
    said = []
    for lir in ("--no-lir", "--lir"):
        command = [sys.executable, "-m", "avexplore", "evaluate", "--run", made.key, lir, "--json"]
        environment = {**os.environ, "AVEXPLORE_HOME": str(places["command"])}
        found = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        said.append(json.loads(found.stdout)["metrics"])
    at = app("evaluation")
    assert not at.exception
    table = at.dataframe[0].value.set_index("Figure")
    for key, (name, _) in tables.FIGURES.items():
        for column, metrics in zip(("Without LIR", "With LIR"), said, strict=True):
            assert table.loc[name, column] == metrics[key]


def test_false_negatives_of_the_page_are_those_of_the_report(reports, made, app):
    at = app("evaluation")
    at.session_state["view"] = "False negatives"
    at.run()
    found = hidden_pairs(made.after, made.clips)
    assert at.metric[0].value == f"{found.recovered.sum():,.0f} of {found.pairs.sum():,}"
    pairs = next(frame.value for frame in at.dataframe if "Pairs" in frame.value)["Pairs"]
    assert pairs.sum() == found.pairs.sum()


def test_without_hidden_labels_it_says_so(reports, made, app):
    bare = replace(made.clips, true_labels=None)
    config = ClipsConfig(made.student.data)
    Store(made.home).remove(config.address)
    Store(made.home).put(config, bare)
    at = app("evaluation")
    at.session_state["view"] = "False negatives"
    at.run()
    assert not at.exception
    assert "Only one label of each clip is known" in at.info[0].value


def test_names_from_data_files_are_text(reports, app):
    at = app("evaluation")
    ticks = charts(at)[0]["layout"]["yaxis"]["ticktext"]
    assert "&lt;b&gt;Bus&lt;/b&gt;" in ticks
    assert not any("<" in tick for tick in ticks)


def test_bars_are_sorted_by_change(reports):
    figure = figures.class_bars(*reports, np.full(8, 4))
    change = list(figure.data[0].x)
    assert change == sorted(change)
    assert len(change) == 8
    few = figures.class_bars(*reports, np.full(8, 4), most=3)
    assert len(few.data[0].x) == 3
    assert max(map(abs, few.data[0].x)) == max(map(abs, change))


@pytest.mark.parametrize("reach", [0.0001, 0.004, 0.017, 0.05, 0.12, 0.9])
def test_no_two_ticks_read_the_same(reach):
    """Plotly's steps are 1, 2 or 5 times a power of ten, at most `nticks` of them."""
    ticks = figures.signed_ticks(np.array([-reach, reach / 2]))
    decimals = int(ticks["tickformat"][2])
    step = min(
        s for k in range(-9, 2) for s in (10.0**k, 2 * 10.0**k, 5 * 10.0**k) if 1.5 * reach / s <= ticks["nticks"]
    )
    labels = [f"{value:+.{decimals}f}" for value in np.arange(-8, 9) * step]
    assert len(set(labels)) == len(labels)


def test_the_two_ways_to_count_recovered_pairs_are_named(reports, app):
    at = app("evaluation")
    at.session_state["view"] = "False negatives"
    at.run()
    assert "False negatives recovered, per query" in list(at.dataframe[0].value["Figure"])
    assert all(metric.label.endswith("per pair") for metric in at.metric)


def test_epochs_mark_the_start_and_bridge_what_was_not_measured():
    history = {"map_validation": np.array([0.1, np.nan, 0.3])}
    figure = figures.epochs(history, history, 1, ["map_validation", "absent"], "MAP")
    assert [list(line.x) for line in figure.data] == [[1, 3], [1, 3]]
    assert figure.layout.shapes[0].x0 == 1.5
    assert figure.layout.annotations[0].text == "LIR on"


def test_siblings_differ_in_seeds_alone(made):
    student = made.student
    again = student.replace(seed=5, regularizer=student.regularizer.replace(weight=1.0))
    teacher = again.regularizer.affinity.stability.graph.soft_labels
    assert tables.siblings(student, [student, again, student.replace(dim=64), student.twin, teacher]) == [
        student,
        again,
    ]


def test_figures_over_seeds():
    (row,) = tables.over_seeds([({"map": 0.4}, {"map": 0.5}), ({"map": 0.4}, {"map": 0.6})])
    assert (row.row.before, row.row.after) == pytest.approx((0.4, 0.55))
    assert row.row.difference.mean == pytest.approx(0.15)
    assert row.row.difference.count == 2
    assert row.verdict == "no difference shown"
    steady = [({"map": 0.4 + k / 100}, {"map": 0.41 + k / 100 + k % 2 / 1000}) for k in range(8)]
    assert tables.over_seeds(steady)[0].verdict == "gain"
    assert tables.over_seeds(steady[:1]) == []


def test_other_data_is_no_sibling(made):
    data = made.student.data.replace(seed=99)
    assert tables._without_seeds(made.student) != tables._without_seeds(made.student.replace(data=data))


def test_csv_is_safe_and_exact():
    table = [["Class", "MAP"], ["=cmd|' /C calc'!A0", 0.1234567890123456], ["a,b", "-0.5"]]
    rows = list(csv.reader(io.StringIO(tables.as_csv(table))))
    assert rows[1] == ["'=cmd|' /C calc'!A0", "0.1234567890123456"]
    assert rows[2] == ["a,b", "-0.5"]
    assert tables.as_csv([["", "Bus"], ["Bus", 1]]) == ",Bus\nBus,1\n", "no quote before the empty corner of a heat map"


def test_latex_escapes_what_latex_reads():
    text = tables.as_latex([["Class", "x"], ["a_b & 50% {c} \\ ~^ →", "1"]])
    assert r"a\_b \& 50\% \{c\} \textbackslash{} \textasciitilde{}\textasciicircum{} $\to$ & 1 \\" in text


def test_intervals_are_over_queries_of_one_training(reports):
    rows = {row.name: row for row in tables.comparison(*reports)}
    per_clip = (reports[1].average_precision - reports[0].average_precision).mean(0)
    half = 1.959964 * per_clip.std(ddof=1) / len(per_clip) ** 0.5
    row = rows["MAP, mean"]
    assert row.difference.mean == pytest.approx(row.after - row.before)
    assert row.difference.high - row.difference.mean == pytest.approx(half, rel=0.05)
    hidden = rows["Hidden-pair AP"]
    assert hidden.over == "queries"
    assert hidden.difference.low < hidden.after - hidden.before < hidden.difference.high
    earlier = {row.name: row for row in tables.comparison(*(replace(one, per_query={}) for one in reports))}
    assert earlier["Hidden-pair AP"].over == ""
    assert earlier["MAP, mean"] == row


def test_the_address_names_the_run_by_its_key(reports, made, app):
    """Through `app.py`, where the sidebar is drawn."""
    other = sibling(made, reports)

    def visit(key: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        at.query_params["run"] = key
        return at.run()

    for key in (made.key, other):
        at = visit(key)
        assert at.query_params["run"] in (key, [key])
    wrong = visit("ffffffffffff")
    assert wrong.query_params["run"] in (made.key, other, [made.key], [other])
    said = [*wrong.toast, *wrong.warning, *wrong.info, *wrong.error]
    assert any("not on this machine" in one.value for one in said)


def test_runs_of_other_seeds_are_compared_pair_by_pair(reports, made, app):
    sibling(made, reports)
    frames = [frame.value for frame in app("evaluation").dataframe]
    table = next(frame for frame in frames if "Verdict" in frame).set_index("Figure")
    gain = reports[1].metrics["map"] - reports[0].metrics["map"]
    assert table.loc["MAP, mean", "Difference"] == pytest.approx(gain / 2)  # the other seed gained nothing
    assert (table["Verdict"] == "no difference shown").all()
