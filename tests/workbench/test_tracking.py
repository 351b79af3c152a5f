"""Any tracker can be hung on trainings: a plain callable hears of every measured epoch."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.config import Config, PrefixConfig, StudentConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.errors import Cancelled
from avexplore.store import Store
from avexplore.workbench import Workbench

STUDENT = preset("tiny", SyntheticConfig(clips=160, classes=4))


def test_a_tracker_hears_what_the_histories_say(tmp_path: Path) -> None:
    heard: dict[Config, list[tuple[int, dict[str, float]]]] = defaultdict(list)

    def track(config: Config, epoch: int, figures: Mapping[str, float]) -> None:
        heard[config].append((epoch, dict(figures)))

    bench = Workbench(Store(tmp_path), track=track)
    trained = bench.get(STUDENT)
    assert {type(config) for config in heard} == {TeacherConfig, PrefixConfig, StudentConfig}
    told = [*heard[next(c for c in heard if isinstance(c, PrefixConfig))], *heard[STUDENT]]
    assert [epoch for epoch, _ in told] == [*range(1, STUDENT.epochs + 1)], "the prefix's epochs come first"
    for epoch, figures in told:
        stored = {name: values[epoch - 1] for name, values in trained.history.columns.items()}
        assert figures == {name: value for name, value in stored.items() if not np.isnan(value)}
    heard.clear()
    Workbench(Store(tmp_path), track=track).get(STUDENT)
    assert not heard, "what is stored is not trained again"


def test_a_tracker_changes_no_result_and_may_stop_a_training(tmp_path: Path) -> None:
    tracked = Workbench(Store(tmp_path / "one"), track=lambda *told: None).get(STUDENT)
    plain = Workbench(Store(tmp_path / "other")).get(STUDENT)
    assert np.array_equal(tracked.embeddings.audio, plain.embeddings.audio)

    def stop(config: Config, epoch: int, figures: Mapping[str, float]) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        Workbench(Store(tmp_path / "third"), track=stop).get(STUDENT)


def records(path: Path) -> Iterator[bytes]:
    """Of a file of TensorBoard's events: length, checksum, content, checksum."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield content[at + 12 : at + 12 + length]
        at += length + 16


def test_tensorboard_is_hung_on_in_five_lines(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    writer = tensorboard.SummaryWriter(str(tmp_path / "board"))

    def track(config: Config, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            writer.add_scalar(f"{config.stage}/{name}", value, epoch)

    trained = Workbench(Store(tmp_path / "home"), track=track).get(STUDENT.twin)
    writer.close()
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for file in (tmp_path / "board").iterdir():
        for record in records(file):
            event = Event.FromString(record)
            for value in event.summary.value:
                found[value.tag][event.step] = value.simple_value
    maps = trained.history.columns["map_validation"]
    assert found["student/map_validation"] == {
        epoch: pytest.approx(value, rel=1e-6) for epoch, value in enumerate(maps, start=1) if not np.isnan(value)
    }
