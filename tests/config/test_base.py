from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.config import (
    AffinityConfig,
    FeatureFileConfig,
    GraphConfig,
    KnowledgeConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
    VaryConfig,
    from_json,
    upstream,
)
from avexplore.errors import ConfigError


def student(seed: int = 0, penalty: float = 2.0) -> StudentConfig:
    data = SyntheticConfig(seed=seed)
    graph = GraphConfig(TeacherConfig(data), penalty_discount=penalty, knowledge=KnowledgeConfig(tiers=(("audio:a",),)))
    return StudentConfig(data, regularizer=RegularizerConfig(AffinityConfig(StabilityConfig(graph))))


@given(st.integers(0, 1000), st.floats(0.5, 16))
def test_a_config_survives_json_with_its_address(seed: int, penalty: float) -> None:
    config = student(seed, penalty)
    again = from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert again.address == config.address


def test_every_upstream_field_changes_the_address() -> None:
    assert student(seed=1).address != student(seed=2).address
    assert student(penalty=2).address != student(penalty=3).address
    assert student(penalty=2).address == student(penalty=2.0).address


def test_where_a_file_lies_does_not_change_the_address() -> None:
    here, there = (FeatureFileConfig("ab", paths=(p,)) for p in ("/here.npz", "/there.npz"))
    assert here == there
    assert here.address == there.address
    assert from_json(here.to_json()).paths == ("/here.npz",)


def test_the_twin_does_not_depend_on_the_graph() -> None:
    assert student(penalty=2).twin.address == student(penalty=3).twin.address


def test_raising_an_upstream_format_version_changes_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    before = student().address
    monkeypatch.setattr(TeacherConfig, "format_version", 99)
    assert student().address != before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"stage": "nonsense"}, "Unknown stage"),
        ({"stage": "synthetic", "nonsense": 1}, "Unknown field"),
        ({"stage": "synthetic", "classes": 1}, r"out of range.*\[2, 527\]"),
        ({"stage": "synthetic", "noise": float("nan")}, "finite"),
        ({"stage": "synthetic", "classes": 2.5}, "whole number"),
        ({"stage": "synthetic", "statistics": "x"}, "not a choice"),
        ({"stage": "teacher"}, "data"),
        ({"stage": "teacher", "data": 3}, "Expected"),
        (["stage"], "Unknown stage"),
    ],
)
def test_bad_configs_are_refused_in_words(content: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_json(content)  # type: ignore[arg-type]


def test_lir_that_never_starts_is_refused() -> None:
    config = student()
    assert config.regularizer is not None
    with pytest.raises(ConfigError, match="never"):
        config.replace(epochs=config.regularizer.start_epoch)


def test_walk_goes_upstream() -> None:
    assert [c.stage for c in upstream(student())][:3] == ["student", "synthetic", "regularizer"]


@pytest.mark.parametrize(
    "cls",
    [SyntheticConfig, TeacherConfig, GraphConfig, StabilityConfig, AffinityConfig, RegularizerConfig, StudentConfig],
)
def test_every_parameter_is_explained(cls: type) -> None:
    missing = [f.name for f in fields(cls) if not f.metadata.get("help")]
    assert missing == []


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e400, 10**400, 0.5, "3", True, None])
def test_what_is_no_number_is_a_config_error(value: object) -> None:
    for field in ("clips", "noise"):
        if field == "noise" and value == 0.5:
            continue
        with pytest.raises(ConfigError):
            from_json({"stage": "synthetic", field: value})


def test_zero_is_one_number_with_or_without_a_sign() -> None:
    plain, signed = (SyntheticConfig(noise=noise) for noise in (0.0, -0.0))
    assert plain == signed
    assert plain.address == signed.address
    values = [VaryConfig("regularizer.tau", (zero,)) for zero in (0.0, -0.0)]
    assert values[0].address == values[1].address


@pytest.mark.parametrize(
    "content",
    [
        {"stage": ["synthetic"]},
        {"stage": {"a": 1}},
        {"stage": "student", "data": {"stage": ["x"]}},
        {"stage": "synthetic", "clips": 10**5000},
        {"stage": "synthetic", "noise": 10**400},
        ["synthetic"],
    ],
)
def test_odd_content_is_refused_in_words(content: Any) -> None:
    with pytest.raises(ConfigError):
        from_json(content)
