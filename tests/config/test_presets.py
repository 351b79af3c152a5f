from __future__ import annotations

import pytest

from avexplore.config import Config, SyntheticConfig, upstream
from avexplore.config.presets import PRESETS, PresetName, as_reported, beside_the_papers, preset, preset_of
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


@pytest.mark.parametrize("name", ["long", "paper"])
def test_long_and_paper_have_the_papers_schedule(name: PresetName) -> None:
    student = preset(name, SyntheticConfig())
    assert isinstance(student.regularizer, Config)
    assert (student.epochs, student.regularizer.start_epoch) == (1000, 400)


def test_paper_is_what_the_papers_report_and_the_others_say_in_what_they_are_not() -> None:
    paper = preset("paper", SyntheticConfig())
    lir = paper.regularizer
    assert lir is not None
    assert (paper.loss, lir.form, lir.level, lir.posterior_links) == ("proxy-triplet", "pull", "node", 0)
    assert lir.affinity.directed
    assert lir.affinity.source == "graph"
    assert beside_the_papers(paper) == beside_the_papers(paper.twin) == []
    assert as_reported(preset("long", SyntheticConfig())) == paper
    quick = preset("quick", SyntheticConfig())
    assert len(beside_the_papers(quick)) == 7
    assert beside_the_papers(quick.twin) == ["the metric loss is supervised contrastive instead of a proxy triplet"]
    assert beside_the_papers(as_reported(quick)) == []
    with pytest.raises(ConfigError, match="no LIR"):
        as_reported(quick.twin)


def test_presets_are_told_apart() -> None:
    for name in PRESETS:
        assert preset_of(preset(name, SyntheticConfig())) == name


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ConfigError, match="huge"):
        preset("huge", SyntheticConfig())  # type: ignore[arg-type]
