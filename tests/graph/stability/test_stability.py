from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import ClassGraph, GraphStability, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.errors import Cancelled, GraphError
from avexplore.graph import (
    compare,
    consensus_graph,
    consensus_of_graphs,
    measure_stability,
    stability_selection,
)
from avexplore.graph.stability.resampling import batches
from avexplore.graph.stability.stability import spreads


def labels(n: int = 300, seed: int = 0) -> SoftLabels:
    rng = np.random.default_rng(seed)
    audio = rng.normal(size=(n, 3))
    visual = audio + 0.5 * rng.normal(size=(n, 3))
    return SoftLabels(audio, visual, "logits", ("A", "B", "C"), np.zeros(n, np.int64), audio.argmax(axis=1))


def config(graph: dict[str, Any] | None = None, **changes: Any) -> StabilityConfig:
    search = GraphConfig(soft_labels=SoftLabelFileConfig(fingerprint="0"), strategy="single", **(graph or {}))
    return StabilityConfig(**({"graph": search, "bootstraps": 20, "null_bootstraps": 8, "seeds": 4} | changes))


def test_strong_edges_are_frequent_and_absent_ones_are_not() -> None:
    measured = measure_stability(labels(), config(null="one-hot"))
    frequency = measured.edge_frequency
    assert all(frequency[k, k + 3] == 1.0 for k in range(3))
    assert frequency[0, 4] < 0.5
    np.testing.assert_array_equal(frequency, frequency.T)
    assert (measured.orientation_frequency + measured.orientation_frequency.T <= frequency + 1e-12).all()
    assert (measured.effect[[0, 1, 2], [3, 4, 5]] > 0.5).all()
    assert measured.seed_frequency[0, 3] == 1.0
    assert measured.seeds == 4
    assert measured.null_frequency.max() <= 1.0


def test_decoupling_takes_away_what_the_annotation_does_not_explain() -> None:
    explained = labels()
    unexplained = replace(explained, hard_label=np.random.default_rng(5).integers(0, 3, 300))
    kept, lost = (measure_stability(given, config(null="decoupled")) for given in (explained, unexplained))
    assert kept.edge_frequency[:3, 3:].trace() == lost.edge_frequency[:3, 3:].trace() == 3.0
    assert kept.null_frequency[:3, 3:].trace() > 2.5
    assert lost.null_frequency[:3, 3:].trace() < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("score", ["bic", "bdeu"])
def test_other_processes_give_the_same_answer(score: str) -> None:
    from joblib import parallel_config

    wanted = config({"score": score}, bootstraps=33, seeds=3, null_bootstraps=2)
    here = measure_stability(labels(120), wanted)
    told: list[str] = []
    with parallel_config("loky", n_jobs=2):
        there = measure_stability(labels(120), wanted, lambda fraction, message="", **figures: told.append(message))
    for field in fields(here):
        one, two = getattr(here, field.name), getattr(there, field.name)
        assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two, field.name
    assert "Bootstraps: 33 of 33" in told


@pytest.mark.parametrize("engine", ["both", "causal-learn-boss"])
def test_same_seed_same_answer(engine: str) -> None:
    wanted = config({"engine": engine}, bootstraps=4, seeds=2, null_bootstraps=2)
    one, two = (measure_stability(labels(), wanted) for _ in range(2))
    for name in ("edge_frequency", "orientation_frequency", "null_frequency", "effect", "seed_frequency", "shd"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    other = measure_stability(labels(), wanted.replace(seed=1))
    assert not np.array_equal(one.effect, other.effect)


def test_progress_rises_to_one_and_may_cancel() -> None:
    seen: list[float] = []

    def note(fraction: float, message: str = "", **figures: float) -> None:
        seen.append(fraction)

    measure_stability(labels(), config(), note)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        if fraction > 0.3:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        measure_stability(labels(), config(), stop)


def test_spreads_against_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    graphs = (rng.random((6, 5, 5)) < 0.4).astype(np.int8)
    graphs[:, range(5), range(5)] = 0
    nodes = tuple(f"audio:{k}" for k in range(5))
    shds, pairs, arrows, lengths = [], [], [], []
    for a in range(6):
        for b in range(a + 1, 6):
            result = compare(ClassGraph(nodes, graphs[a]), ClassGraph(nodes, graphs[b]))
            shds.append(result.shd)
            pairs.append(result.jaccard)
            arrows.append(result.directed_jaccard)
            lengths.append(np.linalg.norm(graphs[a].astype(float) - graphs[b]))
    shd, jaccard, frobenius = spreads(graphs)
    np.testing.assert_allclose(shd, [np.mean(shds), np.max(shds)])
    np.testing.assert_allclose(jaccard, [np.mean(pairs), np.mean(arrows)])
    np.testing.assert_allclose(frobenius, [np.mean(lengths), np.max(lengths)], rtol=1e-6)


def frequencies(edge: float, forward: float, backward: float, null: float = 0.0) -> GraphStability:
    both, arrow, zero = np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4))
    both[0, 3] = both[3, 0] = edge
    arrow[0, 3], arrow[3, 0] = forward, backward
    zero[0, 3] = zero[3, 0] = null
    nodes, two = ("audio:A", "audio:B", "visual:A", "visual:B"), np.zeros(2)
    return GraphStability(nodes, both, arrow, zero, both, np.eye(4), 10, two, two, two, null="within-class")


@pytest.mark.parametrize(
    ("edge", "forward", "backward", "expected"),
    [
        (0.9, 0.8, 0.1, [("audio:A", "visual:B", True)]),
        (0.9, 0.1, 0.8, [("visual:B", "audio:A", True)]),
        (0.9, 0.4, 0.4, [("audio:A", "visual:B", False)]),
        (0.4, 0.4, 0.0, []),
    ],
)
def test_consensus_follows_the_majority(
    edge: float, forward: float, backward: float, expected: list[tuple[str, str, bool]]
) -> None:
    assert consensus_graph(frequencies(edge, forward, backward), 0.5).edges() == expected


def test_consensus_of_seeds_and_of_graphs() -> None:
    found = frequencies(0.9, 0.8, 0.1)
    with pytest.raises(GraphError, match="No other seeds"):
        consensus_graph(found, over="seeds")
    seeded = replace(
        found,
        seeds=10,
        seed_frequency=found.edge_frequency.T * 0.5,
        seed_orientation_frequency=found.orientation_frequency.T,
    )
    assert consensus_graph(seeded, 0.4, over="seeds").edges() == [("visual:B", "audio:A", True)]
    assert consensus_graph(seeded, 0.5, over="seeds").edges() == []

    nodes = ("audio:A", "audio:B", "visual:A", "visual:B")
    stack = np.zeros((3, 4, 4), np.int8)
    stack[0, 0, 1] = stack[1, 0, 1] = stack[2, 1, 0] = 1  # two of three point 0 -> 1
    stack[0, 2, 3] = stack[1, 3, 2] = 1  # in two of three, one each way
    stack[2, 0, 3] = 1  # in one of three
    graphs = [ClassGraph(nodes, one, effect=0.3 * one * (k + 1)) for k, one in enumerate(stack)]
    both = consensus_of_graphs(graphs)
    assert both.edges() == [("audio:A", "audio:B", True), ("visual:A", "visual:B", False)]
    assert both.effect[0, 1] == pytest.approx((0.3 + 0.6 + 0.9) / 3)
    assert both.effect[2, 3] == pytest.approx((0.3 + 0.6) / 2), "over the graphs that hold it"
    assert "3 graphs" in both.source
    other = ClassGraph(nodes[::-1], stack[0])
    for wrong in ([], [graphs[0], other]):
        with pytest.raises(GraphError, match="same nodes"):
            consensus_of_graphs(wrong)


def test_stability_selection_says_how_many_may_be_accidents() -> None:
    selection = stability_selection(frequencies(0.9, 0.9, 0.0, null=0.0), 0.75)
    assert selection.selected.sum() == 2
    assert selection.expected_false == pytest.approx(0.9**2 / (0.5 * 6))
    assert selection.null_rate == 0.0
    assert stability_selection(frequencies(0.9, 0.9, 0.0, null=0.9), 0.75).null_rate == 1.0


def test_bdeu_can_be_bootstrapped_too() -> None:
    for null in ("within-class", "decoupled", "one-hot"):
        measured = measure_stability(
            labels(), config({"score": "bdeu"}, bootstraps=6, seeds=2, null_bootstraps=3, null=null)
        )
        assert all(measured.edge_frequency[k, k + 3] == 1.0 for k in range(3))
        assert (measured.effect[[0, 1, 2], [3, 4, 5]] > 0.5).all()
        assert measured.null_frequency.max() > 0


def test_batches_are_bounded_by_memory_and_cover_everything() -> None:
    for clips, nodes in ((1000, 30), (2_000_000, 56), (10**8, 2), (2000, 1054)):
        parts = batches(100, clips, nodes)
        assert [first for first, _ in parts] == np.cumsum([0, *[count for _, count in parts]])[:-1].tolist()
        assert sum(count for _, count in parts) == 100
        assert max(count for _, count in parts) * max(clips, nodes**2) <= max(20_000_000, clips)
