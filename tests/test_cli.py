from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import avexplore
from avexplore import cli
from avexplore.artifacts import History
from avexplore.cli import serve
from avexplore.cli.configure import graph_of_soft_labels, override, parse_settings
from avexplore.config import (
    ClipsConfig,
    ExperimentConfig,
    SoftLabelFileConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
    from_json,
)
from avexplore.config.presets import preset
from avexplore.data import export_features, load_features, load_soft_labels
from avexplore.data import soft_label_file as soft_label_file_config
from avexplore.errors import Cancelled, ConfigError
from avexplore.jobs import Registry
from avexplore.store import Store
from avexplore.workbench import Workbench
from avexplore.workbench.runs import Run

TINY = ["--preset", "tiny", "-s", "synthetic.clips=200", "-s", "synthetic.classes=4"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.main(arguments)
    caught = capsys.readouterr()
    return code, caught.out, caught.err


@pytest.fixture
def soft_label_file(tmp_path: Path) -> Path:
    """Two classes that come together, one on its own."""
    rng = np.random.default_rng(0)
    events = rng.random((400, 3)) < 0.4
    events[:, 1] |= events[:, 0] & (rng.random(400) < 0.9)
    both = [(events + rng.normal(0, 0.3, events.shape)).astype(np.float32) for _ in range(2)]
    path = tmp_path / "predictions.npz"
    np.savez(path, audio=both[0], visual=both[1], kind=np.array("logits"))
    return path


def test_graph_prints_one_object_with_named_nodes_edges_and_score(
    soft_label_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["graph", str(soft_label_file), "--penalty-discount", "2", "--seed", "0", "--json"]
    code, out, _ = run(arguments, capsys)
    assert code == 0
    found = json.loads(out)
    assert len(found["nodes"]) == 6
    assert {name.split(":")[0] for name in found["nodes"]} == {"audio", "visual"}
    assert found["score"] > 0
    pairs = {frozenset((edge["source"], edge["target"])) for edge in found["edges"]}
    names = [name.split(":")[1] for name in found["nodes"][:3]]
    assert {frozenset((f"audio:{name}", f"visual:{name}")) for name in names} <= pairs
    assert all(isinstance(edge["directed"], bool) for edge in found["edges"])
    assert run(arguments, capsys)[1] == out, "the same again, from the store"


def test_is_it_right_is_answered_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 8, 1200)
    there = np.eye(8)[label]
    there[:, 1] = np.maximum(there[:, 1], (label == 0) & (rng.random(1200) < 0.5))
    heard, seen = ((3 * there + rng.normal(0, 1, there.shape)).astype(np.float32) for _ in range(2))
    path, out = tmp_path / "logits.npz", tmp_path / "graph.json"
    np.savez(path, audio=heard, visual=seen, hard_label=label)
    arguments = ["graph", str(path), "--kind", "logits", "--verdict", "--out", str(out)]
    code, printed, _ = run([*arguments, "--json"], capsys)
    assert code == 0
    found = json.loads(printed)
    ((one, other, probability),) = found["probably_true"]
    assert probability >= found["threshold"]
    linked = [e for e in found["edges"] if {e["source"].split(":")[1], e["target"].split(":")[1]} == {one, other}]
    assert linked
    assert all(edge["probability"] == pytest.approx(probability) for edge in linked)
    assert all(edge["low"] < edge["odds_ratio"] < edge["high"] for edge in found["edges"])
    assert any("1 of the " in remark["text"] for remark in found["verdict"])
    assert found["counted"] == "soft labels"
    written = json.loads(out.read_text())["edges"]
    assert any(edge.get("probability") == pytest.approx(probability, abs=1e-6) for edge in written)
    assert "verdict" not in json.loads(run(["graph", str(path), "--kind", "logits", "--json"], capsys)[1])
    printed = run([*arguments, "-q"], capsys)[1]
    assert "Is it right?" in printed
    assert "Links that are probably true" in printed


def test_graph_compares_with_a_file_and_writes_one(
    soft_label_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "ours.csv"
    assert run(["graph", str(soft_label_file), "--out", str(theirs), "-q"], capsys)[0] == 0
    code, out, _ = run(["graph", str(soft_label_file), "--compare", str(theirs), "--json"], capsys)
    assert code == 0
    compared = json.loads(out)["comparison"]
    assert compared["shd"] == 0
    assert compared["score_of_the_other"] == pytest.approx(compared["score"])


@pytest.mark.parametrize(
    "settings",
    [["--transform", "rank"], ["--transform", "class-centered"], ["--score", "bdeu"], ["--penalty-discount", "8"]],
    ids=" ".join,
)
def test_two_graphs_are_compared_on_one_scale(
    soft_label_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: list[str]
) -> None:
    ours, none = tmp_path / "ours.csv", tmp_path / "none.json"
    arguments = ["graph", str(soft_label_file), *settings, "--json"]
    found = json.loads(run([*arguments, "--out", str(ours)], capsys)[1])
    compared = json.loads(run([*arguments, "--compare", str(ours)], capsys)[1])["comparison"]
    assert compared["score"] == pytest.approx(found["score"])
    assert compared["score_of_the_other"] == pytest.approx(found["score"])
    none.write_text(json.dumps({"nodes": found["nodes"], "edges": []}))
    compared = json.loads(run([*arguments, "--compare", str(none)], capsys)[1])["comparison"]
    assert compared["score_of_the_other"] == 0


def test_a_graph_with_a_node_that_was_left_out_has_no_score(
    soft_label_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = tmp_path / "ours.csv"
    run(["graph", str(soft_label_file), "--out", str(ours), "-q"], capsys)
    code, out, err = run(
        ["graph", str(soft_label_file), "--transform", "drop-one", "--compare", str(ours), "--json"], capsys
    )
    assert code == 0
    assert json.loads(out)["comparison"]["score_of_the_other"] is None
    assert "took no part in the search (ours.csv (csv))" in err


def test_both_commands_say_what_was_read_as_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    clips = {"audio": rng.normal(size=(60, 10, 4)), "visual": rng.normal(size=(60, 6, 3, 3))}
    clips |= {"labels": np.arange(60) % 3, "is_train": np.arange(60) % 5 > 0, "loss": np.zeros(5)}
    np.savez(tmp_path / "clips.npz", **clips)
    code, out, _ = run(["data", str(tmp_path / "clips.npz"), "--json"], capsys)
    found = json.loads(out)
    assert code == 0
    assert (found["audio_width"], found["visual_width"]) == (4, 6)
    assert (found["audio_shape"], found["visual_averaged_axes"]) == ([60, 10, 4], [2, 3])
    assert (found["split_from"], found["not_read"], found["dropped"]) == ("is_train", ["loss"], {})
    assert found["audio_constant_features"] == 0
    code, _, err = run(["data", str(tmp_path / "clips.npz")], capsys)
    for word in ("averaged over axes 2 (of 3) and 3 (of 3)", "is_train", "Not read", "loss"):
        assert word in err
    np.savez(tmp_path / "soft.npz", audio=100 * rng.dirichlet(np.ones(3), 60), visual=100 * rng.dirichlet([1] * 3, 60))
    code, out, _ = run(["graph", str(tmp_path / "soft.npz"), "--json"], capsys)
    found = json.loads(out)
    assert (found["kind"], found["independent"], found["not_read"]) == ("percentages", False, [])
    assert (found["audio_width"], found["dropped"], found["split_from"]) == (3, {}, "none")
    code, _, err = run(["graph", str(tmp_path / "soft.npz")], capsys)
    assert "Read as percentages" in err
    code, out, _ = run(["graph", str(tmp_path / "soft.npz"), "--kind", "independent-logits", "--json"], capsys)
    assert (json.loads(out)["kind"], json.loads(out)["independent"]) == ("independent-logits", True)
    code, _, err = run(["graph", str(tmp_path / "clips.npz"), "--kind", "logits"], capsys)
    assert code == 1
    assert "holds features" in err


class TestWhatAFileOfPredictionsHolds:
    """Features with labels train a teacher; soft labels go straight to the search."""

    def write(self, path: Path, **changes: Any) -> Path:
        rng = np.random.default_rng(0)
        shares = {name: rng.dirichlet(np.ones(3), 300) for name in ("audio", "visual")}
        content = shares | changes
        np.savez(path / "mine.npz", **content)
        return path / "mine.npz"

    @pytest.mark.parametrize(
        "extra",
        [
            {"hard_label": np.arange(300) % 3},
            {"kind": np.array("logits"), "labels": np.arange(300) % 3},
            {"classes": np.array(["Bus", "Cat", "Dog"]), "labels": np.arange(300) % 3},
        ],
        ids=" ".join,
    )
    def test_soft_labels_are_recognized(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: dict[str, Any]
    ) -> None:
        code, out, err = run(["graph", str(self.write(tmp_path, **extra)), "--json"], capsys)
        assert code == 0, err
        found = json.loads(out)
        assert found["config"]["soft_labels"]["stage"] == "soft_labels"
        assert (found["config"]["rows"], found["samples"]) == ("all", 300)

    @pytest.mark.parametrize("word", ["labels", "y", "label"])
    def test_features_with_labels_in_other_words_stay_features(self, tmp_path: Path, word: str) -> None:
        path = self.write(tmp_path, **{word: np.arange(300) % 4})
        assert graph_of_soft_labels(path, None, 0) is None

    def test_features_of_equal_width_stay_features(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, labels=np.arange(300) % 4, classes=np.array(list("abcd")))
        assert graph_of_soft_labels(path, None, 0) is None
        export_features(load_features(SyntheticConfig(clips=200, classes=4)), path)
        assert graph_of_soft_labels(path, None, 0) is None

    @pytest.mark.parametrize(
        ("arguments", "clips"), [([], 200), (["--rows", "all"], 300), (["--training-rows", "120"], 120)]
    )
    def test_test_clips_are_left_out_where_the_file_names_them(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], clips: int
    ) -> None:
        path = self.write(tmp_path, split=np.array(["train"] * 200 + ["test"] * 100))
        assert json.loads(run(["graph", str(path), *arguments, "--json"], capsys)[1])["samples"] == clips


def test_published_scores_and_graph(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared_data / "causalcmr"
    arguments = ["graph", str(folder / "prediction_500.npz"), "--penalty-discount", "2", "--seed", "0", "--json"]
    code, out, _ = run([*arguments, "--compare", str(folder / "causal_500.csv")], capsys)
    assert code == 0
    found = json.loads(out)
    pairs = {frozenset((edge["source"], edge["target"])) for edge in found["edges"]}
    classes = [name.removeprefix("audio:") for name in found["nodes"][:15]]
    assert all(frozenset((f"audio:{name}", f"visual:{name}")) in pairs for name in classes)
    assert found["comparison"]["score_of_the_other"] == pytest.approx(58_839.9, abs=0.05)
    assert found["score"] > found["comparison"]["score_of_the_other"]
    assert any("scores" in warning and "not probabilities" in warning for warning in found["warnings"])


def test_the_whole_path_in_one_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(["run", *TINY, "--no-projection", "--json"], capsys)
    assert code == 0
    found = json.loads(out)
    for arm in ("without_lir", "with_lir"):
        assert {"map", "map_audio_to_visual", "map_visual_to_audio", "any_label_map", "hidden_pair_ap"} <= set(
            found[arm]
        )
        both = (found[arm]["map_audio_to_visual"] + found[arm]["map_visual_to_audio"]) / 2
        assert found[arm]["map"] == pytest.approx(both)
    config = from_json(found["config"])
    assert isinstance(config, StudentConfig)
    assert config.address == found["address"]

    [shown] = Workbench().runs()
    assert shown.student == config
    assert shown.figures["map"] == found["with_lir"]["map"]
    assert shown.twin_figures["map"] == found["without_lir"]["map"]
    code, out, _ = run(["evaluate", "--run", shown.key, "--no-lir", "--json"], capsys)
    assert (code, json.loads(out)["metrics"]) == (0, found["without_lir"])
    for what in ("embeddings", "soft-labels", "graph", "figures", "config"):
        target = tmp_path / f"{what}.{'csv' if what in ('graph', 'figures') else 'npz'}"
        assert run(["export", what, str(target)], capsys)[0] == 0
        assert target.stat().st_size > 20
    code, out, _ = run(["graph", str(tmp_path / "soft-labels.npz"), "--json"], capsys)
    assert code == 0, "what was exported can be read back"
    exported = load_soft_labels(soft_label_file_config(tmp_path / "soft-labels.npz"))
    assert json.loads(out)["samples"] == len(exported.rows("train")) < len(exported.split)
    clips = Workbench().get(ClipsConfig(config.data))
    assert np.array_equal(exported.hard_label, clips.hard_label)
    assert np.array_equal(exported.split, clips.split)
    assert run(["export", "soft-labels", str(tmp_path / "out.bin")], capsys)[0] == 0
    assert (tmp_path / "out.bin").is_file(), "the file is called what was asked for"
    assert not list(tmp_path.glob("out.bin.*"))
    code, out, _ = run(["evaluate", "--config", str(tmp_path / "config.npz"), "--json"], capsys)
    assert json.loads(out)["metrics"] == found["with_lir"]


def test_the_newest_run_of_ones_own_is_exported_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    student = preset("tiny", SyntheticConfig())
    listed = [
        Run(key=one.address[:12], name=name, soft_labels=one.soft_labels, student=one, shipped=name == "shipped")
        for name, one in (("shipped", student), ("newest", student.replace(seed=5)), ("older", student.replace(seed=6)))
    ]
    monkeypatch.setattr(Workbench, "runs", lambda self: listed)
    target = tmp_path / "config.json"
    code, _, err = run(["export", "config", str(target)], capsys)
    assert code == 0
    assert from_json(json.loads(target.read_text())) == listed[1].student
    assert f"run {listed[1].key}, newest" in err
    monkeypatch.setattr(Workbench, "runs", lambda self: listed[:1])
    _, _, err = run(["export", "config", str(target)], capsys)
    assert f"shipped run {listed[0].key}" in err


@pytest.mark.parametrize("place", ["missing/graph.csv", "file/graph.csv", "folder.csv"])
def test_where_nothing_can_be_written_is_said(
    place: str, tmp_path: Path, soft_label_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    target = tmp_path / place
    code, out, err = run(["graph", str(soft_label_file), "--out", str(target), "-q"], capsys)
    assert (code, out) == (1, "")
    assert "cannot be written" in err
    assert f"({target})" in err
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.part"))


def test_any_other_failure_of_the_system_is_an_error_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soft_label_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVEXPLORE_HOME", str(tmp_path / "file"))
    code, out, err = run(["run", *TINY, "-q"], capsys)
    assert (code, out) == (1, "")
    assert str(tmp_path / "file") in err

    def fail(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied", "/some/place")

    monkeypatch.setattr(Workbench, "get", fail)
    code, _, err = run(["graph", str(soft_label_file)], capsys)
    assert code == 1
    assert err.strip().endswith("Permission denied (/some/place). Check the path, its permissions and the disk.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such names")
def test_a_file_whose_name_is_no_text_is_as_good_as_any(
    soft_label_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = soft_label_file.rename(Path(os.fsdecode(bytes(soft_label_file.parent) + b"/soft\xff.npz")))
    code, out, err = run(["graph", str(path), "--json"], capsys)
    assert code == 0, err
    assert json.loads(out)["config"]["soft_labels"]["path"] == str(path)
    assert run(["runs"], capsys)[0] == 0
    assert [one.name for one in Workbench().runs()] == ["soft?: soft labels"]


def test_files_are_named_by_themselves_however_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features = load_features(SyntheticConfig(clips=200, classes=4))
    paths = []
    for name in ("audio", "visual", "labels"):
        paths.append(str(tmp_path / f"{name}.npy"))
        np.save(paths[-1], features.hard_label if name == "labels" else getattr(features, name))
    tiny = ["--preset", "tiny", "-s", "teacher.epochs=1", "--json"]
    made = json.loads(run(["train-teacher", *paths, *tiny], capsys)[1])
    assert [Path(path).name for path in made["config"]["data"]["paths"]] == ["audio.npy", "labels.npy", "visual.npy"]


def test_classes_whose_names_hold_commas_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, rng = tmp_path / "clips.npz", np.random.default_rng(0)
    names = np.array(["Violin, fiddle", "Bus", "Race car, auto racing"])
    arrays = {name: rng.normal(size=(60, 5)) for name in ("audio", "visual")}
    np.savez(path, **arrays, labels=np.arange(60) % 3, classes=names)
    code, out, err = run(["data", str(path), "--class", names[0], "--class", names[2], "--json"], capsys)
    assert code == 0, err
    assert [row["name"] for row in json.loads(out)["classes"]] == [names[0], names[2]]
    code, _, err = run(["data", str(path), "--class", "Violin", "--class", "Bus"], capsys)
    assert code == 1
    assert "Perhaps 'Violin, fiddle' is meant." in err


def test_data_says_what_is_there_and_writes_what_can_be_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "clips.npz"
    settings = ["-s", "synthetic.clips=200", "-s", "synthetic.classes=4"]
    code, out, _ = run(["data", *settings, "--out", str(target), "--json"], capsys)
    assert code == 0
    made = json.loads(out)
    assert made["clips"] == sum(made["splits"].values()) == sum(row["annotated"] for row in made["classes"]) == 200
    code, out, err = run(["data", str(target), "--json"], capsys)
    assert code == 0, err
    read = json.loads(out)
    assert read["splits"] == made["splits"]
    assert read["hidden_labels"] == made["hidden_labels"]


def test_classes_are_named_and_what_is_not_known_has_no_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, path, names = np.random.default_rng(0), tmp_path / "clips.npz", tmp_path / "names.txt"
    audio, visual = rng.normal(size=(2, 30, 4))
    np.savez(path, audio=audio, visual=visual, labels=np.arange(30) % 2)
    code, out, _ = run(["data", str(path)], capsys)
    assert code == 0
    assert "class_00" in out
    assert "Truly there" not in out
    names.write_text("Bus\nTrain, steam\n")
    code, out, err = run(["data", str(path), "--class-names", str(names), "--json"], capsys)
    assert code == 0, err
    assert [row["name"] for row in json.loads(out)["classes"]] == ["Bus", "Train, steam"]
    code, _, err = run(["data", "--class-names", str(names)], capsys)
    assert code == 1
    assert "names its classes itself" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 2, "No such command"),
        (["graph", "--penalty-discount", "much"], 2, "Invalid value"),
        (["graph", "/nowhere.npz"], 1, "no such file"),
        (["graph", "--penalty-discount", "-1"], 1, "out of range"),
        (["run", "-s", "student.epoch=3"], 1, "No field 'epoch'"),
        (["run", "-s", "studio.epochs=3"], 1, "No stage 'studio'"),
        (["run", "-s", "epochs"], 1, "stage.field=value"),
        (["evaluate", "--run", "feedbeef"], 1, "0 stored runs"),
        (["compute", "/nowhere.json"], 1, "No such file"),
        (["jobs", "log", "feed"], 1, "0 jobs"),
        (["export", "graph", "graph.docx"], 1, "no stored run"),
        (["store", "prune", "--address", "x" * 9, "-y"], 0, "nothing was removed"),
    ],
)
def test_what_goes_wrong_is_said_on_stderr_with_an_exit_code(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(arguments, capsys)
    assert found == code
    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_json_is_alone_on_stdout_whatever_libraries_print(
    monkeypatch: pytest.MonkeyPatch, soft_label_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    original = Workbench.get

    def noisy(self: Workbench, *arguments: Any) -> Any:
        sys.stdout.write("a library says hello\n")
        return original(self, *arguments)

    monkeypatch.setattr(Workbench, "get", noisy)
    assert cli.main(["graph", str(soft_label_file), "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)
    assert "hello" in err


def test_the_module_is_the_same_program_and_starts_without_heavy_libraries() -> None:
    code = (
        "import sys; import avexplore.cli; "
        "heavy = {'torch', 'sklearn', 'streamlit', 'umap', 'numba', 'scipy', 'pandas'}; "
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    done = subprocess.run([sys.executable, "-m", "avexplore", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == avexplore.__version__


def test_blanks_between_arms_are_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def make(config: ExperimentConfig, *_: Any, **__: Any) -> None:
        asked.append(config)
        raise Cancelled("That is all")

    monkeypatch.setattr("avexplore.workbench.fanout.make", make)
    assert run(["experiment", *TINY, "--arms", "graph+I, identity", "-q"], capsys)[0] == 130
    assert asked[0].arms == ("graph+I", "identity")


def test_compute_makes_any_stage_from_its_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = override(
        preset("tiny", SyntheticConfig(clips=200, classes=4)), parse_settings(["stability.bootstraps=3"])
    ).stability
    assert isinstance(config, StabilityConfig)
    path = tmp_path / "stability.json"
    path.write_text(json.dumps(config.to_json()))
    code, out, _ = run(["compute", str(path), "--json"], capsys)
    assert (code, json.loads(out)["address"]) == (0, config.address)
    assert config in Store()
    path.write_text('{"stage": "stability", "graph": 3}')
    code, _, err = run(["compute", str(path)], capsys)
    assert code == 1
    assert "stability" in err


def test_overriding_reaches_every_place_of_a_stage_and_refuses_what_does_not_fit() -> None:
    config = preset("tiny", SyntheticConfig())
    changed = override(config, {"synthetic": {"seed": 5}})
    assert changed.data.seed == 5
    assert changed.soft_labels.data.seed == 5
    assert changed.address != config.address
    assert override(config, {}) == config
    with pytest.raises(ConfigError):
        override(config, {"student": {"epochs": "many"}})


def test_the_app_is_started_for_this_machine_only_unless_told_otherwise() -> None:
    own = serve.streamlit_settings(8501, "127.0.0.1", [], False, False)
    assert own["server.address"] == "127.0.0.1"
    assert own["browser.gatherUsageStats"] is False
    assert own["server.allowedHosts"] == ["127.0.0.1", "localhost", "::1"]
    shared = serve.streamlit_settings(8501, "0.0.0.0", [], True, False)
    assert shared["client.showErrorDetails"] == "none"
    assert shared["server.enableXsrfProtection"] is True
    assert shared["server.enableCORS"] is True
    assert "server.allowedHosts" not in shared, "which names a network has for it, we do not know"
    proxied = serve.streamlit_settings(8501, "127.0.0.1", ["lab.example"], True, False)
    assert "lab.example" in proxied["server.allowedHosts"]  # type: ignore[operator]


def test_a_password_comes_from_a_file_or_the_environment_and_is_no_joke(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse\nbattery staple\n")
    assert serve.read_password(file, "from the environment") == "correct horse"
    assert serve.read_password(None, "from the environment") == "from the environment"
    assert serve.read_password(None, None) == ""
    file.write_text("short\n")
    with pytest.raises(ConfigError, match="fewer than") as caught:
        serve.read_password(file, None)
    assert "short" not in str(caught.value).replace(str(file), "")
    for given in ("", "1234567"):
        with pytest.raises(ConfigError):
            serve.read_password(None, given)
    with pytest.raises(ConfigError, match="cannot be read"):
        serve.read_password(tmp_path / "absent", None)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        serve.read_password(file, None)


def test_a_folder_to_read_from_has_to_be_one(tmp_path: Path) -> None:
    assert serve.folder_list([]) == ""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert serve.folder_list([tmp_path / "link"]) == str((tmp_path / "real").resolve())
    with pytest.raises(ConfigError, match="no folder"):
        serve.folder_list([tmp_path / "absent"])


def test_health_says_what_is_wrong_and_with_its_exit_code(
    avexplore_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(["health", "--json"], capsys)
    assert code == 0
    found = json.loads(out)
    assert found["ok"]
    assert found["free_bytes"] > 0
    assert found["jobs"] == {"queued": 0, "running": 0, "failed": 0}
    monkeypatch.setattr("avexplore.cli.upkeep.LEAST_FREE", 1 << 62)
    code, out, _ = run(["health", "--json"], capsys)
    assert code == 1
    assert "free" in json.loads(out)["problems"][0]
    blocked = avexplore_home / "file"
    blocked.write_text("")
    monkeypatch.setenv("AVEXPLORE_HOME", str(blocked))
    code, out, _ = run(["health", "--json"], capsys)
    assert code == 1
    assert "cannot be written" in json.loads(out)["problems"][0]


def test_jobs_are_listed_and_stopped_from_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = preset("tiny", SyntheticConfig(clips=1000, classes=6)).soft_labels
    assert config is not None
    long = config.replace(epochs=5000)
    path = tmp_path / "teacher.json"
    path.write_text(json.dumps(long.to_json()))
    assert run(["jobs", "submit", str(path)], capsys)[0] == 0
    try:
        [job] = json.loads(run(["jobs", "list", "--json"], capsys)[1])["jobs"]
        assert (job["stage"], job["state"]) == ("teacher", "running")
        assert run(["jobs", "cancel", job["address"][:10]], capsys)[0] == 0
        assert json.loads(run(["jobs", "list", "--json"], capsys)[1])["jobs"][0]["state"] == "cancelled"
    finally:
        Registry(Store().root).cancel(long.address)


def test_the_store_is_described_checked_and_emptied_on_request_only(
    soft_label_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["graph", str(soft_label_file), "-q"], capsys)
    described = json.loads(run(["store", "info", "--json"], capsys)[1])
    assert described["stages"]["graph"][0] == 1
    assert described["bytes"] > 1000
    assert run(["store", "check"], capsys)[0] == 0
    entry = next(s for s in Store().entries("graph"))
    with (entry.path / "adjacency.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x07")
    code, out, _ = run(["store", "check", "--json"], capsys)
    assert code == 1
    assert json.loads(out)["damaged"] == [f"graph/{entry.address[:12]}"]
    assert len(json.loads(run(["store", "info", "--json"], capsys)[1])["set_aside"]) == 1
    assert run(["store", "prune"], capsys)[0] == 0
    assert len(Store().quarantine()) == 1, "nothing was asked for"
    assert run(["store", "prune", "--set-aside", "--stage", "soft_labels", "-y"], capsys)[0] == 0
    assert Store().quarantine() == []
    assert Store().entries() == []


def test_a_broken_manifest_is_found_and_can_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    config = SoftLabelFileConfig("f")
    place = Store().put(config, History({"loss": np.zeros(3)})).path
    (place / "manifest.json").write_text("{")
    code, out, _ = run(["store", "check", "--json"], capsys)
    told = {"checked": 1, "damaged": [f"soft_labels/{config.address[:12]}"], "unlisted": []}
    assert (code, json.loads(out)) == (1, told), "it was set aside before the lists were looked at"
    assert run(["store", "check"], capsys)[0] == 0, "it was set aside"
    assert run(["store", "prune", "--set-aside", "-y"], capsys)[0] == 0
    assert [path for path in Store().root.rglob("*") if path.is_file()] == []


def test_states_of_trainings_are_named_and_removed_by_age_unless_somebody_is_at_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avexplore.jobs.registry.default_workers", lambda: 0)
    store = Store()
    alone, held, queued = (TeacherConfig(SyntheticConfig(seed=seed)) for seed in range(3))
    for config in (alone, held, queued):
        store.state_file(config).parent.mkdir(exist_ok=True)
        store.state_file(config).write_bytes(b"x" * 1000)
    Registry(store.root).submit(queued)
    store.lock_file(held).parent.mkdir()
    os.utime(store.state_file(alone), (1, 1))
    states = json.loads(run(["store", "info", "--json"], capsys)[1])["states"]
    assert [(s["stage"], s["bytes"]) for s in states] == [("teacher", 1000)] * 3
    assert states[-1]["written"] == "1970-01-01T00:00:01Z"
    assert alone.address.startswith(states[-1]["address"])
    assert alone.address[:12] in run(["store", "info"], capsys)[1]
    for nothing in (["--older-than", "1", "--stage", "student"], ["--outdated"], ["--address", "0" * 9]):
        assert "Nothing fits" in run(["store", "prune", *nothing, "-y"], capsys)[2]
    with FileLock(store.lock_file(held)):
        assert "Removed 1000 B" in run(["store", "prune", "--older-than", "0", "-y"], capsys)[2]
        assert sorted(s.path for s in store.states()) == sorted(map(store.state_file, (held, queued)))


def test_pruning_first_clears_away_what_was_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    unfinished = Store().state_file(TeacherConfig(SyntheticConfig())).with_suffix(".safetensors.1.part")
    unfinished.parent.mkdir()
    unfinished.touch()
    os.utime(unfinished, (1, 1))
    run(["store", "prune"], capsys)
    assert not unfinished.exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
@pytest.mark.parametrize("command", [["store", "info"], ["store", "info", "--json"], ["--help"]])
def test_a_reader_that_leaves_early_is_no_failure(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "avexplore", *command], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_and_completion_load_nothing_heavy() -> None:
    code = (
        "import sys; from avexplore.cli import main; main(['--help']);"
        "print([name for name in ('numpy', 'scipy', 'torch', 'rich.markdown', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
