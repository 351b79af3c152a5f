"""Working settings: text and back, applied and taken as a difference again, and hostile text."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from avexplore.config import GraphConfig, SoftLabelFileConfig, SyntheticConfig, TeacherConfig
from avexplore.config.base import types_of
from avexplore.config.presets import preset
from avexplore.errors import ConfigError
from avexplore.tuning.settings import LONGEST, PARAMETERS, WorkingSettings, difference

STORED = preset("quick", SyntheticConfig())
NAMES = st.text(max_size=12)


def values(name: str) -> st.SearchStrategy[Any]:
    cls, f = PARAMETERS[name]
    kind: Any = types_of(cls)[f.name]
    low, high = f.metadata.get("low"), f.metadata.get("high")
    if type(None) in get_args(kind):
        return st.none() | st.integers(low, high)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(low, high)
    if kind is float:
        return st.floats(low, high, exclude_min=f.metadata["open_low"])
    if name == "knowledge.tiers":
        return st.lists(st.lists(NAMES, max_size=3), max_size=3)
    return st.lists(st.tuples(NAMES, NAMES), max_size=3)


CHANGES = (
    st.lists(st.sampled_from(list(PARAMETERS)), unique=True, max_size=8)
    .flatmap(lambda names: st.fixed_dictionaries({name: values(name) for name in names}))
    .map(WorkingSettings.of)
)


@given(CHANGES)
def test_text_and_back(settings: WorkingSettings) -> None:
    text = settings.encode()
    assert WorkingSettings.decode(text) == settings
    assert text.isascii()
    assert not set(text) & set("&#%+?=/ ")


@given(CHANGES)
def test_what_was_applied_is_the_difference(settings: WorkingSettings) -> None:
    try:
        working = settings.apply(STORED)
    except ConfigError as error:
        assume("never" not in str(error))  # LIR starts after the last epoch
        raise
    found = difference(STORED, working)
    assert found.apply(STORED) == working
    same = [name for name, _ in settings.changes if name not in dict(found.changes)]
    assert found == settings.without(*same)
    assert difference(working, STORED).apply(working) == STORED


@given(CHANGES)
def test_each_change_acts_in_one_place_and_has_words(settings: WorkingSettings) -> None:
    parts = settings.acting("reading").changes + settings.acting("training").changes
    assert sorted(map(repr, parts)) == sorted(map(repr, settings.changes))
    assert len(settings.words()) == len(settings)
    assert bool(settings) == bool(settings.changes)


@given(st.text() | st.text("graph.transform-penalty_discount*0123456789onf_.eE", max_size=60))
def test_hostile_text_is_refused_in_words(text: str) -> None:
    with suppress(ConfigError):
        read = WorkingSettings.decode(text)
        assert WorkingSettings.decode(read.encode()) == read


@pytest.mark.parametrize(
    "text",
    [
        "graph.penalty_discount-nan",
        "graph.penalty_discount-inf",
        "graph.penalty_discount--1",
        "graph.penalty_discount-3*graph.penalty_discount-4",
        "graph.transform-sorcery",
        "graph.depth-2.5",
        "graph.depth-" + "9" * 5000,
        "affinity.directed-maybe",
        "student.data-1",
        "knowledge.required-audio-3AA_",
        "knowledge.required-audio-3AA_.",
        "knowledge.required--ZZ_b_.",
        "knowledge.forbidden_blocks--FF_b_.",
        "nothing",
        "*",
        "graph.depth-2" + "*" * LONGEST,
    ],
)
def test_bad_text(text: str) -> None:
    with pytest.raises(ConfigError):
        WorkingSettings.decode(text)


def test_only_parameters_that_act_at_reading_are_answered_at_once() -> None:
    settings = WorkingSettings.of(
        {
            "graph.penalty_discount": 3.0,
            "affinity.threshold": 0.7,
            "affinity.source": "correlation",
            "affinity.directed": True,
            "knowledge.forbidden": [("audio:A", "visual:B")],
            "regularizer.posterior_links": 0.3,
            "regularizer.weight": 3.0,
            "regularizer.level": "node",
            "student.posterior_share": 0.75,
        }
    )
    assert [name for name, _ in settings.acting("training").changes] == [
        "affinity.directed",
        "regularizer.weight",
        "regularizer.level",
    ]


def test_a_graph_without_a_student_takes_what_it_has() -> None:
    graph = GraphConfig(SoftLabelFileConfig("0" * 64))
    settings = WorkingSettings.of({"graph.depth": 5, "regularizer.weight": 3.0, "teacher.epochs": 5})
    assert settings.apply(graph) == graph.replace(depth=5)


def test_other_data_are_no_change_of_settings() -> None:
    with pytest.raises(ConfigError, match="more than parameters"):
        difference(STORED, preset("quick", SyntheticConfig(seed=1)))
    with pytest.raises(ConfigError, match="more than parameters"):
        difference(STORED, STORED.twin)


def test_words() -> None:
    settings = WorkingSettings.of(
        {
            "regularizer.posterior_links": 0.3,
            "graph.penalty_discount": 3,
            "knowledge.forbidden": [("audio:A", "audio:B")],
            "knowledge.required": [],
            "affinity.directed": True,
            "affinity.top_pairs": None,
            "regularizer.weight": 10,
            "teacher.epochs": 12,
        }
    )
    assert str(settings) == (
        "8 changes: penalty 3, class pairs kept all, directed on, LIR weight (lambda) 10, link strength 0.3, "
        "no edges required, one edge forbidden, teacher: epochs 12"
    )
    assert str(WorkingSettings()) == "no changes"


def test_replaced_and_left_out() -> None:
    settings = WorkingSettings().replace(graph__depth=4).replace(**{"regularizer.weight": 2.0})
    assert settings == WorkingSettings.of({"regularizer.weight": 2.0, "graph.depth": 4})
    assert settings.without("graph.depth") == WorkingSettings.of({"regularizer.weight": 2.0})


def test_every_parameter_says_what_it_does() -> None:
    for name, (_, f) in PARAMETERS.items():
        assert f.metadata["help"], name
    assert isinstance(STORED.regularizer.affinity.stability.graph.soft_labels, TeacherConfig)  # type: ignore[union-attr]
