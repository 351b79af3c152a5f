"""Several visitors of one data folder: own jobs, own files, and nothing that was made of the files of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avexplore.config import EvaluationConfig, StudentConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file, load_features
from avexplore.errors import AvexploreError
from avexplore.jobs import Registry
from avexplore.jobs import registry as module
from avexplore.jobs.records import read_json, write_json
from avexplore.workbench import Failed, Missing, Running, Workbench

Say = Callable[..., None]
ONE, TWO = (SyntheticConfig(seed=seed) for seed in (1, 2))


@pytest.fixture
def jobs(avexplore_home: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setattr(Registry, "_start", lambda self, request: None)  # all of them wait
    return Registry(avexplore_home)


@pytest.fixture
def say(jobs: Registry) -> Say:
    """Let a job be in a state."""

    def write(config: SyntheticConfig, **fields: object) -> None:
        path = jobs.folder(config.address) / "request.json"
        write_json(path, (read_json(path) or {}) | fields)
        (path.parent / "log.txt").write_text("read /secret/of/anna.npz")

    return write


def test_a_visitor_sees_and_stops_own_jobs_only(jobs: Registry) -> None:
    anna, ben = jobs.for_visitor("anna"), jobs.for_visitor("ben")
    anna.submit(ONE, "anna/x")
    ben.submit(TWO, "ben/x")
    jobs.submit(SyntheticConfig(seed=3))
    assert [job.address for job in anna.all()] == [ONE.address]
    assert [job.address for job in ben.all()] == [TWO.address]
    assert len(jobs.all()) == 3, "who sits at the machine sees all"
    ben.cancel(ONE.address)
    ben.forget(ONE.address)
    assert jobs.status(ONE.address).state == "queued"
    assert not ben.status(ONE.address).mine
    jobs.cancel(TWO.address)
    assert ben.status(TWO.address).state == "cancelled", "who sits at the machine stops all"


def test_a_visitor_who_calls_himself_otherwise_in_a_slot_gains_nothing(jobs: Registry) -> None:
    anna, eve = jobs.for_visitor("anna"), jobs.for_visitor("eve")
    anna.submit(ONE, "anna/x")
    eve.submit(TWO, "anna/x")
    assert jobs.status(ONE.address).state == "queued", "Anna's job is not replaced"
    assert [job.address for job in anna.all()] == [ONE.address]


def test_what_several_asked_for_goes_on_until_the_last_one_leaves(jobs: Registry) -> None:
    anna, ben = jobs.for_visitor("anna"), jobs.for_visitor("ben")
    anna.submit(ONE, "anna/x")
    ben.submit(ONE, "ben/x")
    anna.cancel(ONE.address)
    assert anna.all() == []
    assert ben.status(ONE.address).state == "queued"
    ben.cancel(ONE.address)
    assert ben.status(ONE.address).state == "cancelled"


def test_a_newer_wish_of_a_visitor_does_not_stop_what_was_asked_for_in_a_terminal(jobs: Registry) -> None:
    jobs.submit(ONE)
    anna = jobs.for_visitor("anna")
    anna.submit(ONE, "anna/x")
    anna.submit(TWO, "anna/x")
    assert jobs.status(ONE.address).state == "queued"


def test_how_it_ended_for_one_and_its_log_are_not_told_to_another(jobs: Registry, say: Say) -> None:
    anna, ben = jobs.for_visitor("anna"), jobs.for_visitor("ben")
    anna.submit(ONE, "anna/x")
    say(ONE, state="failed", note="/secret/of/anna.npz is damaged")
    assert anna.status(ONE.address).state == "failed"
    assert "secret" in anna.log(ONE.address)
    assert ben.status(ONE.address) is None
    assert ben.log(ONE.address) == ""
    assert ben.submit(ONE, "ben/x").state == "queued", "it is tried again"
    assert [job.address for job in anna.all()] == [ONE.address]
    say(ONE, state="failed")
    ben.forget(ONE.address)
    assert (ben.all(), len(anna.all())) == ([], 1)


def test_jobs_of_an_earlier_version_are_of_whoever_sits_at_the_machine(jobs: Registry, say: Say) -> None:
    jobs.submit(ONE)
    path = jobs.folder(ONE.address) / "request.json"
    request = read_json(path) or {}
    for odd in (None, "anna", {"anna": 1}, [1, ["anna"]]):
        write_json(path, request | {"askers": odd})
        assert jobs.for_visitor("anna").all() == []
        assert len(jobs.all()) == 1


def test_each_visitor_has_a_share(jobs: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_VISITOR", 1)
    anna = jobs.for_visitor("anna")
    anna.submit(ONE, "anna/x")
    with pytest.raises(AvexploreError, match="jobs already"):
        anna.submit(TWO, "anna/y")
    assert jobs.for_visitor("ben").submit(TWO, "ben/y").state == "queued"


@pytest.fixture
def run(avexplore_home: Path, tmp_path: Path) -> StudentConfig:
    """A run of features that Anna uploaded."""
    bench = Workbench()
    place = bench.store.visitor_folder("anna") / "uploads" / "0" / "patients.npz"
    place.parent.mkdir(parents=True)
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), place)
    student = preset("tiny", feature_file(place))
    bench.keep_run(student)
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    return student


def test_what_was_made_of_a_visitors_files_is_that_visitors(run: StudentConfig) -> None:
    bench = Workbench()
    anna, ben = bench.for_visitor("anna"), bench.for_visitor("ben")
    assert [one.student for one in anna.runs()] == [run]
    assert [one.student for one in bench.runs()] == [run]
    assert ben.runs() == []
    for config in (run, run.twin, EvaluationConfig(run), run.soft_labels, run.data):
        assert isinstance(ben.ask(config), Missing)
        assert "another visitor" in ben.ask(config).reason
        with pytest.raises(AvexploreError, match="another visitor"):
            ben.get(config)
        assert not isinstance(anna.ask(config), (Missing, Failed))
    assert anna.can_read(run.data)
    assert not ben.can_read(run.data)
    assert not ben.can_read(run.data.replace(paths=()))
    assert ben.files_of(run.data) == ()


def test_no_config_with_anothers_path_opens_it(run: StudentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a link or a file could name a path: the content's own digest is not known to anybody else."""
    monkeypatch.setattr(Registry, "_start", lambda self, request: None)
    ben = Workbench().for_visitor("ben")
    forged = run.data.replace(fingerprint="0" * 64)
    assert not ben.can_read(forged)
    assert isinstance(ben.ask(forged), Failed), "nothing of such a content is known to Ben"


def test_who_brings_the_same_file_sees_what_was_made_of_it(run: StudentConfig) -> None:
    bench = Workbench()
    ben = bench.for_visitor("ben")
    place = bench.store.visitor_folder("ben") / "uploads" / "0" / "mine.npz"
    place.parent.mkdir(parents=True)
    place.write_bytes(Path(run.data.paths[0]).read_bytes())
    same = feature_file(place)
    assert same.fingerprint == run.data.fingerprint
    ben.store.remember_files(same.fingerprint, same.paths)
    assert [one.student for one in ben.runs()] == [run]
    assert ben.files_of(run.data) == same.paths
    Path(run.data.paths[0]).unlink()
    assert bench.for_visitor("anna").files_of(run.data) == (), "not Ben's copy"
    assert bench.files_of(run.data) == same.paths, "who sits at the machine may use each"


def test_what_was_made_of_named_files_is_for_all(run: StudentConfig, tmp_path: Path) -> None:
    place = tmp_path / "named.npz"
    place.write_bytes(Path(run.data.paths[0]).read_bytes())
    bench = Workbench()
    bench.store.remember_files(run.data.fingerprint, (str(place),))
    assert [one.student for one in bench.for_visitor("ben").runs()] == [run]


def test_a_visitor_joins_work_that_is_for_all(jobs: Registry) -> None:
    bench = Workbench(jobs=jobs)
    wanted = preset("tiny", SyntheticConfig(clips=200, classes=4)).soft_labels
    assert isinstance(bench.for_visitor("anna").ask(wanted, slot="anna/x"), Running)
    seen = bench.for_visitor("ben").ask(wanted, start=False)
    assert isinstance(seen, Running)
    assert not seen.status.mine
    bench.for_visitor("ben").cancel(wanted)
    assert isinstance(bench.ask(wanted, start=False), Running)
