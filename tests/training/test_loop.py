from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from avexplore.artifacts import TrainState
from avexplore.errors import Cancelled, TrainingError
from avexplore.nets.layers import Dropout
from avexplore.training import loop
from avexplore.training.loop import Training, equal_batches, fit, kept_weights
from avexplore.training.plan import Plan


class Regression:
    """y = w x with dropout noise: small, but with everything the loop has to carry along."""

    members = 1
    terms: tuple[str, ...] = ("squared_error",)

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.module: nn.Module = nn.Sequential(Dropout(0.3), nn.Linear(5, 1))
        nn.init.normal_(self.module[1].weight, generator=generator)
        nn.init.zeros_(self.module[1].bias)
        self.x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
        self.y = self.x @ torch.arange(5.0) + 1
        self.rows = torch.arange(40)
        self.poison_from: float = math.inf
        self.calls = 0

    def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
        self.calls += 1
        error = (self.module(self.x[rows[0]])[:, 0] - self.y[rows[0]]).square().mean()
        return torch.stack([error * (math.nan if self.calls >= self.poison_from else 1.0)])

    def measure(self) -> dict[str, float]:
        return {"fit": -float((self.module(self.x)[:, 0] - self.y).square().mean())}


def plan(**changes: object) -> Plan:
    values = {"epochs": 12, "batch_size": 10, "learning_rate": 0.1, "weight_decay": 0.01, "seed": 3, "keep": "fit"}
    return Plan(**{**values, **changes})


def same(a: TrainState, b: TrainState) -> bool:
    return (
        a.epoch == b.epoch
        and a.tensors.keys() == b.tensors.keys()
        and all(a.tensors[name].tobytes() == b.tensors[name].tobytes() for name in a.tensors)
        and a.history.columns.keys() == b.history.columns.keys()
        and all(a.history.columns[name].tobytes() == b.history.columns[name].tobytes() for name in a.history.columns)
    )


def test_loss_falls_and_the_curves_say_so() -> None:
    state = fit(Regression(), plan(epochs=40))
    losses = state.history.columns["loss"]
    assert len(losses) == 40
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_array_equal(losses, state.history.columns["squared_error"])


def test_same_seed_same_bytes_and_other_seed_other_bytes() -> None:
    assert same(fit(Regression(), plan()), fit(Regression(), plan()))
    assert not same(fit(Regression(), plan()), fit(Regression(), plan(seed=4)))


@pytest.mark.parametrize("cut", [0, 1, 5, 11])
def test_two_halves_are_the_whole_to_the_byte(cut: int) -> None:
    whole = fit(Regression(), plan(measure_every=3))
    half = fit(Regression(), plan(measure_every=3), until=cut)
    assert half.epoch == cut
    assert same(whole, fit(Regression(seed=9), plan(measure_every=3), start=half) if cut else whole)
    assert cut == 0 or not same(whole, half)


def test_a_cancelled_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.safetensors"

    def stop_at_five(fraction: float, message: str = "", **figures: float) -> None:
        if figures["epoch"] == 5:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        fit(Regression(), plan(), stop_at_five, state_file=path)
    assert path.is_file()
    epochs: list[float] = []
    resumed = fit(
        Regression(), plan(), lambda _, message="", **figures: epochs.append(figures["epoch"]), state_file=path
    )
    assert epochs[0] == 6
    assert same(resumed, fit(Regression(), plan()))
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_killed_training_goes_on_from_its_last_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    path = tmp_path / "state.safetensors"

    def die_at_seven(fraction: float, message: str = "", **figures: float) -> None:
        if figures["epoch"] == 7:
            raise KeyboardInterrupt  # nothing is saved on this way out

    with pytest.raises(KeyboardInterrupt):
        fit(Regression(), plan(), die_at_seven, state_file=path)
    task = Regression()
    assert same(fit(task, plan(), state_file=path), fit(Regression(), plan()))
    assert task.calls == 4 * (12 - 6)  # epochs 0..5 were on disk


def test_a_long_epoch_tells_of_its_steps_and_starts_over_when_stopped_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "TELL_SECONDS", -1.0)
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1.0)
    path = tmp_path / "state.safetensors"
    told: list[tuple[float, str]] = []

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        told.append((fraction, message))
        if message == "Epoch 6 of 12, step 3 of 4":
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        fit(Regression(), plan(), stop, state_file=path)
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert len(told) == 5 * (4 + 1) + 3
    task = Regression()
    assert same(fit(task, plan(), state_file=path), fit(Regression(), plan()))
    assert task.calls == 4 * (12 - 5)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_state_that_finds_no_room_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cancelled: bool
) -> None:
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "state.safetensors"

    def report(fraction: float, message: str = "", **figures: float) -> None:
        if cancelled and figures["epoch"] == 5:
            raise Cancelled("Stopped")

    if cancelled:
        with pytest.raises(Cancelled):
            fit(Regression(), plan(), report, state_file=path)
    else:
        assert same(fit(Regression(), plan(), report, state_file=path), fit(Regression(), plan()))
    [said] = caplog.messages
    assert "goes on" in said


@pytest.mark.parametrize("content", [b"", b"half a file", None])
def test_a_foreign_or_broken_state_file_is_not_used(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "state.safetensors"
    if content is None:  # a sound state of another config

        def stop(fraction: float, message: str = "", **figures: float) -> None:
            raise Cancelled("Stopped")

        with pytest.raises(Cancelled):
            fit(Regression(), plan(address="other", seed=77), stop, state_file=path)
    else:
        path.write_bytes(content)
    assert same(fit(Regression(), plan(), state_file=path), fit(Regression(), plan()))


def test_a_loss_that_is_not_finite_stops_with_its_name_and_epoch() -> None:
    task = Regression()
    task.poison_from = 4 * 3 + 2  # four batches per epoch: in epoch 3
    with pytest.raises(TrainingError, match=r"squared error became nan in epoch 3 .*learning rate"):
        fit(task, plan())


def test_a_state_from_another_kind_of_device_goes_on_with_draws_of_its_own() -> None:
    """A generator's state is 5,056 bytes on a CPU and 16 on CUDA."""
    state = fit(Regression(), plan(), until=4)
    shrunk = {name: values[:16] if name.startswith("generator.") else values for name, values in state.tensors.items()}
    foreign = TrainState(shrunk, state.history, state.epoch)
    twins = [fit(Regression(), plan(), start=foreign) for _ in range(2)]
    for name, values in twins[0].tensors.items():
        np.testing.assert_array_equal(values, twins[1].tensors[name])
    assert len(twins[0].history.columns["loss"]) == plan().epochs
    np.testing.assert_array_equal(twins[0].history.columns["loss"][:4], state.history.columns["loss"])
    own = fit(Regression(), plan(), start=state)
    assert not np.array_equal(own.tensors["generator.noise"], twins[0].tensors["generator.noise"])


def test_a_state_of_another_network_is_refused() -> None:
    class Wider(Regression):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Sequential(Dropout(0.3), nn.Linear(5, 2))

    with pytest.raises(TrainingError, match="another network"):
        fit(Wider(), plan(), start=fit(Regression(), plan(), until=2))


def test_the_best_measured_epoch_is_kept_but_none_before_keep_from() -> None:
    class Scripted(Regression):
        script = (9.0, 1.0, 2.0, 5.0, 3.0, 4.0)
        looked = 0

        def measure(self) -> dict[str, float]:
            self.looked += 1
            return {"fit": self.script[self.looked - 1]}

    task = Scripted()
    state = fit(task, plan(epochs=6, keep_from=1))
    weights, epoch = kept_weights(state)
    assert epoch == 3
    at_three = fit(Scripted(), plan(epochs=6, keep_from=1), until=4)
    np.testing.assert_array_equal(weights["1.weight"], at_three.tensors["module.1.weight"])
    # a prefix whose rule allowed epoch 0 does not smuggle it into a plan that does not
    prefix = fit(Scripted(), plan(epochs=6), until=2)
    assert int(prefix.tensors["best_epoch"]) == 0
    later = Scripted()
    later.looked = 2
    assert kept_weights(fit(later, plan(epochs=6, keep_from=1), start=prefix))[1] == 3


def test_without_a_figure_to_keep_by_the_last_epoch_stays() -> None:
    state = fit(Regression(), plan(keep=""))
    weights, epoch = kept_weights(state)
    assert epoch == 11
    np.testing.assert_array_equal(weights["1.weight"], state.tensors["module.1.weight"])


def test_every_clip_is_seen_once_per_epoch_in_equal_batches() -> None:
    seen: list[Tensor] = []

    class Watching(Regression):
        def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
            seen.append(rows.clone())
            return super().losses(rows, strength)

    Training(Watching(), plan(batch_size=8)).run_epoch()
    assert [tuple(rows.shape) for rows in seen] == [(1, 8)] * 5
    assert sorted(torch.cat(seen, 1)[0].tolist()) == list(range(40))


@pytest.mark.parametrize(("clips", "size"), [(1, 256), (100, 256), (384, 256), (385, 256), (1530, 512)])
def test_batches_are_close_to_the_size_asked_for(clips: int, size: int) -> None:
    found, batches = equal_batches(clips, size)
    assert found * batches <= clips < found * batches + batches
    assert found <= 1.5 * size


def test_strength_follows_start_and_ramp() -> None:
    assert [plan(start_epoch=None).strength(e) for e in (0, 99)] == [0, 0]
    assert [plan(start_epoch=2).strength(e) for e in (1, 2, 3)] == [0, 1, 1]
    assert [plan(start_epoch=2, ramp_epochs=4).strength(e) for e in (1, 2, 3, 5, 6)] == [0, 0.25, 0.5, 1, 1]


def test_the_rate_falls_from_its_peak_to_nearly_nothing() -> None:
    rates = [plan().rate(e) for e in range(12)]
    assert rates[0] == 0.1
    assert all(a > b for a, b in itertools.pairwise(rates))
    assert 0 < rates[-1] < 0.01 * rates[0] * 2


def test_gradients_are_clipped() -> None:
    class Steep(Regression):
        def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
            return super().losses(rows, strength) * 1e6

    task = Steep()
    Training(task, plan(clip_norm=2.0)).run_epoch()
    total = torch.stack([p.grad.square().sum() for p in task.module.parameters() if p.grad is not None]).sum().sqrt()
    assert float(total) == pytest.approx(2.0, rel=1e-3)
