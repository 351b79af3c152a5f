"""The frame and the pages around the method: overview, training, experiments; each alone and through `app.py`."""

from __future__ import annotations

import errno
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from avexplore.config import (
    EvaluationConfig,
    ExperimentConfig,
    GraphConfig,
    StudentConfig,
    SweepConfig,
    SyntheticConfig,
)
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file, load_features
from avexplore.errors import StoreError
from avexplore.experiments.sweep import best_student, outcomes, varied
from avexplore.jobs import records, registry
from avexplore.losses.registry import AA_FIELDS, LOSSES
from avexplore.ui.experiments import arms, sweeps
from avexplore.ui.overview.page import method_of
from avexplore.ui.page_list import PAGES
from avexplore.ui.parts import uploads
from avexplore.ui.settings import field_widget
from avexplore.ui.shell import glossary, session
from avexplore.workbench import Running, Workbench

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AVEXPLORE_MODELS", str(tmp_path / "nothing"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudentConfig]:
    """A home with one tiny run, made once."""
    home = tmp_path_factory.mktemp("trained")
    student = preset("tiny", SyntheticConfig(clips=200, classes=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVEXPLORE_HOME", str(home))
        bench = Workbench()
        bench.keep_run(student)
        bench.get(EvaluationConfig(student))
        bench.get(EvaluationConfig(student.twin))
        bench.get(ExperimentConfig(student, ("graph+I", "random+I"), seeds=2))
        bench.get(SweepConfig(student, (varied(student, "lambda", (0.5, 1.0)),), "grid", seeds=1))
    return home, student


def visit(page: str, **query: str | list[str]) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.run()
    for name, value in query.items():
        at.query_params[name] = value
    return at.switch_page(f"pages/{page}.py").run()


def words(at: AppTest) -> str:
    kinds = ("info", "error", "success", "caption", "markdown", "subheader", "text", "button", "title", "metric")
    return "\n".join(
        str(getattr(e, "label", "")) + " " + str(getattr(e, "value", "")) for k in kinds for e in at.get(k)
    )


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    assert {info.file for info in PAGES} == {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}


@pytest.mark.parametrize("page", [info.name for info in PAGES])
def test_every_page_opens_without_any_run(page: str, no_models: None) -> None:
    at = visit(page)
    assert not at.exception
    assert next(info.title for info in PAGES if info.name == page) in words(at)


@pytest.mark.parametrize("page", [info.name for info in PAGES])
def test_a_deep_link_to_a_fresh_server_goes_through_the_frame_first(page: str) -> None:
    source = (ROOT / "pages" / f"{page}.py").read_text(encoding="utf-8")
    assert f'frame.guard("{page}")' in source


def test_the_overview_shows_what_was_computed(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    from avexplore.analysis import tables
    from avexplore.ui.overview.page import in_words

    home, student = trained
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    at = visit("overview")
    assert not at.exception
    before, after = (Workbench().get(EvaluationConfig(one)) for one in (student.twin, student))
    (shown,) = [one.value for one in at.dataframe if "In words" in one.value]
    rows = tables.comparison(before, after)
    assert shown["With LIR"].tolist() == [row.after for row in rows]
    assert shown["In words"].tolist() == [in_words(row) for row in rows]
    assert "200" in words(at)
    assert "With other seeds, against controls:" in words(at)
    report = Workbench().get(ExperimentConfig(student, ("graph+I", "random+I"), seeds=2))
    assert arms.in_a_sentence(report, "hidden_pair_ap") in words(at)
    assert any("experiments" in link.proto.page for link in at.get("page_link"))


@pytest.mark.parametrize(
    ("low", "high", "says"), [(0.1, 0.3, "better"), (-0.3, -0.1, "worse"), (-0.1, 0.1, "no clear")]
)
def test_the_overview_calls_nothing_a_change_that_its_interval_does_not_show(
    low: float, high: float, says: str
) -> None:
    from avexplore.analysis.tables import Row
    from avexplore.retrieval.significance import Interval
    from avexplore.ui.overview.page import in_words

    row = Row("MAP", "", 0.4, 0.5, Interval((low + high) / 2, low, high, 50), "queries")
    assert in_words(row).startswith(says)
    alone = Row("Hidden-pair AP", "", 0.4, 0.5, Interval(0.1, float("nan"), float("nan"), 1))
    assert "cannot say" in in_words(alone)


def test_the_first_lir_of_a_page_says_what_it_is(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    monkeypatch.setenv("AVEXPLORE_HOME", str(trained[0]))
    overview = words(visit("overview"))
    assert "Latent Interaction Regularizer" in overview
    assert "are not what the papers report" in overview
    assert all(f"**{term}**" in overview for term in glossary.TERMS)
    for page in ("embedding_space", "retrieval"):
        assert glossary.LIR in [caption.help for caption in visit(page).caption]


def test_an_experiment_says_what_it_found(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    home, student = trained
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    at = visit("experiments")
    assert not at.exception
    assert at.number_input(key="experiment.seeds").value == 2  # it opens on what was computed last
    at.number_input(key="experiment.seeds").set_value(10).run()
    assert "2 arms and the twin x 10 seeds: not computed yet" in words(at)
    assert "Compute now" in words(at)
    at.number_input(key="experiment.seeds").set_value(2).run()
    assert at.subheader[0].value.startswith("LIR with the inferred graph")
    assert not at.exception
    assert "over the twin without LIR" in words(at)
    at.selectbox(key="experiment.metric").set_value("link_precision").run()
    assert not at.exception
    assert "truly come together" in words(at)
    assert "in Link precision over inferred graph" in words(at)
    assert "Hidden-pair AP over" not in words(at)
    table = at.dataframe[0].value
    assert list(table["Arm"]) == ["Inferred graph and same-class pairs", arms.MEANING["random+I"]]
    report = Workbench().get(ExperimentConfig(student, ("graph+I", "random+I"), seeds=2))
    values = report.values[report.arms.index("graph+I"), :, report.metrics.index("link_precision")]
    assert table["Mean"][0] == pytest.approx(np.nanmean(values))


def test_an_address_from_elsewhere_opens_the_same_experiment_and_the_same_sweep(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    home, student = trained
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    experiment = ExperimentConfig(student, ("graph+I", "random+I"), seeds=2)
    at = visit("experiments", **arms.address(experiment), **{"experiment.metric": "Delta-D"})
    assert not at.exception
    assert "strongest edges" in words(at)
    grid = SweepConfig(student, (varied(student, "lambda", (0.5, 1.0)),), "grid", seeds=1)
    at = visit("experiments", **sweeps.address(grid))
    assert not at.exception
    assert "Best of 2 trials" in words(at)


def test_a_run_without_its_features_says_so_instead_of_failing(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_models: None
) -> None:
    monkeypatch.setenv("AVEXPLORE_HOME", str(tmp_path / "home"))
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), tmp_path / "mine.npz")
    student = preset("tiny", feature_file(tmp_path / "mine.npz"))
    bench = Workbench()
    bench.keep_run(student)
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    assert "Compute now" in words(visit("experiments"))
    assert "another seed" in words(visit("evaluation"))
    (tmp_path / "mine.npz").unlink()
    for view in ("Arms and controls", "Sweep"):
        at = visit("experiments", view=view)
        assert not at.exception
        assert "Compute now" not in words(at)
        assert "The files with its features (mine" in words(at).replace("\\", "")
        assert "Training" in words(at)
    assert "another seed" not in words(visit("evaluation"))


def sweep_page(monkeypatch: pytest.MonkeyPatch, home: Path) -> AppTest:
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    at = visit("experiments", view="Sweep")
    assert not at.exception
    at.multiselect(key="sweep.parameters").set_value(["regularizer.weight"]).run()
    return at


def test_a_sweep_names_its_best_and_leads_to_training(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    home, student = trained
    at = sweep_page(monkeypatch, home)
    assert "Compute now" in words(at)
    at.multiselect(key="sweep.regularizer.weight").set_value(["0.5", "1.0"]).run()
    at.segmented_control(key="sweep.method").set_value("grid").run()
    at.number_input(key="sweep.seeds").set_value(1).run()
    assert not at.exception
    assert "Best of 2 trials" in words(at)
    config = SweepConfig(student, (varied(student, "lambda", (0.5, 1.0)),), "grid", seeds=1)
    best = best_student(config, outcomes(config, Workbench().get(config))[0])
    training = visit("training", student=best.address[:12])
    assert not training.exception
    assert "Filled in from student" in words(training)
    assert "on this machine already" in words(training)
    assert best.regularizer is not None
    weight = training.select_slider(key=f"training.{best.address[:12]}.regularizer.weight")
    assert weight.value == best.regularizer.weight


@pytest.mark.parametrize(
    ("value", "said"), [("-3", "out of range"), ("[" * 3000, "regularizer.weight"), ("9" * 5000, "regularizer.weight")]
)
def test_values_that_cannot_be_swept_are_refused_on_the_page(
    value: str, said: str, trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    at = sweep_page(monkeypatch, trained[0])
    at.session_state["sweep.regularizer.weight"] = [value]
    at.run()
    assert not at.exception
    assert said in "".join(error.value for error in at.error).replace("\\", "")


def test_a_student_that_is_not_there_leaves_the_presets(no_models: None) -> None:
    at = visit("training", student="0123456789ab")
    assert not at.exception
    assert "not on this machine" in "".join(str(w.value) for w in at.warning)
    assert at.segmented_control(key="training.preset").value == "quick"


def test_training_starts_what_its_form_describes(monkeypatch: pytest.MonkeyPatch, no_models: None) -> None:
    asked: list[StudentConfig] = []

    def ask(self: Workbench, config: StudentConfig, start: bool = True, *, slot: str = "") -> Running | None:
        if start:
            asked.append(config)
        return None

    monkeypatch.setattr(Workbench, "ask", ask)
    at = visit("training")
    at.segmented_control(key="training.preset").set_value("tiny").run()
    at.number_input(key="training.synthetic.clips").set_value(300).run()
    at.select_slider(key="training.tiny.regularizer.weight").set_value(0.5).run()
    at.button(key="training.start").click().run()
    assert not at.exception
    student, twin = asked
    assert student.data == SyntheticConfig(clips=300)
    assert student.regularizer is not None
    assert student.regularizer.weight == 0.5
    assert student.regularizer.affinity.stability.graph.soft_labels.data == student.data  # type: ignore[union-attr]
    assert twin == student.twin


def test_the_training_form_shows_what_the_chosen_loss_reads(no_models: None) -> None:
    at = visit("training")
    at.segmented_control(key="training.preset").set_value("tiny").run()

    def shown() -> set[str]:
        keys = (str(widget.key) for widget in [*at.number_input, *at.selectbox])
        return {key.rpartition(".")[2] for key in keys if key.startswith("training.tiny.student.")}

    parameters = {parameter.field for record in LOSSES.values() for parameter in record.parameters}
    always = {*field_widget.editable(StudentConfig, "seed", *parameters, *AA_FIELDS, "metric_space", "proxies")}
    always = {name for name in always if not StudentConfig.__dataclass_fields__[name].metadata.get("steps")}
    assert shown() == always | {"metric_space", "proxies", "temperature"}
    at.selectbox(key="training.tiny.student.proxies").set_value("learned").run()
    at.selectbox(key="training.tiny.student.loss").set_value("proxy-triplet").run()
    assert not at.exception
    assert shown() == always | {"metric_space", "proxies", "margin"}
    assert at.selectbox(key="training.tiny.student.proxies").options == ["none", "aadml"]
    at.selectbox(key="training.tiny.student.proxies").set_value("aadml").run()
    assert shown() == always | {"metric_space", "proxies", "margin", *AA_FIELDS}
    at.selectbox(key="training.tiny.student.loss").set_value("cross-entropy").run()
    assert not at.exception
    assert shown() == always


def test_the_overview_says_whether_loss_and_lir_are_the_papers() -> None:
    paper, quick = (preset(name, SyntheticConfig()) for name in ("paper", "quick"))
    assert method_of(paper) == "Loss and LIR of this run are what the papers report (preset `paper`)."
    assert "are not what the papers report" in method_of(quick)
    assert "LIR forgives linked pairs as negatives instead of pulling them together" in method_of(quick)


def test_lir_that_never_starts_is_refused_on_the_form(no_models: None) -> None:
    at = visit("training")
    at.segmented_control(key="training.preset").set_value("tiny").run()
    at.number_input(key="training.tiny.regularizer.start_epoch").set_value(900).run()
    assert not at.exception
    assert "never" in words(at)


def test_uploads_stay_in_their_folder_and_are_kept_once() -> None:
    first = uploads.keep("../../../evil\0<b>.npz", b"abc")
    again = uploads.keep("../../../evil\0<b>.npz", b"abc")
    assert first == again
    assert uploads.folder() in first.parents
    assert first.read_bytes() == b"abc"
    assert uploads.known([".npz"]) == [first]


def test_an_upload_that_leaves_no_room_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LEAST_FREE", 1 << 62)
    with pytest.raises(StoreError, match="too little room"):
        uploads.keep("a.npz", b"abc")
    monkeypatch.setattr(uploads, "LEAST_FREE", 0)
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        uploads.keep("a.npz", b"abc")
    assert not [path for path in uploads.folder().rglob("*") if path.is_file()]


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_only_so_many_jobs_are_begun_by_one_visitor(monkeypatch: pytest.MonkeyPatch, no_models: None) -> None:
    monkeypatch.setattr(registry, "MAX_PER_VISITOR", 1)
    monkeypatch.setenv("AVEXPLORE_WORKERS", "0")
    monkeypatch.setattr(registry.Registry, "_start", lambda self, request: None)  # all of them wait
    at = visit("training")
    at.segmented_control(key="training.preset").set_value("tiny").run()
    at.button(key="training.start").click().run()
    assert not at.exception
    assert "You have 1 jobs already" in words(at), "the twin is one too many"
    waiting = [job for job in Workbench().jobs.all() if job.state == "queued"]
    assert len(waiting) == 1


def test_a_job_that_was_stopped_can_go_on(monkeypatch: pytest.MonkeyPatch, no_models: None) -> None:
    monkeypatch.setattr(registry.Registry, "_start", lambda self, request: None)
    config = SyntheticConfig(clips=200, classes=4)
    wanted = preset("tiny", config).soft_labels
    assert wanted is not None
    jobs = Workbench().jobs
    jobs.submit(wanted)
    jobs.cancel(wanted.address)
    at = visit("training")
    at.button(key=f"resume-{wanted.address}").click().run()
    assert not at.exception
    status = jobs.status(wanted.address)
    assert status is not None
    assert status.state == "queued"


def test_a_disk_that_cannot_be_written_is_said_by_every_button_and_the_page_stays(
    monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    monkeypatch.setattr(registry.Registry, "_start", lambda self, request: None)
    wanted = preset("tiny", SyntheticConfig(clips=200, classes=4)).soft_labels
    waits = preset("tiny", SyntheticConfig(clips=300, classes=4)).soft_labels
    assert wanted is not None
    assert waits is not None
    jobs = Workbench().jobs
    for config in (wanted, waits):
        jobs.submit(config)
    jobs.cancel(wanted.address)
    monkeypatch.setattr(filelock.FileLock, "acquire", full_disk)
    for key in ("training.start", f"resume-{wanted.address}", f"cancel-{waits.address}", "clear-jobs"):
        at = visit("training")
        assert "The disk is full" not in words(at), "looking needs no room"
        at.button(key=key).click().run()
        assert not at.exception, key
        assert "The disk is full" in words(at), key


def test_a_server_clears_away_what_was_cut_off_before_it(avexplore_home: Path) -> None:
    unfinished = avexplore_home / "states" / "teacher-0.safetensors.1.part"
    unfinished.parent.mkdir()
    unfinished.touch()
    os.utime(unfinished, (1, 1))
    assert session.workbench() is session.workbench()
    end = time.monotonic() + 30
    while unfinished.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_jobs_are_called_by_what_they_make_and_lead_to_it(
    trained: tuple[Path, StudentConfig], monkeypatch: pytest.MonkeyPatch, no_models: None
) -> None:
    home, student = trained
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    monkeypatch.setattr(registry.Registry, "_start", lambda self, request: None)
    jobs = Workbench().jobs
    other = preset("tiny", SyntheticConfig(clips=300, classes=4))
    earlier, later = (GraphConfig(student.soft_labels, penalty_discount=value) for value in (3.0, 5.0))  # type: ignore[arg-type]
    for config in (student, student.twin, other):
        jobs.submit(config)
    for graph in (earlier, later):
        jobs.submit(graph, slot="anna/graph")
        for request in [r for r in jobs._requests() if r["stage"] == "graph"]:
            records.write_json(jobs.folder(request["address"]) / "request.json", request | {"attempts": 1})
    for config in (student, student.twin):
        request = records.read_json(jobs.folder(config.address) / "request.json")
        records.write_json(jobs.folder(config.address) / "request.json", (request or {}) | {"state": "done"})
    at = visit("training")
    assert not at.exception
    said = words(at).replace("\\", "")
    assert "**Student with LIR**" in said
    assert "**Student without LIR**" in said
    assert "Synthetic, 4 classes, 200 clips, Tiny, seed 0" in said
    assert "Synthetic, 4 classes, 300 clips, Tiny, seed 0" in said
    assert said.count("**Class graph**") == 1, "a slider's earlier value is nobody's business"
    links = [link.proto for link in at.get("page_link")]
    assert [link.label for link in links] == ["Open", "Open"], "what is at work leads nowhere yet"
    assert all(student.address[:12] in link.query_string for link in links)
    at.button(key="clear-jobs").click().run()
    assert not at.exception
    assert "Finished" not in words(at)
    assert {job.address for job in jobs.all() if not job.replaced} == {other.address, later.address}


def test_features_that_are_uploaded_say_how_they_were_read(no_models: None) -> None:
    at = visit("training", **{"training.source": "My features"})
    rng = np.random.default_rng(0)
    clips = {"audio": rng.normal(size=(60, 10, 4)), "visual": rng.normal(size=(60, 6, 3, 3))}
    out = io.BytesIO()
    np.savez(out, **clips, labels=np.arange(60) % 3, is_train=np.arange(60) % 5 > 0, loss=np.zeros(2))
    at.file_uploader(key="training.files").set_value([("mine.npz", out.getvalue(), "application/octet-stream")]).run()
    assert not at.exception
    assert any("4 audio and 6 visual features per clip" in success.value for success in at.success)
    said = " ".join(caption.value for caption in at.caption)
    for word in ("averaged over axes 2", "train", "Not read"):
        assert word in said


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_files_whose_names_are_no_text_are_listed(avexplore_home: Path, no_models: None) -> None:
    for place in ("jobs/\udcff/x", "uploads/0123/\udcff.npz"):
        (avexplore_home / place).parent.mkdir(parents=True)
        (avexplore_home / place).write_bytes(b"x")
    at = visit("training", **{"training.source": "My features"})
    assert not at.exception
    assert "1 job records cannot be read" in words(at)
    (earlier,) = [box for box in at.selectbox if box.label == "Or a file from earlier"]
    assert earlier.options == ["\\udcff.npz"]
