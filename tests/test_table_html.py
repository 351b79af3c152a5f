"""What a notebook shows of results: their telling rows, small, with nothing in them that a browser would run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from stored_run import Made

from avexplore.artifacts import ClassGraph, ExperimentReport, GraphStability, RetrievalReport, SweepReport, class_nodes
from avexplore.table_html import MOST

HOSTILE = '<img src=x onerror="window.hacked=1">'
NODES = class_nodes((HOSTILE, "Dog", "Rain & wind"))
TWO = np.zeros(2)


def graph() -> ClassGraph:
    adjacency, gain, effect = np.zeros((6, 6), np.int8), np.zeros((6, 6)), np.zeros((6, 6))
    adjacency[0, 1] = adjacency[1, 2] = adjacency[2, 1] = 1
    gain[0, 1], gain[2, 1] = 12.0, 3456.0
    effect[0, 1], effect[2, 1] = -0.25, 0.5
    return ClassGraph(NODES, adjacency, gain=gain, effect=effect, samples=1186)


def stability() -> GraphStability:
    often, arrows = np.zeros((6, 6)), np.zeros((6, 6))
    often[0, 1] = often[1, 0] = 0.25
    often[1, 2] = often[2, 1] = 0.75
    arrows[2, 1] = 0.5
    nothing, alike = np.zeros((6, 6)), np.zeros((6, 6))
    often[3, 4] = often[4, 3] = 1.0
    alike[1, 2], alike[0, 1], alike[3, 4] = 0.5, 0.1, -0.9
    return GraphStability(NODES, often, arrows, nothing, nothing, alike, 20, TWO, np.array([0.49, 0.21]), TWO)


def report() -> RetrievalReport:
    none = np.zeros((0, 2))
    return RetrievalReport({"map": 0.36, HOSTILE: 0.5}, none, TWO.astype(int), none, none, none, np.arange(480), NODES)


def experiment() -> ExperimentReport:
    values = np.array([[[0.25, 0.5], [0.75, 0.5]], [[1.0, 0.0], [0.0, 0.5]]])
    return ExperimentReport(("twin", HOSTILE), np.arange(2), ("map", "any_label_map"), values)


def sweep() -> SweepReport:
    values = np.array([[[0.25]], [[0.75]]])
    return SweepReport(("regularizer.weight", HOSTILE), ((0.3, 5), (1.0, 2)), ("map",), values, values / 2, "map")


class Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and self.tags[-1] in ("td", "th") and data.strip():
            self.rows[-1][-1] += data


@pytest.mark.parametrize("make", [graph, stability, report, experiment, sweep])
def test_names_are_text(make: object) -> None:
    shown = make()._repr_html_()  # type: ignore[operator]
    assert "<img" not in shown
    assert "&lt;img" in shown
    assert set(Cells(shown).tags) <= {"div", "p", "strong", "table", "tr", "th", "td"}
    assert re.findall(r"(?:src|href)=", shown.replace("src=x", "")) == [], "nothing is fetched"


def test_a_graphs_heaviest_edge_comes_first() -> None:
    shown = Cells(graph()._repr_html_())
    assert shown.rows[1] == ["Dog (audio) – Rain & wind (audio)", "+0.50", "3,456"]
    assert shown.rows[2] == [f"{HOSTILE} (audio) → Dog (audio)", "-0.25", "12"]
    assert "6 nodes and 2 edges, 1 directed, from 1,186 clips" in graph()._repr_html_()


def test_stability_says_what_comes_back_and_where_to() -> None:
    shown = Cells(stability()._repr_html_())
    assert shown.rows[0] == ["Pair", "Correlation", "In bootstraps", "→", "←"]
    assert shown.rows[1] == ["Dog (audio), Rain & wind (audio)", "+0.50", "75%", "0%", "50%"]
    assert [row[2] for row in shown.rows[1:]] == ["75%", "25%", "100%"], "classes that avoid each other come last"
    assert "49% of their pairs and 21%" in stability()._repr_html_()


def test_reports_show_their_figures() -> None:
    assert Cells(report()._repr_html_()).rows[1] == ["map", "0.3600"]
    assert Cells(experiment()._repr_html_()).rows[1:] == [
        ["twin", "0.5000", "0.5000"],
        [HOSTILE, "0.5000", "0.2500"],
    ]
    assert Cells(sweep()._repr_html_()).rows[1] == ["1. 1.0, 2", "0.7500", "0.3750"]


def test_a_large_graph_stays_small(made: Made) -> None:
    count = 120
    classes = tuple(f"class {i}" for i in range(count))
    adjacency = np.triu(np.ones((2 * count, 2 * count), np.int8), 1)
    shown = ClassGraph(class_nodes(classes), adjacency)._repr_html_()
    assert len(shown) < 4_000
    assert len(Cells(shown).rows) == 1 + MOST
    assert f"and {count * (2 * count - 1) - MOST:,} more" in shown
