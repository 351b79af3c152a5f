"""A report's figures against figures by hand, and one whole report from tiny trainings."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from avexplore.artifacts import Clips, GraphStability, History, RetrievalReport, SoftLabels, TrainedStudent
from avexplore.config import (
    ClipsConfig,
    Config,
    EvaluationConfig,
    GraphConfig,
    SoftLabelFileConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
    override,
)
from avexplore.config.presets import preset
from avexplore.errors import ConfigError
from avexplore.reporting import FIGURES, needed
from avexplore.reporting.contents import final_figures, students
from avexplore.reporting.drawing import as_svg, with_plotly
from avexplore.reporting.figures import Curve, Curves, Figure, Heat
from avexplore.reporting.page import write_report
from avexplore.store import Store
from avexplore.workbench import Workbench

STUDENT = preset("tiny", SyntheticConfig(clips=80, classes=3))
HOSTILE = "<script>alert(1)</script> $x^2$ & =1+1"


def trained(student: StudentConfig) -> TrainedStudent:
    """Validation MAP rises by .01 an epoch from .1 per seed; epochs 2 and 4 were not measured."""
    values = 0.1 * (1 + student.seed) + 0.01 * np.arange(6)
    values[[1, 3]] = np.nan
    columns = {"metric_loss": 2.0 - 0.1 * np.arange(6), "map_train": values + 0.5, "map_validation": values}
    none: Any = None
    return TrainedStudent(none, {}, History(columns), 5, 6)


def stability(config: StabilityConfig) -> GraphStability:
    nodes = tuple(f"{m}:{c}" for m in ("audio", "visual") for c in (HOSTILE, "B", "C"))
    frequency = np.zeros((6, 6))
    teacher: Any = config.graph.soft_labels
    frequency[0, 4] = frequency[4, 0] = 1.0 if teacher.seed == 0 else 0.5
    frequency[1, 2] = frequency[2, 1] = 0.25
    two = np.ones(2)
    return GraphStability(nodes, frequency, frequency, frequency * 0, frequency, np.eye(6), 4, two, two, two)


def evaluation(config: EvaluationConfig) -> RetrievalReport:
    model: Any = config.model
    lir = 0.0 if model.regularizer is None else 0.02
    k = model.neighbors if model.proxies == "aadml" else 0
    value = 0.3 + 0.1 * model.seed + lir + 0.01 * k - 0.2 * (1 - model.data.train_fraction)
    none, rows = np.zeros(0), np.zeros(0, int)
    scopes = np.array([10, 20])
    precision = np.array([[value, value / 2], [value, value / 2]])
    return RetrievalReport({"map": value}, none, scopes, precision, none, none, rows, ())


def get(config: Config) -> Any:
    if isinstance(config, EvaluationConfig):
        return evaluation(config)
    if isinstance(config, StabilityConfig):
        return stability(config)
    if isinstance(config, ClipsConfig):
        count = round(100 * config.data.train_fraction)
        ids = tuple(map(str, range(count)))
        zero = np.zeros(count, int)
        return Clips(hard_label=np.arange(count) % 2, classes=("A", "B"), split=zero, clip_ids=ids)
    if isinstance(config, TeacherConfig):
        values, rows = np.eye(3)[[0, 1, 2, 0]], np.zeros(4, int)
        return SoftLabels(values, values, "logits", (HOSTILE, "B", "C"), rows, rows)
    assert isinstance(config, StudentConfig)
    return trained(config)


def figures(name: str) -> list[Figure]:
    return FIGURES[name][1](students(STUDENT, 2), get)


def test_map_by_start_epoch_has_a_line_per_start_and_skips_what_was_not_measured() -> None:
    (found,) = figures("start-epoch")
    assert isinstance(found, Curves)
    assert [c.name for c in found.curves] == ["without LIR", *(f"LIR from epoch {e}" for e in (2, 3, 4, 5))]
    for curve in found.curves:
        np.testing.assert_array_equal(curve.x, [1, 3, 5, 6])
        np.testing.assert_allclose(curve.y, np.array([0, 0.02, 0.04, 0.05]) + 0.15)


def test_edge_frequencies_are_means_over_teachers_and_told_apart_by_teacher() -> None:
    whole, by_teacher = figures("edges")
    assert isinstance(whole, Heat)
    assert isinstance(by_teacher, Heat)
    np.testing.assert_allclose([whole.values[0, 4], whole.values[1, 2]], [0.75, 0.25])
    # the edge of .25 is the same with both teachers, and says nothing of how they differ
    np.testing.assert_allclose(by_teacher.values, [[1.0, 0.5]])
    assert by_teacher.caption.startswith("1 of the 1 links")
    # two entries differ by one half: sqrt(2 * .25)
    assert "0.71" in whole.caption


def test_teachers_that_agree_are_not_told_apart() -> None:
    assert [found.name for found in FIGURES["edges"][1](students(STUDENT, 1), get)] == ["edge-frequency"]


def test_soft_labels_from_a_file_are_one_teacher_for_all_seeds() -> None:
    file = override(STUDENT, {"graph": {"soft_labels": SoftLabelFileConfig("0" * 64, "soft.npz")}})
    seen: list[StabilityConfig] = []

    def once(config: Config) -> Any:
        assert isinstance(config, StabilityConfig)
        seen.append(config)
        return stability(STUDENT.stability)

    (whole,) = FIGURES["edges"][1](students(file, 3), once)
    assert len(seen) == 1
    assert "teachers" not in whole.caption


def test_a_student_of_one_epoch_has_no_start_to_look_from() -> None:
    (found,) = FIGURES["start-epoch"][1](
        [one.replace(epochs=1, regularizer=None) for one in students(STUDENT, 2)], lambda config: trained(config)
    )
    assert isinstance(found, Curves)
    assert found.view is None


def test_map_by_start_epoch_is_looked_at_from_the_first_start_on() -> None:
    (found,) = figures("start-epoch")
    assert isinstance(found, Curves)
    assert found.view is not None
    left, right, bottom, top = found.view
    assert (left, right) == (2, 6)
    assert 0.15 < bottom < 0.17 < 0.20 < top
    drawn = with_plotly(found)
    assert tuple(drawn.layout.xaxis.range) == (left, right)
    assert tuple(drawn.layout.yaxis.range) == (bottom, top)
    assert len(drawn.data[0].x) == 4, "what is out of view is still there"


def test_precision_scope_holds_the_paired_lines_with_student_t_bands() -> None:
    (found,) = figures("precision-scope")
    assert isinstance(found, Curves)
    without, with_lir = found.curves
    np.testing.assert_allclose(without.y, [0.35, 0.175])
    np.testing.assert_allclose(with_lir.y, [0.37, 0.185])
    # n = 2: half width = t(.975, 1 df) * sd / sqrt(2), sd = .1 / sqrt(2)
    np.testing.assert_allclose(without.high[0] - without.y[0], 12.7062 * 0.05, rtol=1e-4)


def test_map_by_neighbors_runs_from_one_to_seven() -> None:
    (found,) = figures("neighbors")
    assert isinstance(found, Curves)
    proxies, plain = found.curves
    np.testing.assert_array_equal(proxies.x, range(1, 8))
    np.testing.assert_allclose(proxies.y, 0.35 + 0.01 * np.arange(1, 8))
    np.testing.assert_allclose(plain.y, 0.35)


def test_map_by_training_clips_has_four_lines_over_the_sizes() -> None:
    (found,) = figures("training-size")
    assert isinstance(found, Curves)
    assert [c.name for c in found.curves] == [
        *("without LIR", "with LIR", "anchor-aware proxies, without LIR", "anchor-aware proxies, with LIR")
    ]
    for curve, more in zip(found.curves, (0.0, 0.02, 0.03, 0.05), strict=True):
        np.testing.assert_array_equal(curve.x, [10, 20, 40, 70, 100])
        np.testing.assert_allclose(curve.y, 0.35 + more - 0.2 * np.array([0.9, 0.8, 0.6, 0.3, 0.0]))
    for student in needed(STUDENT, 2, ["training-size"]):
        assert isinstance(student, EvaluationConfig | ClipsConfig)


def test_soft_labels_from_a_file_know_no_smaller_training() -> None:
    file = override(STUDENT, {"graph": {"soft_labels": SoftLabelFileConfig("0" * 64, "soft.npz")}})
    assert FIGURES["training-size"][0](students(file, 2)) == FIGURES["training-size"][1](students(file, 2), get) == []


def test_the_table_pairs_by_seed() -> None:
    rows = final_figures(students(STUDENT, 3), get)
    assert {row[1] for row in rows} == {"train", "validation", "test"}
    for name, _, before, after, difference, low, high in rows:
        assert name == "map"
        assert (before, after) == pytest.approx((0.4, 0.42))
        assert (difference, low, high) == pytest.approx((0.02, 0.02, 0.02))


def test_pairs_of_classes_and_the_verdict_on_the_graph() -> None:
    from avexplore.graph.evidence.pair_probability import pair_probability
    from avexplore.graph.evidence.simulated_worlds import simulate
    from avexplore.graph.learn import learn_class_graph
    from avexplore.graph.stability.stability import measure_stability

    soft = simulate(2_000_011).soft_labels
    known = pair_probability(soft)

    def made(config: Config) -> Any:
        if isinstance(config, GraphConfig):
            return learn_class_graph(soft, config)
        if isinstance(config, StabilityConfig):
            return measure_stability(soft, config.replace(bootstraps=3, null="none", seeds=0))
        return soft if isinstance(config, TeacherConfig) else None

    assert figures("class-pairs") == [], "of three classes nothing can be said"
    (found,) = FIGURES["class-pairs"][1](students(STUDENT, 1), made)
    assert isinstance(found, Heat)
    assert list(found.rows) == list(soft.classes)
    assert found.values[0, 1] == known.probability[0, 1]
    assert found.values[0, 0] == 0
    assert "Over 3 bootstraps" in found.caption
    assert "only look or sound alike" in found.caption


@pytest.mark.parametrize("name", list(FIGURES))
def test_csv_svg_and_plotly_hold_the_same_and_nothing_of_it_is_markup(name: str) -> None:
    for found in figures(name):
        svg = as_svg(found)
        assert svg == as_svg(found), "the same figure gives the same bytes"
        root = ElementTree.fromstring(svg)  # noqa: S314 - our own file
        assert not [e for e in root.iter() if e.tag.endswith("script")]
        rows = list(csv.reader(io.StringIO(found.csv())))
        drawn = with_plotly(found)
        if isinstance(found, Heat):
            np.testing.assert_allclose([[float(v) for v in row[1:]] for row in rows[1:]], found.values)
            np.testing.assert_allclose(drawn.data[0].z, found.values)
            text = b"".join(svg.splitlines()).decode()
            assert "<script>" not in text
            assert "<script>" not in drawn.to_html(include_plotlyjs=False).split("Plotly.newPlot")[1].split("layout")[0]
        else:
            points = [float(row[2]) for row in rows[1:]]
            np.testing.assert_allclose(points, np.concatenate([c.y for c in found.curves]))
            lines = [trace for trace in drawn.data if trace.name]
            np.testing.assert_allclose(np.concatenate([t.y for t in lines]), points)


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    found = Curves("x", "x", "x", "x", "y", [Curve("=1+1", np.ones(1), np.ones(1))])
    assert "'=1+1" in found.csv()


def test_what_cannot_be_reported_is_said_so() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        needed(STUDENT, 2, ["nonsense"])
    with pytest.raises(ConfigError, match="no LIR"):
        needed(STUDENT.twin, 2, ["edges"])


@pytest.mark.slow
def test_a_whole_report_fetches_nothing_names_its_results_and_is_made_once(tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path / "home"))
    files = write_report(STUDENT, tmp_path / "report", bench, seeds=2, figures=["precision-scope", "losses"])
    page = files[0].read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|<link[^>]*href)="(?:https?:)?//', page)
    for part in needed(STUDENT, 2, ["precision-scope", "losses"]):
        assert part.address in page
    mean = np.mean([bench.get(EvaluationConfig(s)).metrics["map"] for s in students(STUDENT, 2)])
    assert f"{mean:.4f}" in page
    assert {path.name for path in files} >= {"precision-scope.svg", "losses.csv", "figures.csv"}
    made = {entry.address: entry.created for entry in bench.store.entries("student")}
    again = write_report(STUDENT, tmp_path / "again", bench, seeds=2, figures=["precision-scope", "losses"])
    assert {entry.address: entry.created for entry in bench.store.entries("student")} == made
    for one, other in zip(files, again, strict=True):
        assert one.suffix == ".html" or one.read_bytes() == other.read_bytes()
