from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import SoftLabels
from avexplore.config import GraphConfig, KnowledgeConfig, SoftLabelFileConfig
from avexplore.errors import Cancelled, GraphError
from avexplore.graph import as_dag, compare, knowledge_masks, learn_class_graph
from avexplore.graph.algebra.separation import is_acyclic
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search.engines import Outcome

SOURCE = SoftLabelFileConfig(fingerprint="0")


def config(**changes: Any) -> GraphConfig:
    return GraphConfig(**({"soft_labels": SOURCE, "strategy": "single"} | changes))


def chain(n: int = 400, classes: int = 4, seed: int = 0, **changes: Any) -> SoftLabels:
    """audio:k -> visual:k and audio:k -> audio:k+1, everything else independent."""
    rng = np.random.default_rng(seed)
    audio = rng.normal(size=(n, classes))
    for k in range(1, classes):
        audio[:, k] += 0.8 * audio[:, k - 1]
    visual = 0.9 * audio + rng.normal(size=(n, classes))
    values: dict[str, Any] = {
        "audio": audio,
        "visual": visual,
        "kind": "logits",
        "classes": tuple("ABCDEFGH"[:classes]),
        "split": np.zeros(n, np.int64),
        "hard_label": audio.argmax(axis=1),
    }
    return SoftLabels(**(values | changes))


@pytest.mark.parametrize("engine", ["both", "grasp", "boss", "causal-learn-grasp", "causal-learn-boss"])
def test_every_engine_finds_the_planted_skeleton(engine: Any) -> None:
    graph = learn_class_graph(chain(2000), config(engine=engine))
    planted = {("audio:A", "audio:B"), ("audio:B", "audio:C"), ("audio:C", "audio:D")}
    planted |= {(f"audio:{k}", f"visual:{k}") for k in "ABCD"}
    assert {tuple(sorted(edge[:2])) for edge in graph.edges()} == planted
    assert graph.samples == 2000
    assert graph.source == "search"


def test_bdeu_finds_that_modalities_agree() -> None:
    graph = learn_class_graph(chain(2000), config(score="bdeu", engine="boss"))
    assert all(graph.skeleton[k, 4 + k] for k in range(4))
    assert any("BDeu" in warning for warning in graph.warnings)


def colliders(n: int = 400) -> SoftLabels:
    """audio:k -> visual:k <- audio:k+1 in a ring, the audio classes independent: every edge has its direction."""
    audio, noise = np.random.default_rng(0).normal(size=(2, n, 4))
    return chain(n, audio=audio, visual=0.9 * audio + 0.6 * np.roll(audio, -1, axis=1) + noise)


def test_effects_and_gains_are_those_of_least_squares() -> None:
    labels = colliders()
    graph = learn_class_graph(labels, config())
    assert not (graph.adjacency & graph.adjacency.T).any()
    assert all(graph.adjacency[[k, (k + 1) % 4], 4 + k].all() for k in range(4))
    matrix = labels.matrix()
    standard = (matrix - matrix.mean(0)) / matrix.std(0)
    n = len(matrix)

    def left_over(predictors: list[int], target: int) -> float:
        """Sum of squares that a regression does not explain."""
        fit = np.linalg.lstsq(standard[:, predictors], standard[:, target], rcond=None)[0]
        return float(((standard[:, target] - standard[:, predictors] @ fit) ** 2).sum())

    for j in range(4, 8):
        parents = np.flatnonzero(graph.adjacency[:, j]).tolist()
        fit = np.linalg.lstsq(standard[:, parents], standard[:, j], rcond=None)[0]
        np.testing.assert_allclose(graph.effect[parents, j], fit, atol=1e-8)
        for i in parents:
            without = left_over([k for k in parents if k != i], j)
            expected = n * np.log(without / left_over(parents, j)) - 2 * np.log(n)
            assert graph.gain[i, j] == pytest.approx(expected, rel=1e-6)


def test_an_undirected_edge_tells_its_effect_and_gain_from_either_end() -> None:
    labels = chain()
    graph = learn_class_graph(labels, config())
    undirected = (graph.adjacency & graph.adjacency.T).astype(bool)
    assert undirected.sum() == 2 * 7
    # In a tree without colliders no node has two parents: each effect is a correlation.
    np.testing.assert_allclose(graph.effect[undirected], np.corrcoef(labels.matrix().T)[undirected])
    np.testing.assert_array_equal(graph.gain[undirected], graph.gain.T[undirected])


def test_dropped_nodes_stay_as_isolated_nodes_and_are_named() -> None:
    labels = chain()
    audio = np.array(labels.audio)
    audio[:, 2] = 0.5
    graph = learn_class_graph(chain(audio=audio), config())
    assert len(graph.nodes) == 8
    assert not graph.skeleton[2].any()
    assert "audio:C stands alone in the graph: it is constant." in graph.warnings


def test_only_training_clips_count_unless_asked() -> None:
    labels = chain()
    split = np.zeros(400, np.int64)
    split[300:] = 2
    broken = np.array(labels.audio)
    broken[300:] = 1e6  # would rule every correlation
    mixed = chain(audio=broken, split=split)
    alone = chain(
        audio=labels.audio[:300], visual=labels.visual[:300], split=split[:300], hard_label=labels.hard_label[:300]
    )
    np.testing.assert_array_equal(
        learn_class_graph(mixed, config()).adjacency, learn_class_graph(alone, config()).adjacency
    )
    everything = learn_class_graph(mixed, config(rows="all"))
    assert everything.samples == 400
    assert any("100 of them validation or test clips" in warning for warning in everything.warnings)


def test_knowledge_is_honored_and_contradictions_are_refused() -> None:
    known = KnowledgeConfig(required=(("visual:D", "audio:A"),), forbidden_blocks=(("audio", "visual"),))
    graph = learn_class_graph(chain(), config(knowledge=known))
    assert graph.adjacency[7, 0] == 1
    assert graph.adjacency[0, 7] == 0
    assert not graph.adjacency[:4, 4:].any()
    clash = KnowledgeConfig(required=(("audio:A", "visual:A"),), forbidden_blocks=(("audio", "visual"),))
    with pytest.raises(GraphError, match="audio:A -> visual:A is required, but no audio node may point to a visual"):
        learn_class_graph(chain(), config(knowledge=clash))


def test_a_required_node_that_must_be_dropped_is_refused() -> None:
    audio = np.array(chain().audio)
    audio[:, 2] = 0.5
    known = KnowledgeConfig(required=(("audio:C", "audio:A"),))
    with pytest.raises(GraphError, match=r"audio:C has a required edge but takes no part .* constant"):
        learn_class_graph(chain(audio=audio), config(knowledge=known))


def test_causal_learn_leaves_the_global_random_state_and_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    random.seed(3)
    expected = random.random()
    random.seed(3)
    learn_class_graph(chain(), config(engine="causal-learn-grasp"))
    assert random.random() == expected
    assert capsys.readouterr().out == ""


def test_a_report_may_cancel() -> None:
    def stop(fraction: float, message: str = "", **figures: float) -> None:
        raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        learn_class_graph(chain(), config(), stop)


def test_rivals_of_the_same_class_are_no_rivals_and_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    chain_dag, reverse, other = (np.zeros((8, 8), np.int8) for _ in range(3))
    chain_dag[0, 1] = chain_dag[1, 2] = 1
    reverse[1, 0] = reverse[2, 1] = 1  # Markov equivalent
    other[0, 3] = 1
    rivals, scores = np.stack([reverse, other, other]), np.array([10.0, 9.0, 9.0])
    outcome = Outcome(chain_dag, 10.0, np.zeros((8, 8)), rivals, scores)
    monkeypatch.setattr("avexplore.graph.learn.run_search", lambda *given, **named: outcome)
    graph = learn_class_graph(chain(), config())
    assert graph.rival_scores.tolist() == [9.0]
    assert graph.rivals[0, 0, 3] == graph.rivals[0, 3, 0] == 1
    assert graph.warnings[-1] == (
        "1 other graph(s) score within 1.0 units of this one but differ in up to 3 pairs: the data do not tell them "
        "apart. 0 of the 2 adjacent pairs here are adjacent in all of them."
    )


def test_no_varying_class_is_refused() -> None:
    flat = np.ones((400, 4))
    with pytest.raises(GraphError, match="No class varies"):
        learn_class_graph(chain(audio=flat, visual=flat), config())


def test_score_is_that_of_the_graph() -> None:
    labels = chain()
    graph = learn_class_graph(labels, config(knowledge=KnowledgeConfig(tiers=(("audio:A",), ("audio:B", "audio:C")))))
    assert graph.score > 0
    # All DAGs of a class have one score.
    assert graph.score == pytest.approx(bic_score(np.corrcoef(labels.matrix().T), 400, as_dag(graph).adjacency, 2.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["both", "grasp", "boss", "causal-learn-grasp", "causal-learn-boss"]))
def test_knowledge_is_never_violated(seed: int, engine: str) -> None:
    rng = np.random.default_rng(seed)
    labels = chain(seed=seed)
    nodes = labels.nodes
    order = rng.permutation(8)
    pairs = [(nodes[order[i]], nodes[order[j]]) for i in range(8) for j in range(i + 1, 8)]
    required = tuple(pair for pair in pairs if rng.random() < 0.1)
    forbidden = tuple(pair[::-1] for pair in pairs if rng.random() < 0.3)
    tiers = ((nodes[order[0]], nodes[order[1]]), (nodes[order[6]],)) if rng.random() < 0.5 else ()
    known = KnowledgeConfig(required=required, forbidden=forbidden, tiers=tiers)
    graph = learn_class_graph(labels, config(engine=engine, knowledge=known, penalty_discount=1.0))
    masks = knowledge_masks(known, nodes)
    assert not graph.adjacency[masks.forbidden].any()
    assert graph.adjacency[masks.required].all()
    assert is_acyclic(graph.adjacency)


def test_column_order_and_scale_do_not_matter() -> None:
    labels = chain(2000)
    order = np.array([2, 0, 3, 1])
    moved = replace(
        labels,
        audio=7 * labels.audio[:, order] - 3,
        visual=0.01 * labels.visual[:, order],
        classes=tuple(labels.classes[k] for k in order),
    )
    wanted = config(strategy="iterated", iterations=20)
    one, two = learn_class_graph(labels, wanted), learn_class_graph(moved, wanted)
    assert compare(two, one).shd == 0
    assert two.score == pytest.approx(one.score)


def one_hot(n: int, classes: int, seed: int) -> np.ndarray:
    return np.eye(classes)[np.random.default_rng(seed).integers(0, classes, n)]


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("engine", ["both", "causal-learn-boss"])
@pytest.mark.parametrize("transform", ["raw", "logit", "clr", "ilr", "drop-one", "rank", "class-centered"])
@pytest.mark.parametrize(
    ("audio", "visual", "said"),
    [
        (softmax(chain().audio), softmax(chain().visual).astype(np.float32), ""),
        (one_hot(400, 4, 0), one_hot(400, 4, 0), ""),
        (one_hot(400, 4, 0), one_hot(400, 4, 1), ""),
        (chain(6).audio, chain(6).visual, "fewer rows than nodes"),
        (np.repeat(chain().audio[:, :1], 4, axis=1), chain().visual, ""),
        (1e-12 * chain().audio, 1e12 * chain().visual, ""),
        (chain().audio + 1e9, chain().visual, ""),
    ],
    ids=["softmax", "one-hot twice", "one-hot", "few rows", "one column", "scales", "offset"],
)
def test_degenerate_soft_labels_end_in_a_graph_or_a_reason(
    engine: str, transform: str, audio: np.ndarray, visual: np.ndarray, said: str
) -> None:
    kind = "probabilities" if audio.min() >= 0 else "scores"
    count = len(audio)
    labels = chain(
        count,
        audio=audio.astype(np.float64),
        visual=visual.astype(np.float64),
        kind=kind,
        hard_label=audio.argmax(axis=1),
        split=np.zeros(count, np.int64),
    )
    try:
        graph = learn_class_graph(labels, config(engine=engine, transform=transform))
    except GraphError as error:
        if "No class varies" not in error.what:
            raise
        return
    assert np.isfinite(graph.score)
    assert np.isfinite(graph.effect).all()
    assert np.isfinite(graph.gain).all()
    assert said in " ".join(graph.warnings)
    alone = [name for k, name in enumerate(graph.nodes) if f"{name} stands alone" in " ".join(graph.warnings)]
    assert not any(graph.skeleton[graph.nodes.index(name)].any() for name in alone)
