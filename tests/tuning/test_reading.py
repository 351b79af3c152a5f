"""What a setting does is what a whole student with that setting does, to the last digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tuned_run import Tiny

from avexplore.artifacts import Clips, FeatureSet, TrainedStudent
from avexplore.config import AffinityConfig, EvaluationConfig, OutputsConfig, StudentConfig, override
from avexplore.errors import AvexploreError, ConfigError
from avexplore.graph.affinity import build_affinity
from avexplore.graph.stability.stability import measure_stability
from avexplore.nets.linked_posteriors import LinkedPosteriors
from avexplore.retrieval import evaluate, rank
from avexplore.training import embed, linked_posteriors
from avexplore.tuning.counts import TOP, Counts, first_answers
from avexplore.tuning.live_graphs import whole_stability
from avexplore.tuning.reading import clips_at, comparable, differences, open_run, read
from avexplore.tuning.tuning import nearest_stop, network_of, network_outputs, stops

SOURCES = (
    "graph",
    "correlation",
    "identity",
    "constant",
    "random",
    "graphical-lasso",
    "conditional-means",
    "true-graph",
)


def in_full(tiny: Tiny, config: StudentConfig) -> dict[str, float]:
    """The long way: the stored network over all features, with links from bootstraps made anew."""
    features: FeatureSet = tiny.bench.get(tiny.student.data)
    trained: TrainedStudent = tiny.bench.get(tiny.student)
    lir = config.regularizer
    assert lir is not None
    stability = measure_stability(tiny.run.soft_labels, lir.affinity.stability)
    truth = None
    if lir.affinity.source == "true-graph":
        from avexplore.graph.truth import true_co_occurrence

        rows = features.rows("train")
        assert features.true_labels is not None
        both = [None if t is None else t[rows] for t in (features.true_audio, features.true_visual)]
        truth = true_co_occurrence(features.true_labels[rows], true_audio=both[0], true_visual=both[1])
    affinity = build_affinity(lir.affinity, stability, soft_labels=tiny.run.soft_labels, true_weights=truth)
    links = linked_posteriors(features, config, tiny.run.soft_labels, affinity)
    weights = {name: values for name, values in trained.weights.items() if not name.startswith("links.")}
    weights |= {} if links is None else links.to_arrays()
    return dict(evaluate(embed(features, config, weights), features, "test").metrics)


def tuned(tiny: Tiny, changes: dict[str, dict[str, Any]]) -> tuple[StudentConfig, dict[str, float]]:
    config = comparable(tiny.student, override(tiny.student, changes))
    outputs = network_outputs(tiny.bench, tiny.student)
    assert outputs is not None
    assert config.stability is not None
    stability = whole_stability(tiny.run, config.stability, lambda *a, **k: None)
    return config, dict(read(tiny.run, config, outputs, stability).report.metrics)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    strength=st.floats(0, 1).map(lambda x: round(x, 2)),
    share=st.floats(0, 0.95).map(lambda x: round(x, 2)),
    temperature=st.floats(0.05, 3).map(lambda x: round(x, 2)),
    penalty=st.sampled_from((1.0, 2.0, 4.0)),
    source=st.sampled_from(SOURCES),
    threshold=st.floats(0, 1).map(lambda x: round(x, 2)),
    top_k=st.integers(1, 8),
    level=st.sampled_from(("class", "node")),
)
def test_figures_are_those_of_the_whole_student(
    tiny: Tiny,
    strength: float,
    share: float,
    temperature: float,
    penalty: float,
    source: str,
    threshold: float,
    top_k: int,
    level: str,
) -> None:
    config, figures = tuned(
        tiny,
        {
            "graph": {"penalty_discount": penalty},
            "affinity": {"source": source, "threshold": threshold, "top_k": top_k},
            "regularizer": {"posterior_links": strength, "level": level},
            "student": {"posterior_share": share, "posterior_temperature": temperature},
        },
    )
    assert figures == in_full(tiny, config)


def test_without_changes_all_is_as_stored(tiny: Tiny) -> None:
    _, figures = tuned(tiny, {})
    assert figures == dict(tiny.bench.get(EvaluationConfig(tiny.student)).metrics)


def test_outputs_of_a_student_that_did_not_keep_them_come_from_features(tiny: Tiny) -> None:
    import dataclasses

    from avexplore import pipeline

    trained = tiny.bench.get(tiny.student)
    assert trained.outputs is not None
    older = dataclasses.replace(trained, outputs=None)

    def get(config: Any) -> Any:
        return older if config == tiny.student else tiny.bench.get(config)

    wanted = OutputsConfig(tiny.student)
    made: Any = pipeline.stage_of(wanted).compute(wanted, pipeline.Context(get))
    kept = tiny.bench.get(wanted)
    for name in ("audio", "visual", "audio_logits", "visual_logits"):
        assert np.array_equal(getattr(made, name), getattr(kept, name))


def test_only_what_acts_in_training_changes_the_network(tiny: Tiny) -> None:
    student = tiny.student
    reading = override(
        student,
        {
            "graph": {"penalty_discount": 5.0},
            "affinity": {"source": "random", "top_k": 2},
            "regularizer": {"posterior_links": 0.7},
            "student": {"posterior_share": 0.2, "posterior_temperature": 0.9},
        },
    )
    assert network_of(student, reading) == student
    training = override(reading, {"regularizer": {"weight": 3.0, "form": "pull"}})
    found = network_of(student, training)
    assert found == override(student, {"regularizer": {"weight": 3.0, "form": "pull"}})
    with pytest.raises(ConfigError):
        network_of(student, student.twin)


def test_a_network_that_nobody_trained_is_not_there(tiny: Tiny) -> None:
    assert network_outputs(tiny.bench, override(tiny.student, {"regularizer": {"weight": 911.0}})) is None
    found = list(stops(tiny.bench, tiny.student).values())  # other tests may have trained more
    assert tiny.student in found
    assert 911.0 not in [network.regularizer.weight for network in found if network.regularizer is not None]


def test_stops_are_the_lambdas_of_networks_at_hand(tiny: Tiny) -> None:
    from avexplore.store import Store
    from avexplore.workbench import Workbench

    bench = Workbench(Store(tiny.bench.store.root.parent / "more", tiny.bench.store.root / "artifacts"), device="cpu")
    stronger = override(tiny.student, {"regularizer": {"weight": 41.0}})
    other = override(tiny.student, {"regularizer": {"weight": 51.0, "form": "pull"}})
    for config in (stronger, other):
        bench.get(OutputsConfig(config))
    # Other tests may have trained more on the same data, with lambdas of their own.
    found = {weight: one for weight, one in stops(bench, tiny.student).items() if weight in (1.0, 41.0, 51.0)}
    assert list(found) == [1.0, 41.0]
    assert found[nearest_stop(found, 30.0)] == stronger


def test_one_scale_for_all_sources() -> None:
    """A source with only weak links leaves them weak."""
    strengths = np.array([[0.0, 4.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    weak = np.zeros((6, 6))
    weak[0, 2] = 1.0
    share = np.full(3, 1 / 3)
    own = LinkedPosteriors.from_weights(weak, strengths, share, 0.4)
    common = LinkedPosteriors.from_weights(weak, strengths, share, 0.4, largest=4.0)
    assert own.presence.max() == pytest.approx(0.4)
    assert common.presence.max() == pytest.approx(0.1)


def test_sources_beside_each_other_are_on_one_scale(tiny: Tiny) -> None:
    def scale(changes: dict[str, dict[str, Any]]) -> str:
        lir = comparable(tiny.student, override(tiny.student, changes)).regularizer
        assert lir is not None
        return lir.link_scale

    assert scale({"affinity": {"source": "random"}}) == "teacher"
    assert scale({"regularizer": {"posterior_links": 0.5}}) == "links"


def test_counts_are_those_of_a_slow_loop(tiny: Tiny) -> None:
    run, clips = tiny.run, tiny.run.test_clips
    assert clips.true_labels is not None
    for direction in (0, 1):
        sides = (run.after.audio, run.after.visual) if direction == 0 else (run.after.visual, run.after.audio)
        found = first_answers(run.after, clips, direction)
        for query in range(len(clips.hard_label)):
            answers = rank(sides[0][[query]], sides[1], TOP).indices[0]
            shared = [bool((clips.true_labels[a] & clips.true_labels[query]).any()) for a in answers]
            assert found[query] == sum(shared)
    ours, theirs = (first_answers(e, clips, 0) for e in (run.after, run.before))
    compared = Counts(ours, theirs)
    assert compared.gain == sum(a > b for a, b in zip(ours, theirs, strict=True))
    assert compared.lose == sum(a < b for a, b in zip(ours, theirs, strict=True))


def test_clips_at_keeps_what_belongs_to_each_clip(tiny: Tiny) -> None:
    some: Clips = clips_at(tiny.run.clips, np.array([3, 1]))
    assert some.clip_ids == (tiny.run.clips.clip_ids[3], tiny.run.clips.clip_ids[1])
    assert some.hard_label.tolist() == tiny.run.clips.hard_label[[3, 1]].tolist()
    assert some.classes == tiny.run.clips.classes


def test_differences_are_of_figures_that_both_have(tiny: Tiny) -> None:
    found = differences(tiny.run.twin_report, tiny.run.twin_report)
    assert set(found.values()) == {0.0}
    assert set(found) == {"map", "any_label_map", "hidden_pair_ap"}


def test_a_student_without_lir_or_with_parts_missing_says_so(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="with LIR"):
        open_run(tiny.bench, tiny.student.twin)
    with pytest.raises(AvexploreError, match="not there"):
        open_run(tiny.bench, tiny.student.replace(seed=99))


def test_sources_cover_what_the_config_offers() -> None:
    from typing import get_args, get_type_hints

    offered = set(get_args(get_type_hints(AffinityConfig)["source"]))
    assert set(SOURCES) | {"true-pairs"} <= offered


def test_a_student_whose_network_was_not_kept_is_refused_in_words(made: Any) -> None:
    from avexplore.errors import DataError
    from avexplore.tuning.live_graphs import LiveGraphs
    from avexplore.tuning.tuning import Tuning
    from avexplore.workbench import Workbench

    bench = Workbench()
    assert made.student.stability is not None
    bench.get(made.student.stability)
    tuning = Tuning(bench, open_run(bench, made.student), LiveGraphs())
    with pytest.raises(DataError, match="outputs of this run's networks are not there"):
        _ = tuning.telling_queries
