"""Names of runs: no two alike, and what tells them apart is what a narrow list still shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avexplore.config import StudentConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.workbench.run_names import distinct_names, recipe

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


@given(st.lists(students, min_size=1, max_size=8, unique_by=lambda student: student.address))
def test_no_two_runs_have_the_same_name(found: list[StudentConfig]) -> None:
    names = distinct_names([("Mine", student) for student in found])
    assert len(set(names)) == len(found)


def test_what_differs_comes_first_and_the_rest_is_left_where_it_was() -> None:
    data = SyntheticConfig(clips=400)
    one, two = preset("quick", data), preset("quick", data, seed=1)
    names = distinct_names([("Mine", one), ("Mine", two), ("Yours", preset("tiny", data))])
    assert names == [
        "seed 0: Mine, LIR forgive by graph",
        "seed 1: Mine, LIR forgive by graph",
        "Yours: LIR forgive by graph, seed 0",
    ]
    more = one.replace(data=data.replace(clips=1000))
    assert [name.split(":")[0] for name in distinct_names([("Mine", one), ("Mine", more)])] == [
        "Quick, 400 clips",
        "Quick, changed, 1,000 clips",  # its teacher still sees the 400
    ]


def test_fields_without_words_of_their_own_are_named_where_nothing_else_tells() -> None:
    student = preset("quick", SyntheticConfig())
    changed = [student.replace(margin=margin) for margin in (0.3, 0.4)]
    assert [name.split(":")[0] for name in distinct_names([("Mine", one) for one in changed])] == [
        "student margin 0.3",
        "student margin 0.4",
    ]


def test_soft_labels_of_one_name_are_told_apart_too() -> None:
    teachers = [TeacherConfig(SyntheticConfig(), hidden=hidden) for hidden in (64, 128)]
    assert len(set(distinct_names([("Mine: teacher, 30 epochs, seed 0", one) for one in teachers]))) == 2


def test_a_twin_follows_the_recipe_of_its_student() -> None:
    student = preset("tiny", SyntheticConfig())
    assert recipe(student.twin) == recipe(student) == "Tiny"
