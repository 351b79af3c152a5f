"""More bootstraps add to those that are there, and a stopped measurement goes on: to the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import GraphStability, SoftLabels
from avexplore.config import GraphConfig, StabilityConfig, SyntheticConfig, TeacherConfig
from avexplore.errors import Cancelled
from avexplore.graph.stability import kept_batches, resampling
from avexplore.graph.stability.stability import measure_stability
from avexplore.store import Store
from avexplore.workbench import Workbench

CONFIG = StabilityConfig(GraphConfig(TeacherConfig(SyntheticConfig())), bootstraps=20, null_bootstraps=18, seeds=2)


def labels(seed: int = 0) -> SoftLabels:
    rng = np.random.default_rng(seed)
    both = rng.normal(size=(90, 4)) @ rng.normal(size=(4, 10)) + rng.normal(size=(90, 10))
    audio, visual = 1 / (1 + np.exp(-both[:, :5])), 1 / (1 + np.exp(-both[:, 5:]))
    return SoftLabels(
        audio=audio,
        visual=visual,
        classes=tuple("ABCDE"),
        hard_label=np.arange(90) % 5,
        split=np.zeros(90, np.int64),
        kind="probabilities",
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many resamples each batch that was searched had."""
    found: list[int] = []
    real = resampling.run_many

    def counted(correlations: Any, *arguments: Any, **options: Any) -> Any:
        found.append(len(correlations))
        return real(correlations, *arguments, **options)

    monkeypatch.setattr(resampling, "run_many", counted)
    monkeypatch.setattr(kept_batches, "WORTH_SECONDS", 0.0)
    return found


def same(one: GraphStability, two: GraphStability) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in vars(one))


def test_more_bootstraps_add_to_those_that_are_there(tmp_path: Path, drawn: list[int]) -> None:
    file = tmp_path / "batches" / "file"
    measure_stability(labels(), CONFIG, kept=file)
    assert sum(drawn) == 40
    drawn.clear()
    more = measure_stability(labels(), CONFIG.replace(bootstraps=50), kept=file)
    assert drawn == [16, 16, 2], "the first sixteen were there; a batch of another size is another"
    assert same(more, measure_stability(labels(), CONFIG.replace(bootstraps=50)))
    drawn.clear()
    assert same(measure_stability(labels(), CONFIG, kept=file), measure_stability(labels(), CONFIG))
    assert sum(drawn) == 40, "those of the second call, which keeps nothing"


def test_a_stopped_measurement_goes_on(tmp_path: Path, drawn: list[int]) -> None:
    def stop(fraction: float, message: str = "", **figures: float) -> None:
        if fraction >= 0.5:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        measure_stability(labels(), CONFIG, stop, kept=tmp_path / "file")
    before = sum(drawn)
    assert 0 < before < 40
    found = measure_stability(labels(), CONFIG, kept=tmp_path / "file")
    assert sum(drawn) == 40
    assert same(found, measure_stability(labels(), CONFIG))


def test_other_data_another_null_and_a_damaged_file_count_as_nothing(tmp_path: Path, drawn: list[int]) -> None:
    file = tmp_path / "file"
    measure_stability(labels(), CONFIG, kept=file)
    drawn.clear()
    assert same(measure_stability(labels(1), CONFIG, kept=file), measure_stability(labels(1), CONFIG))
    assert sum(drawn) == 80
    drawn.clear()
    measure_stability(labels(1), CONFIG.replace(null="decoupled"), kept=file)
    assert sum(drawn) == 18
    for content in (b"", b"\xff" * 100, file.read_bytes()[:-9]):
        file.write_bytes(content)
        drawn.clear()
        measure_stability(labels(), CONFIG, kept=file)
        assert sum(drawn) == 40


def test_the_workbench_keeps_one_file_for_all_numbers(tmp_path: Path, drawn: list[int]) -> None:
    data = SyntheticConfig(clips=80, classes=4)
    graph = GraphConfig(TeacherConfig(data, members=1, epochs=1))
    bench = Workbench(Store(tmp_path), read_only=False)
    for count in (16, 32):
        bench.get(StabilityConfig(graph, bootstraps=count, null="none", seeds=0))
    assert drawn == [16, 16]
    assert len(list((tmp_path / "batches").iterdir())) == 1
