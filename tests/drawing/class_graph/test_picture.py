"""From graphs to pictures, tables and payloads; and what a threshold shows."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis import run_tables
from avexplore.analysis.pair_evidence import PairEvidence, expected_counts
from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
from avexplore.config import KnowledgeConfig
from avexplore.drawing.class_graph.arrangement import Arrangement, of_classes
from avexplore.drawing.class_graph.build import build_picture, first_threshold, shown
from avexplore.drawing.class_graph.layouts import arrange
from avexplore.drawing.class_graph.names import edge_id, node_id
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.drawing.class_graph.sources import FRONTEND, loader_source, vis_network
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.graph.layout.class_layout import lay_out
from avexplore.ui.class_graph.details.details import _columns
from avexplore.ui.class_graph.details.tables import edge_table, matrix_figure, matrix_values

ROWS = Arrangement("layered", arrange("layered", np.ones((4, 4))))
NODES = ("audio:A", "audio:<b>B</b>", "visual:A", "visual:<b>B</b>")


def a_graph(*edges: tuple[int, int], undirected: tuple[tuple[int, int], ...] = ()) -> ClassGraph:
    adjacency = np.zeros((4, 4), np.int8)
    gain = np.zeros((4, 4))
    for rank, (i, j) in enumerate(edges):
        adjacency[i, j] = 1
        gain[i, j] = 10 - rank
    for i, j in undirected:
        adjacency[i, j] = adjacency[j, i] = 1
        gain[i, j] = 1
    return ClassGraph(NODES, adjacency, gain=gain, effect=gain / 10)


def a_stability(**frequency: float) -> GraphStability:
    share = np.zeros((4, 4))
    for pair, value in frequency.items():
        i, j = int(pair[1]), int(pair[2])
        share[i, j] = share[j, i] = value
    zero = np.zeros((4, 4))
    pair = np.zeros(2)
    return GraphStability(NODES, share, share / 2, zero, zero, zero, 100, pair, pair, pair)


def test_edges_carry_direction_frequency_and_ids() -> None:
    picture = build_picture(a_graph((0, 1), undirected=((1, 3),)), a_stability(e01=0.9, e13=0.4, e23=0.6))
    found = {edge.id: edge for edge in picture.edges}
    assert (found["e0-1"].directed, found["e0-1"].frequency) == (True, 0.9)
    assert (found["e1-3"].directed, found["e1-3"].frequency) == (False, 0.4)
    assert found["e2-3"].type == "ghost", "often in bootstraps, not in the graph"
    assert [edge.id for edge in shown(picture, 0.5)] == ["e0-1"]


def test_without_bootstraps_edges_rank_by_gain() -> None:
    picture = build_picture(a_graph((0, 1), (0, 2), (0, 3)))
    assert [edge.rank for edge in picture.edges] == pytest.approx([1, 2 / 3, 1 / 3])
    assert picture.measure == "BIC gain"


def test_only_directions_that_the_bootstraps_agree_on_are_pointed_out() -> None:
    graph = a_graph((0, 1), (0, 2), (2, 3), undirected=((1, 3),))
    stability = a_stability(e01=0.9, e02=0.9, e23=0.9, e13=0.9)
    forth = np.zeros((4, 4))
    forth[0, 1] = 0.9
    forth[0, 2], forth[2, 0] = 0.4, 0.5
    forth[3, 2] = 0.9  # all of them against the arrow of the graph
    picture = build_picture(graph, replace(stability, orientation_frequency=forth), given=False)
    arrows = {edge["id"]: edge["arrows"] for edge in to_payload(picture, ROWS)["edges"]}
    assert arrows == {"e0-1": "to", "e0-2": "", "e2-3": "", "e1-3": ""}
    assert "1 with a settled direction" in picture.summary
    title = next(edge.title for edge in picture.edges if edge.id == "e0-2")
    assert "direction not settled: → in 40% of the bootstraps, ← in 50%" in title
    assert [edge.id for edge in shown(picture, 0.0, ["undirected"])] == ["e0-1"]
    assert list(edge_table(picture, graph, stability, 0.0)[""]).count("→") == 1


def test_directions_are_read_where_they_are_given_and_not_before_the_bootstraps_are_done() -> None:
    graph = a_graph((0, 1), (2, 3))
    assert all(edge.settled for edge in build_picture(graph).edges), "a planted or an imported graph"
    assert not any(edge.settled for edge in build_picture(graph, given=False).edges)
    rules = KnowledgeConfig(required=((NODES[0], NODES[1]),))
    required = build_picture(graph, given=False, rules=rules)
    assert [edge.id for edge in required.edges if edge.settled] == ["e0-1"], "what the reader demands is settled"


def test_edges_that_the_null_model_finds_as_often_are_told_and_can_be_left_out() -> None:
    graph, stability = a_graph((0, 1), (0, 2), (2, 3)), a_stability(e01=0.9, e02=0.9, e23=0.9)
    null = np.zeros((4, 4))
    null[0, 1], null[0, 2] = 0.8, 0.9
    known = replace(stability, null="within-class", null_frequency=np.maximum(null, null.T))
    picture = build_picture(graph, known)
    assert [edge.id for edge in picture.edges if edge.in_null] == ["e0-2"]
    assert [edge.id for edge in shown(picture, 0.0, ["null"])] == ["e0-1", "e2-3"]
    unknown = build_picture(graph, stability)
    assert not any(edge.in_null for edge in unknown.edges)


def test_links_within_a_class_that_the_legend_hides_are_not_listed() -> None:
    graph = a_graph((0, 1), (0, 2))
    assert [edge.id for edge in shown(build_picture(graph), 0.0, ["same"])] == ["e0-1"]


def test_edges_against_each_other_are_told_and_can_be_left_out() -> None:
    graph = a_graph((0, 1), (0, 2))
    effect = np.array(graph.effect)
    effect[0, 2] = -0.5
    picture = build_picture(replace(graph, effect=effect))
    assert [edge.id for edge in picture.edges if edge.negative] == ["e0-2"]
    assert [edge.id for edge in shown(picture, 0.0, ["negative"])] == ["e0-1"]
    assert shown(picture, 0.0, ["node-audio"]) == []


def test_rules_are_seen() -> None:
    rules = KnowledgeConfig(
        required=((NODES[0], NODES[1]),), forbidden=((NODES[2], NODES[3]), (NODES[3], NODES[2])), tiers=((NODES[0],),)
    )
    picture = build_picture(a_graph((0, 1)), a_stability(e01=0.1), rules=rules)
    found = {edge.id: edge for edge in picture.edges}
    assert found["e0-1"].required
    assert shown(picture, 0.9) == [found["e0-1"]], "a required edge is always shown"
    assert (found["e2-3"].type, found["e2-3"].directed) == ("forbidden", False)
    assert picture.nodes[0].tier == 1


def test_a_comparison_colors_what_differs() -> None:
    ours = a_graph((0, 1), (0, 2), (2, 3), undirected=((1, 3),))
    theirs = a_graph((0, 1), (2, 0), (1, 3), (1, 2))
    picture = build_picture(ours, None, other=theirs, compared=("ours", "theirs"))
    changes = {edge.id: edge.change for edge in picture.edges}
    assert changes == {
        "e0-1": "kept",
        "e0-2": "reversed",
        "e2-3": "added",
        "e1-3": "half",
        "e1-2": "removed",
    }


def many_classes() -> tuple[ClassGraph, GraphStability]:
    """Ten classes with random links, frequencies and correlations."""
    p = 20
    nodes = tuple(f"{m}:{c}" for m in ("audio", "visual") for c in range(p // 2))
    rng = np.random.default_rng(0)
    adjacency = np.triu(rng.random((p, p)) < 0.6, 1).astype(np.int8)
    share, r = rng.random((p, p)), rng.uniform(-1, 1, (p, p))
    share, r = (np.triu(values, 1) + np.triu(values, 1).T for values in (share, r))
    zero, pair = np.zeros((p, p)), np.zeros(2)
    graph = ClassGraph(nodes, adjacency, effect=np.where(adjacency, r, 0.0))
    return graph, GraphStability(nodes, share, zero, zero, zero, r, 100, pair, pair, pair)


def test_a_first_view_shows_the_links_with_the_highest_evidence() -> None:
    graph, stability = many_classes()
    picture = build_picture(graph, stability)
    assert first_threshold(picture) == 0.5
    assert picture.strongest == 14
    evidence = {
        f"e{i}-{j}": stability.edge_frequency[i, j] * stability.correlation[i, j]
        for i, j in np.argwhere(graph.adjacency)
        if i % 10 != j % 10 and stability.edge_frequency[i, j] >= 0.5 and stability.correlation[i, j] > 0
    }
    best = sorted(evidence, key=lambda name: -evidence[name])[:14]
    drawn = [edge.id for edge in shown(picture, 0.5, ["weak", "negative"]) if edge.source % 10 != edge.target % 10]
    assert sorted(drawn) == sorted(best)
    assert first_threshold(build_picture(graph)) == 0, "before the bootstraps are done, the strongest of all"


def test_two_graphs_are_measured_alike() -> None:
    graph, stability = many_classes()
    other = replace(graph, adjacency=np.ascontiguousarray(np.triu(1 - graph.adjacency, 1)), source="a file")
    ours = build_picture(graph, stability, other=other, compared=("ours", "theirs"))
    theirs = build_picture(other, stability, other=graph, compared=("theirs", "ours"))
    drawn = {edge.id: edge.change for edge in shown(ours, 0.5, ["weak", "negative"])}
    turned = {edge.id: edge.change for edge in shown(theirs, 0.5, ["weak", "negative"])}
    assert drawn.keys() == turned.keys(), "which of them is called the other one changes nothing"
    assert {"added", "removed"} == set(drawn.values())
    assert all(edge.frequency is not None and edge.frequency >= 0.5 for edge in shown(ours, 0.5))
    assert sum(change == "removed" for change in drawn.values()) <= 14 + 10


def test_a_class_is_one_sign_of_two_halves_in_the_payload() -> None:
    graph, stability = many_classes()
    weights = np.clip(stability.correlation, 0, None)[:10, 10:]
    layout = lay_out(np.maximum(weights, weights.T) * (1 - np.eye(10)), [f"class {c}" for c in range(10)])
    picture = build_picture(graph, stability)
    found = to_payload(picture, of_classes(layout))
    for c, (heard, seen) in enumerate(zip(found["nodes"][:10], found["nodes"][10:], strict=True)):
        assert heard["y"] == seen["y"] == round(float(layout.place[c, 1]))
        assert (heard["x"] + seen["x"]) / 2 == round(float(layout.place[c, 0]))
        assert (heard["partner"], seen["partner"]) == (seen["id"], heard["id"])
        assert heard["offset"] == -seen["offset"] < 0
    bends: dict[tuple[int, int], set[float]] = {}
    for edge in found["edges"]:
        i, j = int(edge["from"][1:]) % 10, int(edge["to"][1:]) % 10
        if i != j:
            bends.setdefault((min(i, j), max(i, j)), set()).add(edge["bend"] if i < j else -edge["bend"])
    assert all(len(values) == 1 for values in bends.values()), "all strands of a cable swing together"
    svg = to_svg(picture, of_classes(layout), 0.0)
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own file
    assert len(root.findall(".//{*}path[@class='heard']")) == 10 + 1, "and one in the legend"
    strands, bars = (
        root.findall(".//{*}path[@stroke-opacity]"),
        root.findall("./{*}g[@class='nodes']/{*}path[@class='bar']"),
    )
    assert len(strands) + len(bars) == len(shown(picture, 0.0))


def test_rings_stand_on_links_that_may_have_a_hidden_common_cause_if_asked() -> None:
    graph = a_graph((0, 2), (1, 2), (2, 3))  # 0 and 1 meet in 2, so nothing hidden is behind 2 -> 3
    picture = build_picture(graph, possible_causes=hidden_causes(graph))
    assert {edge.id for edge in picture.edges if edge.hidden_cause} == {edge_id(0, 2), edge_id(1, 2)}
    for causes, rings in ((True, 2), (False, 0)):
        root = ElementTree.fromstring(to_svg(picture, ROWS, 0.0, causes=causes))  # noqa: S314 - our own text
        assert len(root.findall("./{*}g[@class='edges']/{*}circle[@class='cause']")) == rings
        legend = "".join(root.find("./{*}g[@class='legend']").itertext())  # type: ignore[union-attr]
        assert ("hidden cause possible" in legend) == causes


def test_the_payload_is_json_with_stable_ids_and_a_version() -> None:
    picture = build_picture(a_graph((0, 1), undirected=((1, 3),)), universe="u")
    one = to_payload(picture, ROWS)
    assert one == to_payload(picture, ROWS)
    text = json.dumps(one)
    assert json.loads(text) == one
    assert [node["id"] for node in one["nodes"]] == [node_id(i) for i in range(4)]
    assert {edge["id"]: edge["directed"] for edge in one["edges"]} == {edge_id(0, 1): True, edge_id(3, 1): False}
    assert [node["shape"] for node in one["nodes"]] == ["dot", "dot", "square", "square"]
    other = to_payload(build_picture(a_graph((1, 0), undirected=((1, 3),)), universe="u"), ROWS)
    assert other["version"] != one["version"]
    assert [edge["id"] for edge in other["edges"]] == ["e0-1", "e1-3"], "a turned edge stays the same edge"


def test_no_file_of_the_front_end_asks_the_outside_or_builds_markup() -> None:
    for path in FRONTEND.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), path.name
        assert "innerHTML" not in text, path.name
        assert "insertAdjacentHTML" not in text, path.name
    assert "export default" in vis_network()
    vis, ours = json.loads(loader_source().split("const SOURCES = ", 1)[1].split(";\n\nfunction load", 1)[0])
    assert vis == vis_network()
    assert ours.count("export default function") == 1
    assert "\nimport " not in ours


def test_the_table_lists_what_the_picture_shows_strongest_first() -> None:
    graph, stability = a_graph((0, 1), (0, 2), (2, 3)), a_stability(e01=0.6, e02=0.95, e23=0.2)
    picture = build_picture(graph, stability)
    assert list(edge_table(picture, graph, stability, 0.5).index) == ["e0-2", "e0-1"]
    assert list(edge_table(picture, graph, stability, 0.5, everything=True).index) == ["e0-2", "e0-1", "e2-3"]
    assert list(edge_table(picture, graph, None, 0.0)["BIC gain"]) == [10, 9, 8]


def test_the_table_and_its_export_say_where_a_hidden_cause_is_possible() -> None:
    adjacency = np.zeros((4, 4), np.int8)
    adjacency[[0, 1, 2], [2, 2, 3]] = 1  # two causes that are apart, and an edge out of where they meet
    graph = replace(a_graph((0, 2), (1, 2), (2, 3)), adjacency=adjacency)
    table = edge_table(build_picture(graph), graph, None, 0.0)
    assert dict(table["hidden cause"]) == {"e0-2": "possible", "e1-2": "possible", "e2-3": "ruled out"}
    exported = run_tables.edge_table(graph)
    told = dict(
        zip(zip(exported["source"], exported["target"], strict=True), exported["hidden_cause_possible"], strict=True)
    )
    assert [told[edge[:2]] for edge in graph.edges()] == [True, True, False]
    no_dag = replace(graph, adjacency=np.roll(np.eye(4, dtype=np.int8), 1, 1))
    assert "hidden_cause_possible" not in run_tables.edge_table(no_dag), "no DAG fits a cycle"


def test_the_table_rounds_as_the_panel_does_and_shows_the_evidence_first() -> None:
    graph, stability = a_graph((0, 1)), a_stability(e01=26 / 30)
    share = np.array(stability.edge_frequency)
    known = replace(stability, null="within-class", null_frequency=share, seeds=3, seed_frequency=share)
    table = edge_table(build_picture(graph, known), graph, known, 0.0)
    for column in ("bootstraps", "null", "seeds"):
        assert f"{table[column].iloc[0]:.0f}%" == f"{26 / 30:.0%}" == "87%"
    columns = list(_columns(table))
    assert columns.index("seeds") < columns.index("direction") < columns.index("BIC gain") < columns.index("link")


def test_pairs_are_told_of_in_the_table_the_matrix_and_the_filter() -> None:
    rng = np.random.default_rng(0)
    audio, visual = rng.random((2, 50, 2))
    zero = np.zeros(50, int)
    soft = SoftLabels(audio, visual, "probabilities", ("A", "<b>B</b>"), zero, zero, normalized=False)
    probability = PairProbability(soft.classes, np.array([[np.nan, 0.7], [0.7, np.nan]]), 0.8)
    pairs = PairEvidence(probability, expected_counts(soft), None)
    graph = a_graph((0, 1), (0, 2), (0, 3))
    picture = build_picture(graph, probability=probability)
    assert {edge.id for edge in picture.edges if edge.doubtful} == {"e0-1", "e0-3"}, "0-2 is one class"
    assert [edge.id for edge in shown(picture, 0.0, ["doubtful"])] == ["e0-2"]
    table = edge_table(picture, graph, None, 0.0, pairs=pairs)
    across = table.loc["e0-3"]
    facts = pairs.expected.pair(0, 3)
    assert across["true"] == 70
    assert across["P(to | from)"] == round(100 * facts.given)
    assert across["P(to)"] == round(100 * facts.base)
    assert across["odds ratio"] == pytest.approx(facts.odds_ratio)
    assert facts.same_class is not None
    assert across["one class"] == round(100 * facts.same_class)
    assert np.isnan(table.loc["e0-1", "one class"]), "within one modality"
    assert np.isnan(table.loc["e0-2", "true"])
    assert list(_columns(table))[:4] == ["from", "", "to", "true"]
    for name, value in (("probability", 0.7), ("given", facts.given), ("odds", np.log(facts.odds_ratio))):
        found = matrix_values(name, graph, None, pairs=pairs)
        assert found is not None
        assert found[0, 3] == pytest.approx(value)


def test_the_matrix_shows_hostile_names_as_text() -> None:
    figure = matrix_figure(np.eye(4, k=1), NODES, selected=(0, 1))
    text = figure.to_json()
    assert "<b>B" not in text.replace("\\u003c", "<")
    assert "&lt;b&gt;B" in text.replace("\\u0026", "&")
    ids = list(figure.data[1].customdata)
    assert len(ids) == 12
    assert set(ids) == {edge_id(i, j) for i in range(4) for j in range(i)}
