"""From graphs to pictures, tables and payloads; and what a threshold shows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from avexplore.analysis.pair_evidence import PairEvidence, expected_counts
from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
from avexplore.config import KnowledgeConfig
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.ui.class_graph.details.details import _columns
from avexplore.ui.class_graph.details.tables import edge_table, matrix_figure, matrix_values
from avexplore.ui.class_graph.drawing.build import build_picture, first_threshold, shown
from avexplore.ui.class_graph.drawing.component import loader_source, modules, vis_network
from avexplore.ui.class_graph.drawing.layouts import arrange
from avexplore.ui.class_graph.drawing.payload import to_payload
from avexplore.ui.class_graph.state.names import edge_id, node_id

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
    arrows = {
        e["id"]: e["arrows"] for e in to_payload(picture, arrange("layered", np.ones((4, 4))), "layered")["edges"]
    }
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
    assert picture.null_known
    unknown = build_picture(graph, stability)
    assert not unknown.null_known
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


def test_the_first_threshold_leaves_a_readable_number_of_edges() -> None:
    p = 20
    nodes = tuple(f"{m}:{c}" for m in ("audio", "visual") for c in range(p // 2))
    rng = np.random.default_rng(0)
    adjacency = np.triu(rng.random((p, p)) < 0.6, 1).astype(np.int8)
    share = rng.random((p, p))
    share = np.triu(share, 1) + np.triu(share, 1).T
    zero, pair = np.zeros((p, p)), np.zeros(2)
    graph = ClassGraph(nodes, adjacency)
    stability = GraphStability(nodes, share, zero, zero, zero, zero, 100, pair, pair, pair)
    picture = build_picture(graph, stability)
    threshold = first_threshold(picture)
    assert threshold >= 0.5
    assert 0 < len(shown(picture, threshold)) <= 1.25 * p
    assert threshold == 0.5 or len(shown(picture, threshold - 0.05)) > 1.25 * p, "no higher than needed"
    assert first_threshold(build_picture(replace(graph, adjacency=np.eye(p, k=1, dtype=np.int8)), stability)) == 0


def test_the_payload_is_json_with_stable_ids_and_a_version() -> None:
    picture = build_picture(a_graph((0, 1), undirected=((1, 3),)), universe="u")
    position = arrange("layered", np.ones((4, 4)))
    one = to_payload(picture, position, "layered")
    assert one == to_payload(picture, position, "layered")
    text = json.dumps(one)
    assert json.loads(text) == one
    assert [node["id"] for node in one["nodes"]] == [node_id(i) for i in range(4)]
    assert {edge["id"]: edge["directed"] for edge in one["edges"]} == {edge_id(0, 1): True, edge_id(3, 1): False}
    assert [node["shape"] for node in one["nodes"]] == ["dot", "dot", "square", "square"]
    other = to_payload(build_picture(a_graph((1, 0), undirected=((1, 3),)), universe="u"), position, "layered")
    assert other["version"] != one["version"]
    assert [edge["id"] for edge in other["edges"]] == ["e0-1", "e1-3"], "a turned edge stays the same edge"


def test_no_file_of_the_front_end_asks_the_outside_or_builds_markup() -> None:
    sources = dict(modules())
    for name, text in sources.items():
        plain = text.replace("http://www.w3.org/2000/svg", "")
        assert "http" not in plain, name
        assert "innerHTML" not in text, name
        assert "insertAdjacentHTML" not in text, name
    assert "export default" in vis_network()
    names = list(sources)
    for name, text in sources.items():
        for other in names[names.index(name) + 1 :]:
            assert f'"./{other}"' not in text, "modules stand before those that import them"
    assert json.loads(loader_source().split("const SOURCES = ", 1)[1].split(";\n\nfunction load", 1)[0])


def test_the_table_lists_what_the_picture_shows_strongest_first() -> None:
    graph, stability = a_graph((0, 1), (0, 2), (2, 3)), a_stability(e01=0.6, e02=0.95, e23=0.2)
    picture = build_picture(graph, stability)
    assert list(edge_table(picture, graph, stability, 0.5).index) == ["e0-2", "e0-1"]
    assert list(edge_table(picture, graph, stability, 0.5, everything=True).index) == ["e0-2", "e0-1", "e2-3"]
    assert list(edge_table(picture, graph, None, 0.0)["BIC gain"]) == [10, 9, 8]


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
