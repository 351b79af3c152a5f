from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avexplore.artifacts import Affinity, Clips, Embeddings, ExperimentReport, RetrievalReport, SoftLabels, class_nodes
from avexplore.config import (
    AffinityConfig,
    ExperimentConfig,
    GraphConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError
from avexplore.experiments import TWIN, alike, arms_of, compare_arms, gather, linked_pairs, reference_of, summary
from avexplore.experiments.comparison import answer, mean_of, seeds_needed, sentences
from avexplore.experiments.measures import delta_d, link_quality
from avexplore.retrieval.significance import permutation_test


def experiment(**changes: object) -> ExperimentConfig:
    data = SyntheticConfig()
    graph = GraphConfig(TeacherConfig(data, members=3))
    student = StudentConfig(data, regularizer=RegularizerConfig(AffinityConfig(StabilityConfig(graph))))
    return ExperimentConfig(student, **changes)  # type: ignore[arg-type]


def report(config: ExperimentConfig, rng: np.random.Generator, gains: dict[str, float]) -> ExperimentReport:
    found = []
    for seed in range(config.seeds):
        level = 0.4 + 0.1 * seed  # seeds differ far more than arms do: only pairing shows the arms
        for arm in arms_of(config):
            value = level + gains.get(arm, 0.0) + 0.001 * rng.standard_normal()
            empty = np.zeros(0)
            metrics = {"map": value, "hidden_pair_ap": value}
            found.append(RetrievalReport(metrics, empty, empty.astype(int), empty, empty, empty, empty.astype(int), ()))
    return gather(config, found)


def test_pairing_by_seed_shows_what_means_alone_would_hide() -> None:
    config = experiment(arms=("graph+I", "random+I"), seeds=8)
    table = report(config, np.random.default_rng(0), {"graph+I": 0.02})
    by_arm = {c.arm: c for c in compare_arms(table, "map")}
    assert by_arm["graph+I"].verdict == "gain"
    assert by_arm["graph+I"].difference == pytest.approx(0.02, abs=0.003)
    assert by_arm["graph+I"].p_value < 0.05
    assert by_arm["random+I"].verdict == "no difference shown"
    text = summary(table)
    assert "The inferred graph beats random+I" in text
    assert "random+I: no difference shown" in text


def test_the_answer_names_what_the_graph_beats_and_what_it_does_not() -> None:
    config = experiment(arms=("graph+I", "random+I", "correlation+I", "every-pair"), seeds=10)
    table = report(
        config, np.random.default_rng(0), {"graph+I": 0.02, "random+I": 0.01, "correlation+I": 0.02, "every-pair": 0.04}
    )
    told = answer(table, "map", {"random+I": "Random graph", "correlation+I": "Plain correlation", "map": "MAP"})
    own = next(c for c in compare_arms(table, "map") if c.arm == "graph+I")
    assert told == (
        f"LIR with the inferred graph raises MAP by {own.difference:.4f} over 10 seeds; it beats random graph, "
        "cannot be told apart from plain correlation, and loses to every-pair."
    )
    lost = report(config, np.random.default_rng(0), {"graph+I": -0.02})
    assert answer(lost, "map").startswith("LIR with the inferred graph lowers map by 0.0")
    none = experiment(arms=("random+I", "constant"), seeds=8)
    assert answer(report(none, np.random.default_rng(0), {"constant": 0.02}), "map").startswith("constant: gain in map")


def test_the_graph_is_compared_with_linking_every_pair() -> None:
    config = experiment(arms=("graph+I", "every-pair"), seeds=8)
    table = report(config, np.random.default_rng(0), {"graph+I": 0.02, "every-pair": 0.05})
    names = {"every-pair": "No graph, every pair"}
    assert any(
        s.startswith("The inferred graph loses to no graph, every pair (") for s in sentences(table, "map", names)
    )


def test_a_graph_that_does_harm_is_called_so() -> None:
    config = experiment(arms=("graph+I", "identity"), seeds=6)
    table = report(config, np.random.default_rng(0), {"graph+I": -0.02})
    assert "graph+I: loss" in summary(table)
    assert "loses to identity" in summary(table)


def test_arms_that_cannot_be_told_apart_stand_together() -> None:
    arms = ("graph+I", "identity", "constant")
    table = report(experiment(arms=arms, seeds=10), np.random.default_rng(0), {"graph+I": 0.05, "constant": -0.05})
    best, middle, worst = alike(table, "map")
    assert (best, set(middle), worst) == (("graph+I",), {"identity", TWIN}, ("constant",))
    assert mean_of(table, middle[0], "map") >= mean_of(table, middle[1], "map")
    few = report(experiment(arms=arms, seeds=3), np.random.default_rng(0), {"graph+I": 0.05, "constant": -0.05})
    assert [set(group) for group in alike(few, "map")] == [{TWIN, *arms}], "three seeds tell nothing apart"


def test_an_unknown_metric_is_refused() -> None:
    table = report(experiment(seeds=2), np.random.default_rng(0), {})
    with pytest.raises(ConfigError, match="nonsense"):
        compare_arms(table, "nonsense")


def test_a_gain_is_confirmed_only_if_the_corrected_test_agrees() -> None:
    arms = ("graph+I", "identity", "random+I", "constant")
    few, many = (
        report(experiment(arms=arms, seeds=seeds), np.random.default_rng(0), {"graph+I": 0.02}) for seeds in (5, 9)
    )
    assert compare_arms(few, "map")[0].verdict == "gain, not confirmed"
    assert compare_arms(many, "map")[0].verdict == "gain"
    assert "at least 8 seeds are needed" in summary(few)
    assert "seeds are needed" not in summary(many)


@pytest.mark.parametrize("arms", [1, 4, 16])
def test_the_fewest_seeds_that_can_confirm_are_those_of_the_test_itself(arms: int) -> None:
    def best_case(seeds: int) -> float:
        return permutation_test(np.ones(seeds), np.zeros(seeds)) * arms

    needed = seeds_needed(arms)
    assert best_case(needed) <= 0.05 < best_case(needed - 1)


def test_figures_that_the_twin_lacks_are_compared_with_the_inferred_graph() -> None:
    config = experiment(arms=("identity", "graph+I", "random+I"), seeds=3)
    empty = np.zeros(0)
    plain = RetrievalReport({"map": 0.5}, empty, empty.astype(int), empty, empty, empty, empty.astype(int), ())
    extra = []
    for seed in range(3):
        extra.extend([{}, {}, {"link_precision": 0.6 + 0.1 * seed}, {"link_precision": 0.2 + 0.1 * seed}])
    table = gather(config, [plain] * 12, extra)
    assert table.metrics == ("map", "link_precision")
    assert reference_of(table, "link_precision") == "graph+I"
    assert reference_of(table, "map") == TWIN
    (random,) = compare_arms(table, "link_precision")
    assert random.arm == "random+I"
    assert random.difference == pytest.approx(-0.4)
    assert random.mean == pytest.approx(0.3)
    assert "random+I: loss, not confirmed in link_precision over graph+I" in summary(table, "link_precision")


def test_linked_pairs_are_counted_where_they_are_known() -> None:
    values = np.array([[[np.nan], [np.nan]], [[10.0], [12.0]], [[np.nan], [7.0]]])
    table = ExperimentReport((TWIN, "graph", "random"), np.arange(2), ("linked_pairs",), values)
    assert linked_pairs(table) == {"graph": 11.0, "random": 7.0}
    assert linked_pairs(dataclasses.replace(table, metrics=("map",))) == {}


def test_seeds_without_a_figure_are_left_out_in_pairs() -> None:
    values = np.array([[[0.1], [0.2], [np.nan]], [[0.2], [np.nan], [0.9]]])
    table = ExperimentReport((TWIN, "graph"), np.arange(3), ("delta_d",), values)
    (found,) = compare_arms(table, "delta_d")
    assert (found.seeds, found.mean) == (1, 0.2)
    assert found.difference == pytest.approx(0.1)


def clips() -> Clips:
    """Classes 0 and 1 come together in every second training clip of class 0; 2 is on its own."""
    label = np.array([0, 0, 1, 2, 0, 1, 2])
    truth = np.eye(3, dtype=bool)[label]
    truth[0, 1] = True
    return Clips(
        hard_label=label,
        classes=("A", "B", "C"),
        split=np.array([0, 0, 0, 0, 2, 2, 2]),
        clip_ids=tuple("abcdefg"),
        true_labels=truth,
        source="made up",
    )


def test_delta_d_is_the_distance_by_hand_on_edges_between_classes_only() -> None:
    weights = np.zeros((6, 6))
    weights[0, 4] = 1.0  # audio:A - visual:B
    weights[0, 3] = weights[3, 0] = 1.0  # A with itself, which is not the graph's
    affinity = Affinity(class_nodes(("A", "B", "C")), weights)
    sure = np.eye(3)[clips().hard_label].astype(np.float32)
    labels = SoftLabels(sure, sure, "probabilities", ("A", "B", "C"), clips().split, clips().hard_label)
    apart = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0, 1, 1]]
    near = apart.copy()
    near[5] = (0.6, 0.8)  # the test clip of B moves towards the test clip of A
    twin, student = Embeddings(apart, apart), Embeddings(apart, near)
    # one pair: test clip 4 (A, by ear) and 5 (B, by eye), at distance 1 and then 1 - 0.6
    assert delta_d(twin, student, labels, clips(), affinity, "test") == pytest.approx(0.6)
    assert delta_d(twin, twin, labels, clips(), affinity, "test") == 0.0


def test_links_are_held_against_what_truly_comes_together_in_training_clips() -> None:
    weights = np.zeros((6, 6))
    weights[0, 4] = 0.5  # A - B: true
    weights[2, 0] = 0.1  # C - A: not
    found = link_quality(weights, clips())
    assert found == {"link_precision": 0.5, "link_recall": 1.0, "linked_pairs": 2.0}
    blind = clips()
    object.__setattr__(blind, "true_labels", None)
    assert link_quality(weights, blind) == {}


def test_a_figure_that_the_twin_lacks_is_told_against_the_graph_and_only_once() -> None:
    config = experiment(arms=("graph+I", "graph", "random+I", "identity"), seeds=8)
    table = report(config, np.random.default_rng(0), {"random+I": -0.2})
    values = table.values.copy()
    column = table.metrics.index("hidden_pair_ap")
    values[[table.arms.index(arm) for arm in (TWIN, "identity")], :, column] = np.nan
    table = dataclasses.replace(table, values=values)
    assert mean_of(table, "graph+I", "hidden_pair_ap") == pytest.approx(values[1, :, column].mean())
    assert np.isnan(mean_of(table, TWIN, "hidden_pair_ap"))
    lines = sentences(table, "hidden_pair_ap")
    assert len(lines) == 2
    assert all("over graph+I" in line for line in lines)
    assert "random+I: loss" in lines[1]
