"""Training states on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avexplore.artifacts import History, TrainState
from avexplore.training.state import load_state, save_state


def state(epoch: int) -> TrainState:
    tensors = {"b": np.arange(6.0, dtype=np.float32).reshape(2, 3), "a": np.zeros((), np.int64)}
    return TrainState(tensors=tensors, history=History({"loss": np.arange(float(epoch))}), epoch=epoch)


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "states" / "student-1.safetensors"
    save_state(state(3), path, "address")
    found = load_state(path, "address")
    assert found is not None
    assert found.epoch == 3
    assert list(found.tensors) == ["b", "a"]
    np.testing.assert_array_equal(found.tensors["b"], state(3).tensors["b"])
    np.testing.assert_array_equal(found.history.columns["loss"], [0.0, 1.0, 2.0])
    assert load_state(path, "another address") is None


def test_a_full_disk_keeps_the_old_state_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "student-1.safetensors"
    save_state(state(3), path, "address")
    whole = Path.write_bytes

    def half(self: Path, content: bytes) -> int:
        whole(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space"):
        save_state(state(4), path, "address")
    found = load_state(path, "address")
    assert found is not None
    assert found.epoch == 3
    assert list(tmp_path.iterdir()) == [path]
