"""Names of runs: each says of itself what it is, keeps its name when others appear, and no two are alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from avexplore.config import StudentConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.store import Store
from avexplore.workbench import Workbench
from avexplore.workbench.run_names import recipe, run_name
from avexplore.workbench.runs import Run, distinct

students = st.builds(
    lambda name, clips, noise, seed, margin: preset(name, SyntheticConfig(clips=clips, noise=noise), seed).replace(
        margin=margin
    ),
    st.sampled_from(("tiny", "quick")),
    st.sampled_from((80, 400)),
    st.sampled_from((1.0, 2.0)),
    st.integers(0, 2),
    st.sampled_from((0.1, 0.2, 0.3)),
)


def run_of(student: StudentConfig, created: int) -> Run:
    teacher = student.soft_labels
    assert teacher is not None
    return Run(student.address[:12], run_name("Mine", student), teacher, student, created=f"{created:04d}")


@given(st.lists(students, min_size=1, max_size=8, unique_by=lambda student: student.address))
def test_a_few_parameters_tell_runs_apart_by_themselves(found: list[StudentConfig]) -> None:
    assert len({run_name("Mine", student) for student in found}) == len(found)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_a_run_keeps_its_name_when_others_appear(kinds: list[int]) -> None:
    """Students that differ in more than their names tell."""
    many = [preset("quick", SyntheticConfig(), seed=kind) for kind in kinds]
    runs = [replace(run_of(one, place), key=f"{place:06d}000000") for place, one in enumerate(many)]
    names = [run.name for run in distinct(runs)]
    assert len(set(names)) == len(names)
    for count in range(1, len(runs)):
        assert [run.name for run in distinct(runs[:count])] == names[:count]


def test_a_name_says_what_was_changed() -> None:
    student = preset("quick", SyntheticConfig(clips=400), seed=1)
    assert run_name("Mine", student.replace(margin=0.3)) == "Mine: clips 400, quick, margin 0.3, seed 1"
    teacher = replace_teacher(student, epochs=12)
    assert run_name("Mine", teacher) == "Mine: clips 400, quick, teacher: epochs 12, seed 1"


def replace_teacher(student: StudentConfig, epochs: int) -> StudentConfig:
    regularizer = student.regularizer
    assert regularizer is not None
    affinity, stability = regularizer.affinity, regularizer.affinity.stability
    assert isinstance(stability.graph.soft_labels, TeacherConfig)
    graph = stability.graph.replace(soft_labels=stability.graph.soft_labels.replace(epochs=epochs))
    affinity = affinity.replace(stability=stability.replace(graph=graph))
    return student.replace(regularizer=regularizer.replace(affinity=affinity))


def test_a_given_name_stays_and_can_be_changed(tmp_path: Path) -> None:
    bench = Workbench(Store(tmp_path), read_only=False)
    student = preset("tiny", SyntheticConfig(clips=60, classes=3))
    bench.keep_run(student)
    bench.get(student)
    assert [run.name for run in bench.runs()] == ["Synthetic, 3 classes: clips 60, tiny, seed 0"]
    bench.keep_run(student, "For the talk\n<b>")
    bench.keep_run(student)
    assert [run.name for run in Workbench(Store(tmp_path)).runs()] == ["For the talk"]
    bench.keep_run(student, "Final")
    assert bench.run_name(student) == "Final"
    (tmp_path / "runs" / student.address).write_bytes(b"\xff\xfe")
    assert bench.run_name(student).startswith("Synthetic")


def test_a_twin_follows_the_recipe_of_its_student() -> None:
    student = preset("tiny", SyntheticConfig())
    assert recipe(student.twin) == recipe(student) == "Tiny"
