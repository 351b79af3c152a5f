"""What ships in models/ follows from its weights, fits its manifests, and is small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avexplore.artifacts import Clips, FeatureSet, TrainedStudent, TrainedTeacher
from avexplore.cli import main
from avexplore.config import (
    ClipsConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    FeatureFileConfig,
    GraphConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.data.clip_index import index_in
from avexplore.store import Store, app_folder
from avexplore.workbench import Workbench

MODELS = app_folder() / "models"


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command itself, on the smallest preset."""
    folder = tmp_path_factory.mktemp("shipped") / "models"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVEXPLORE_HOME", str(tmp_path_factory.mktemp("home")))
        small = ["--seeds", "2", "-s", "synthetic.clips=300", "-s", "synthetic.classes=4"]
        assert main(["retrain-models", "--preset", "tiny", "--out", str(folder), "-q", *small]) == 0
    return folder


@pytest.fixture(params=["made now", "shipped"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "made now":
        return Store(tmp_path, request.getfixturevalue("tiny_models"))
    if not any(MODELS.glob("*/*/manifest.json")):
        pytest.skip("models/ is empty")
    return Store(tmp_path, MODELS)


def configs(store: Store, kind: type[Config]) -> list[Config]:
    found = [summary.config for summary in store.entries() if isinstance(summary.config, kind)]
    assert found
    return found


def features_of(data: DataConfig, request: pytest.FixtureRequest) -> FeatureSet:
    from avexplore.data import feature_file, load_features

    if isinstance(data, SyntheticConfig):
        return load_features(data)
    path = request.getfixturevalue("shared_data") / "yt8m" / "yt8m_demo28.npz"
    found = feature_file(path, annotation=data.annotation, classes=data.classes)
    assert found.replace(split_seed=data.split_seed, validation_fraction=data.validation_fraction) == data
    return load_features(data.replace(paths=found.paths))


def test_every_entry_is_sound_and_read_by_this_version(store: Store) -> None:
    summaries = store.entries()
    assert {"clips", "teacher", "graph", "stability", "affinity", "student", "evaluation", "projection"} <= {
        summary.stage for summary in summaries
    }
    for summary in summaries:
        assert summary.config is not None, f"{summary.stage} is of an earlier version: avexplore retrain-models"
        assert store.get(summary.config) is not None, summary.path
    assert sum(f.stat().st_size for f in store.shipped.rglob("*") if f.is_file()) <= 25_000_000


def test_which_clips_a_run_was_made_of_is_shipped() -> None:
    summaries = Store(MODELS / "nothing", MODELS).entries("clips")
    found = [one.config.data for one in summaries if isinstance(one.config, ClipsConfig)]
    for data in found:
        if isinstance(data, FeatureFileConfig):
            with np.load(index_in(MODELS, data.fingerprint)) as index:
                assert len(index["audio"]) == len(index["visual"]) == 0
                assert len(index["digests"]) == len(index["labels"])


def test_shipped_runs_are_read_with_other_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVEXPLORE_MODELS", str(MODELS))
    students = [one.config for one in Store(MODELS / "nothing", MODELS).entries("student")]
    for student in students:
        if isinstance(student, StudentConfig) and student.regularizer is not None:
            changed = ["tune", "--run", student.address, "--set", "regularizer.posterior_links=0.4", "-q"]
            assert main(changed) == 0
            assert "hidden_pair_ap" in capsys.readouterr().out


def test_no_features_no_paths_and_a_card_for_each_model(store: Store) -> None:
    for summary in store.entries():
        assert summary.stage not in ("features", "synthetic")
        if isinstance(summary.config, (TeacherConfig, StudentConfig)):
            assert {"weights.safetensors", "manifest.json", "README.md"} <= {p.name for p in summary.path.iterdir()}
            data = summary.config.data
            assert not isinstance(data, FeatureFileConfig) or data.paths == ()
            assert "CC BY 4.0" in (summary.path / "README.md").read_text(encoding="utf-8")


def test_embeddings_follow_from_the_weights(store: Store, request: pytest.FixtureRequest) -> None:
    from avexplore.training import embed

    for config in configs(store, StudentConfig):
        assert isinstance(config, StudentConfig)
        student = store.get(config).artifact
        assert isinstance(student, TrainedStudent)
        made = embed(features_of(config.data, request), config, student.weights)
        for modality in ("audio", "visual"):
            ours, kept = getattr(made, modality), getattr(student.embeddings, modality)
            assert (ours * kept).sum(axis=1).min() > 0.999, "cosine of the same clip"


def test_soft_labels_follow_from_the_weights(store: Store, request: pytest.FixtureRequest) -> None:
    from avexplore.training import teach

    for config in configs(store, TeacherConfig):
        assert isinstance(config, TeacherConfig)
        teacher = store.get(config).artifact
        assert isinstance(teacher, TrainedTeacher)
        audio, visual = teach(features_of(config.data, request), config, teacher.weights)
        kept = teacher.soft_labels
        spread = np.std(kept.matrix())
        for ours, theirs in ((audio, kept.audio), (visual, kept.visual)):
            assert np.abs(ours - theirs).max() < 0.05 * spread


def test_figures_and_graphs_follow_from_what_is_shipped(store: Store) -> None:
    from avexplore.graph.learn import learn_class_graph
    from avexplore.retrieval import evaluate

    for config in configs(store, EvaluationConfig):
        assert isinstance(config, EvaluationConfig)
        model = store.get(config.model).artifact
        clips = store.get(ClipsConfig(config.model.data)).artifact
        found = evaluate(model.embeddings, clips, config.split)
        # Another processor rounds products otherwise, so that answers of nearly equal similarity may change places.
        kept = dict(store.get(config).artifact.metrics)  # later versions measure more
        assert {name: found.metrics[name] for name in kept} == pytest.approx(kept, abs=1e-4)
    for graph in configs(store, GraphConfig):
        assert isinstance(graph, GraphConfig)
        kept = store.get(graph).artifact
        again = learn_class_graph(store.get(graph.soft_labels).artifact.soft_labels, graph)
        assert again.score == pytest.approx(kept.score, rel=1e-9)
        np.testing.assert_array_equal(again.adjacency, kept.adjacency)


def test_probabilities_of_class_pairs_mean_what_they_say_on_shipped_runs(tmp_path: Path) -> None:
    from avexplore.graph.evidence.pair_probability import pair_probability
    from avexplore.graph.evidence.simulated_worlds import come_together

    shipped = Store(tmp_path, MODELS)
    judged = 0
    for config in configs(shipped, TeacherConfig):
        assert isinstance(config, TeacherConfig)
        entries = shipped.get(ClipsConfig(config.data)), shipped.get(config)
        clips, teacher = (entry.artifact if entry else None for entry in entries)
        assert isinstance(clips, Clips)
        assert isinstance(teacher, TrainedTeacher)
        if clips.true_labels is None or isinstance(config.data, SyntheticConfig):
            continue
        found = pair_probability(teacher.soft_labels)
        pairs = np.triu_indices(len(found.classes), 1)
        p, true = found.probability[pairs], come_together(clips.true_labels)[pairs]
        place = np.minimum((10 * p).astype(int), 9)
        assert np.abs(np.bincount(place, p - true, 10)).sum() / len(p) <= 0.10
        assert true[p >= found.probably_true].mean() > 0.7
        judged += 1
    assert judged or not configs(shipped, TeacherConfig)


def test_a_first_start_has_runs_with_figures_and_computes_nothing(store: Store) -> None:
    bench = Workbench(Store(store.root, store.shipped, read_only=True), read_only=True)
    runs = [run for run in bench.runs() if run.student is not None]
    assert runs
    for run in runs:
        assert run.shipped
        assert {"map", "hidden_pair_ap"} <= set(run.figures)
        assert set(run.twin_figures) == set(run.figures)
        assert "file " not in run.name
        assert bench.plan(EvaluationConfig(run.student)) == []
