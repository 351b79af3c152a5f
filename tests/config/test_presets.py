from __future__ import annotations

import pytest

from avexplore.config import Config, StudentConfig, SyntheticConfig, upstream
from avexplore.config.presets import PRESETS, preset
from avexplore.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_one_seed_seeds_every_stage(name: str) -> None:
    student = preset(name, SyntheticConfig(seed=9), seed=5)
    seeds = {type(c).__name__: c.seed for c in upstream(student) if hasattr(c, "seed")}
    assert seeds.pop("SyntheticConfig") == 9
    assert set(seeds.values()) == {5}
    assert len(seeds) == 5


@pytest.mark.parametrize("name", PRESETS)
def test_student_and_teacher_learn_from_the_same_clips(name: str) -> None:
    data = SyntheticConfig(clips=100)
    assert [c for c in upstream(preset(name, data)) if isinstance(c, SyntheticConfig)] == [data, data]


def test_paper_is_the_papers_schedule() -> None:
    student = preset("paper", SyntheticConfig())
    assert isinstance(student, StudentConfig)
    assert isinstance(student.regularizer, Config)
    assert (student.epochs, student.regularizer.start_epoch) == (1000, 400)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ConfigError, match="huge"):
        preset("huge", SyntheticConfig())  # type: ignore[arg-type]
