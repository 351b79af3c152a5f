"""What the panel says of nodes and edges, counted by hand; the verdict; files in and out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from avexplore.analysis import clip_labels
from avexplore.analysis import edge_evidence as evidence
from avexplore.analysis.graph_verdict import seeds_differ, verdict
from avexplore.artifacts import ClassGraph, Clips, Embeddings, GraphStability, SoftLabels, class_nodes
from avexplore.config import GraphConfig, KnowledgeConfig, SoftLabelFileConfig, StabilityConfig, SyntheticConfig
from avexplore.drawing.class_graph.arrangement import Arrangement
from avexplore.drawing.class_graph.build import build_picture, class_support
from avexplore.drawing.class_graph.layouts import arrange
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.errors import GraphError
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.ui.class_graph.exchange import keep_import, kept_import, only, to_python
from avexplore.ui.class_graph.graph_choices import choices, co_occurrence_graph, reordered
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.reliability_chart import Curve, in_words, intervals, reliability_chart

CLASSES = ("A", "B", "C")
NODES = class_nodes(CLASSES)


def labels() -> SoftLabels:
    audio = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.3, 0.6, 0.1], [0.0, 0.1, 0.9]])
    visual = np.array([[0.9, 0.0, 0.1], [0.2, 0.8, 0.0], [0.0, 0.9, 0.1], [0.5, 0.4, 0.1], [0.1, 0.0, 0.9]])
    return SoftLabels(audio, visual, "probabilities", CLASSES, np.zeros(5, int), np.array([0, 0, 1, 1, 2]))


def clips() -> Clips:
    true = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    return Clips(
        hard_label=np.array([0, 0, 1, 1, 2]),
        classes=CLASSES,
        split=np.zeros(5, int),
        clip_ids=tuple("vwxyz"),
        true_labels=true,
    )


def a_graph(*pairs: tuple[int, int]) -> ClassGraph:
    adjacency = np.zeros((6, 6), np.int8)
    for i, j in pairs:
        adjacency[i, j] = 1
    return ClassGraph(NODES, adjacency, effect=0.5 * adjacency, gain=20.0 * adjacency)


def test_support_counts_annotated_training_clips() -> None:
    assert class_support(labels()).tolist() == [2, 2, 1, 2, 2, 1]
    unknown = replace(labels(), hard_label=np.full(5, -1))
    assert class_support(unknown).tolist() == [2, 2, 1, 2, 2, 1], "audio tops A A B B C, visual tops A B B A C"


def test_reliability_compares_with_what_is_known_bin_by_bin() -> None:
    # audio:A is given .9, .8, .1, .3, 0; annotated in the first two clips, truly there in clips 0, 1 and 3.
    found = evidence.reliability(labels(), "audio:A", clips(), bins=2)
    assert found is not None
    assert found.annotated is not None
    assert found.true is not None
    assert found.annotated.count.tolist() == [3, 2]
    assert found.annotated.confidence == pytest.approx([0.4 / 3, 0.85])
    assert found.annotated.accuracy == pytest.approx([0, 1])
    assert found.true.accuracy == pytest.approx([1 / 3, 1])
    assert found.annotated.error == pytest.approx(3 / 5 * 0.4 / 3 + 2 / 5 * 0.15)
    assert found.mean_probability == pytest.approx(0.42)
    assert (found.annotated_share, found.true_share, found.split) == (0.4, 0.6, "train")


def test_reliability_does_not_make_up_what_is_unknown() -> None:
    found = evidence.reliability(replace(labels(), hard_label=np.array([0, -1, 1, 1, 2])), "audio:A", bins=4)
    assert found is not None
    assert (found.annotated, found.true) == (None, None)
    assert np.isnan([found.annotated_share, found.true_share]).all()


def test_reliability_agrees_with_the_diagram_of_a_two_class_teacher() -> None:
    rng = np.random.default_rng(0)
    share = rng.random(400)
    both = np.stack([share, 1 - share], axis=1)
    known = (rng.random(400) > share).astype(int)
    soft = SoftLabels(both, both, "probabilities", ("A", "B"), np.zeros(400, int), known)
    found = evidence.reliability(soft, "audio:A", bins=10)
    assert found is not None
    fraction, mean = calibration_curve(known == 0, share, n_bins=10)
    assert found.annotated is not None
    assert found.annotated.accuracy == pytest.approx(fraction)
    assert found.annotated.confidence == pytest.approx(mean)


def test_the_reliability_chart_shows_each_bin_with_its_interval() -> None:
    found = evidence.reliability(labels(), "audio:A", clips(), bins=2)
    assert found is not None
    assert found.annotated is not None
    first, _ = intervals(found.annotated)
    assert first == (0, pytest.approx(0.5615, abs=1e-4)), "Wilson: 1 / (1 + 3 / 1.96^2)"
    curves = [Curve("annotated with it", found.annotated, "#000000")]
    assert "100% annotated with it where 0.85 is given" in in_words(curves)
    drawn = reliability_chart(curves, "x", "y", 200).data[1]
    assert drawn.y == pytest.approx([0, 1])
    assert drawn.error_y.array[0] == pytest.approx(0.5615, abs=1e-4)


def test_strongest_clips_can_leave_out_the_annotated_ones() -> None:
    assert evidence.strongest_clips(labels(), "visual:A", 3).tolist() == [0, 3, 1]
    assert evidence.strongest_clips(labels(), "visual:A", 2, unannotated=True).tolist() == [3, 4]


def test_linked_pairs_are_strong_and_annotated_differently() -> None:
    pairs = evidence.linked_pairs(labels(), "audio:A", "visual:B", 3)
    assert (pairs.first[0], pairs.second[0]) == (0, 2)
    assert pairs.weight[0] == pytest.approx(0.9 * 0.9)
    known = labels().hard_label
    assert all(known[a] != known[b] for a, b in zip(pairs.first, pairs.second, strict=True))
    assert (np.diff(pairs.weight) <= 0).all()
    assert max(np.bincount(pairs.first)) <= 2


def test_pair_distances_use_the_modality_of_each_end() -> None:
    pairs = evidence.linked_pairs(labels(), "audio:A", "visual:B", 1)
    audio, visual = np.eye(5, dtype=np.float32), np.eye(5, dtype=np.float32)[[0, 1, 0, 3, 4]]
    assert evidence.pair_distances(Embeddings(audio, visual), pairs, "audio:A", "visual:B") == pytest.approx([0])
    assert evidence.pair_distances(Embeddings(visual, audio), pairs, "audio:A", "visual:B") == pytest.approx([1])


def short_embeddings(seed: int) -> Embeddings:
    """Rows of length 1 of which three columns are shared and the last two belong to one modality each."""
    values = np.random.default_rng(seed).normal(size=(2, 5, 5))
    values[0, :, 4] = values[1, :, 3] = 0
    audio, visual = (values / np.linalg.norm(values, axis=2, keepdims=True)).astype(np.float32)
    return Embeddings(audio, visual, private=2)


def test_the_distances_of_an_edge_are_those_of_evaluations_delta_d() -> None:
    from avexplore.retrieval.delta_distance import delta_distance

    soft, both = labels(), (short_embeddings(1), short_embeddings(2))
    weights = np.triu(np.full((6, 6), 0.5), 1)
    known = soft.hard_label
    whole = delta_distance(*both, soft.probabilities(), known, weights, tau=evidence.ACTIVE_ABOVE, same_class=True)
    checked = 0
    for place, (i, j) in enumerate(whole.edges):
        source, target = NODES[j], NODES[i]  # an arrow may point either way
        found = evidence.delta_of_edge(both, soft, source, target, "train")
        if not whole.pairs[place]:
            assert found is None
            continue
        assert found is not None
        assert found.delta[0] == pytest.approx(whole.delta[place])
        assert found.others[0] == pytest.approx(whole.others[place])
        active = np.concatenate(list(soft.probabilities()), axis=1) > evidence.ACTIVE_ABOVE
        pairs = [(n, m) for n in range(5) for m in range(5) if active[n, j] and active[m, i] and known[n] != known[m]]
        first, second = (np.array(side) for side in zip(*pairs, strict=True))
        listed = evidence.Pairs(first, second, np.ones(len(pairs)), np.ones(len(pairs)))
        before, after = (evidence.pair_distances(e, listed, source, target) for e in both)
        assert (before - after).mean() == pytest.approx(whole.delta[place]), "the listed pairs speak of the same thing"
        checked += 1
    assert checked > 5
    assert evidence.delta_of_edge(both, soft, NODES[0], NODES[1], "test") is None, "there are no test clips"


def test_the_panel_says_which_clips_lir_brought_nearer() -> None:
    from avexplore.ui.class_graph.panel.edge import _what_lir_did

    both = (short_embeddings(1), short_embeddings(2))
    found = evidence.delta_of_edge(both, labels(), "audio:A", "visual:B", "train")
    assert found is not None
    said = _what_lir_did(both, labels(), "audio:A", "visual:B")
    assert f"nearer by {found.delta[0]:+.3f}" in said
    assert "Training clips" in said
    assert "Test clips" not in said


def test_a_clip_shows_its_strongest_and_its_known_classes() -> None:
    lines = clip_labels.label_lines(labels(), clips(), 1, count=1)
    assert [(one.name, one.audio, one.visual, one.status) for one in lines] == [("A", 0.8, 0.2, "annotated")]
    lines = clip_labels.label_lines(labels(), clips(), 0, count=1)
    assert [(one.name, one.status) for one in lines] == [("A", "annotated"), ("B", "true, not annotated")]
    lines = clip_labels.label_lines(labels(), None, 0, count=2)
    assert [one.status for one in lines] == ["annotated", "not annotated"]


def test_co_occurrence_is_counted() -> None:
    found = evidence.co_occurrence(clips(), "audio:A", "visual:B")
    assert found is not None
    assert (found.both, found.source_clips, found.target_clips, found.clips) == (2, 3, 3, 5)
    assert found.lift == pytest.approx(2 / (9 / 5))
    assert evidence.co_occurrence(None, "audio:A", "visual:B") is None


def test_audioset_pairs_are_looked_up_whatever_the_case() -> None:
    found = evidence.audioset_co_occurrence("train horn", "TRAIN")
    assert found is None or 0 <= found.share <= 1
    assert evidence.audioset_co_occurrence("no such class", "Train") is None


def a_stability(frequency: float, turned: float = 0.0, null: float = 0.1) -> GraphStability:
    share = np.zeros((6, 6))
    share[0, 1] = share[1, 0] = share[0, 4] = share[4, 0] = frequency
    forth = np.zeros((6, 6))
    forth[0, 1] = forth[0, 4] = frequency * (1 - turned)
    forth[1, 0] = forth[4, 0] = frequency * turned
    pair = np.array([2.0, 4.0])
    return GraphStability(
        NODES, share, forth, np.full((6, 6), null), np.zeros((6, 6)), share, 100, pair, pair / 10, pair, "within-class"
    )


def said(
    graph: ClassGraph, stability: GraphStability | None, known: Clips | None = None, probable: float | None = None
) -> dict[str, str]:
    """The verdict; `probable`: of every pair of classes."""
    given = None
    if probable is not None:
        classes = tuple(dict.fromkeys(name.split(":")[1] for name in NODES))
        given = PairProbability(classes, np.where(np.eye(len(classes)), np.nan, probable), 0.8)
    return {remark.text: remark.level for remark in verdict(graph, stability, clips=known, probability=given)}


def test_the_verdict_tells_stable_from_unstable() -> None:
    graph = a_graph((0, 1), (0, 4))
    firm = said(graph, a_stability(0.95), probable=0.9)
    loose = said(graph, a_stability(0.3, turned=0.5, null=0.25), probable=0.9)
    assert next(level for text, level in firm.items() if "2 of 2 edges come back" in text) == "good"
    assert next(level for text, level in loose.items() if "0 of 2 edges come back" in text) == "poor"
    assert next(level for text, level in firm.items() if "2 of 2 arrows keep" in text) == "good"
    assert next(level for text, level in loose.items() if "0 of 2 arrows keep" in text) == "poor"
    assert next(level for text, level in firm.items() if "2 of 2 edges stand out" in text) == "good"
    assert next(level for text, level in loose.items() if "0 of 2 edges stand out" in text) == "poor"


def test_what_repeats_is_not_called_good_unless_it_is_probably_true() -> None:
    graph = a_graph((0, 1), (0, 4))
    for found in (said(graph, a_stability(0.95)), said(graph, a_stability(0.95), probable=0.2)):
        assert "good" not in found.values()
        assert next(level for text, level in found.items() if "2 of 2 edges come back" in text) == "fair"
    assert any("what repeats need not be right" in text for text in found)
    assert any("0 of the 1 pairs of classes" in text and level == "poor" for text, level in found.items())
    likely = said(graph, a_stability(0.95), probable=0.9)
    assert any("1 of the 1 pairs of classes" in text and level == "good" for text, level in likely.items())
    assert any("2 more are probably true without a link" in text for text in likely)
    assert any("only look or sound alike" in text for text in likely), "its limits are told"


def test_seeds_that_agree_on_links_are_not_said_to_differ_in_them() -> None:
    # Four seeds: 0-1 always and 0-4 in three of them; of 0-1, two point each way.
    share = np.zeros((6, 6))
    share[0, 1] = share[1, 0] = 1.0
    share[0, 4] = share[4, 0] = 0.75
    found = replace(a_stability(0.9), seeds=4, seed_frequency=share, seed_shd=np.array([7 / 6, 2.0]))
    # Of six pairs of seeds, three differ in 0-4 and four in the direction of 0-1.
    assert seeds_differ(found) == pytest.approx((0.5, 4 / 6, 1.75))
    (text,) = [text for text in said(a_graph((0, 1), (0, 4)), found) if "other seeds" in text]
    assert "2 links in common, of about 2 each; the direction of 1 of these differs" in text
    assert "The 2 edges of nine in ten bootstraps are in 88% of the searches" in text


def test_the_verdict_uses_the_truth_where_it_is_known() -> None:
    graph = a_graph((0, 1), (0, 4))
    assert any("Nothing here can confirm" in text for text in said(graph, None))
    found = said(graph, a_stability(0.9), clips())
    assert any("ranks above one that does not in 100% of cases" in text for text in found), (
        "A and B are the only pair that truly comes together"
    )
    planted = replace(clips(), true_graph=graph.adjacency)
    assert any(
        "100% of all 2 links are planted" in text and "0 pairs of nodes differ" in text
        for text in said(graph, None, planted)
    )


def test_an_empty_graph_and_test_clips_are_remarked() -> None:
    assert any("There is no edge" in text for text in said(a_graph(), None))
    config = GraphConfig(SoftLabelFileConfig(fingerprint="f" * 64), rows="all")
    remarks = verdict(a_graph((0, 1)), None, config=config)
    assert any(remark.level == "poor" and "Test clips were used" in remark.text for remark in remarks)


def test_an_import_is_kept_and_found_again(tmp_path: Path) -> None:
    address = keep_import(tmp_path, "theirs.csv", b",Cause,Effect\n0,audio_A,visual_B\n", NODES)
    found = kept_import(tmp_path, address)
    assert found is not None
    assert (found.source, set(found.nodes)) == ("theirs.csv", set(NODES))
    assert found.edges() == [("audio:A", "visual:B", True)]
    assert keep_import(tmp_path, "theirs.csv", b",Cause,Effect\n0,audio_A,visual_B\n", NODES) == address
    offered = choices(
        clips=None,
        imports=tmp_path,
        import_addresses=[address, address[::-1]],
        pinned={},
        other_runs={},
        get=lambda config: None,
    )
    assert [choice.label for choice in offered.values()] == ["imported: theirs.csv"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "0" * 15, "Z" * 16, ""])
def test_only_addresses_are_looked_up_among_imports(tmp_path: Path, name: str) -> None:
    assert kept_import(tmp_path, name) is None


def test_files_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00", b"nothing,here\n1,2\n", b"x" * 5_000_001):
        with pytest.raises(GraphError):
            keep_import(tmp_path, "x.csv", content)
    assert list(tmp_path.iterdir()) == []


def test_the_svg_is_well_formed_and_shows_names_as_text() -> None:
    nodes = ("audio:<script>x</script>", "audio:B", "visual:<script>x</script>", "visual:B")
    adjacency = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]], np.int8)
    picture = build_picture(ClassGraph(nodes, adjacency))
    for layout in ("layered", "circular", "spring"):
        where = Arrangement(layout, arrange(layout, adjacency.astype(float)))  # type: ignore[arg-type]
        text = to_svg(picture, where, 0.0)
        root = ElementTree.fromstring(text)  # noqa: S314 - our own text
        assert not root.findall(".//{*}script")
        assert len(root.findall("./{*}g[@class='nodes']/{*}circle")) == 2
        assert len(root.findall("./{*}g[@class='edges']/{*}path")) == 3


def test_the_svg_has_heads_where_directions_are_settled_and_says_what_its_signs_mean() -> None:
    graph, stability = a_graph((0, 1), (0, 4)), a_stability(0.9)
    turned, null = np.array(stability.orientation_frequency), np.array(stability.null_frequency)
    turned[0, 4], turned[4, 0] = 0.2, 0.7
    null[0, 4] = null[4, 0] = 0.95
    loose = replace(stability, orientation_frequency=turned, null_frequency=null)
    picture = build_picture(graph, loose, given=False)
    where = Arrangement("layered", arrange("layered", graph.adjacency.astype(float)))
    root = ElementTree.fromstring(to_svg(picture, where, 0.5))  # noqa: S314 - our own text
    heads = root.findall("./{*}g[@class='edges']/{*}polygon[@class='head']")
    assert sorted(head.get("fill") == "#fff" for head in heads) == [False, True], "one filled, one hollow"
    legend = "".join(root.find("./{*}g[@class='legend']").itertext())  # type: ignore[union-attr]
    for said in (
        "2 of 2 links in at least 50%",
        "direction agreed on",
        "direction open",
        "one heard, one seen",
    ):
        assert said in legend
    assert "both seen" not in legend, "nothing of that kind is drawn"


def test_files_of_what_is_shown_hold_those_edges_alone() -> None:
    graph = a_graph((0, 1), (0, 4), (2, 5))
    part = only(graph, ["e0-4"])
    assert part.edges() == [("audio:A", "visual:B", True)]
    assert np.isnan(part.score)
    assert "1 of the graph's 3 edges" in part.warnings[0]


def test_the_python_lines_make_the_same_config() -> None:
    rules = KnowledgeConfig(required=(("audio:A", "audio:B"),), tiers=(("audio:A",), ("audio:B",)))
    config = StabilityConfig(
        GraphConfig(SoftLabelFileConfig(fingerprint="f" * 64), knowledge=rules, penalty_discount=3.5), bootstraps=7
    )
    lines = to_python(config, name="stability").splitlines()
    names: dict[str, object] = {}
    code = "\n".join(line for line in lines if not line.startswith(("from avexplore.workbench", "stability =")))
    exec(code, names)  # the lines are ours, and what a reader would run
    assert names["config"] == config
    assert "SyntheticConfig" not in to_python(config)
    assert SyntheticConfig().address


def test_true_co_occurrence_becomes_an_undirected_graph() -> None:
    graph = co_occurrence_graph(clips())
    assert graph.nodes == NODES
    assert {(a, b) for a, b, _ in graph.edges()} == {
        ("audio:A", "audio:B"),
        ("audio:A", "visual:B"),
        ("audio:B", "visual:A"),
        ("visual:A", "visual:B"),
    }
    assert not any(directed for _, _, directed in graph.edges())


def test_another_order_of_nodes_is_the_same_graph() -> None:
    graph = a_graph((0, 1), (4, 2))
    turned = reordered(graph, NODES[::-1])
    assert turned.nodes == NODES[::-1]
    assert set(turned.edges()) == set(graph.edges())
    assert turned.effect[turned.nodes.index("audio:A"), turned.nodes.index("audio:B")] == 0.5


@pytest.mark.parametrize("name", ["*a*", "[x](http://y)", ":red[z]", "<b>", "a_b_c", "$x$", "`code`"])
def test_markdown_shows_names_as_they_are(name: str) -> None:
    from markdown_it import MarkdownIt

    shown = MarkdownIt().renderInline(as_markdown(name)).replace("\u2060", "")
    import html

    assert html.unescape(shown) == name
