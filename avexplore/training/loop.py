"""The one training loop: teacher, student, twin and prefix all run through it.

The whole data set lies on the device; a batch is a list of row numbers. Everything that the next step depends on
(parameters, optimizer, both random generators, the best epoch so far, the curves) is in a `TrainState`, so that a
stopped training goes on to the same bytes (on a CPU, with as many threads), and so that two students can branch off
one prefix. A state can go on on another kind of device, too, with other draws from there on.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avexplore.artifacts import History, Report, TrainState, silent
from avexplore.errors import Cancelled, TrainingError
from avexplore.nets.layers import draw_noise_from
from avexplore.training.capture import StepRunner
from avexplore.training.plan import Plan, Task
from avexplore.training.state import load_state, save_state

SAVE_SECONDS = 10.0
TELL_SECONDS = 5.0
_ODD = 1_000_003
"""Sets seeds of different epochs apart."""
_log = logging.getLogger("avexplore.training")


def fit(
    task: Task,
    plan: Plan,
    report: Report = silent,
    *,
    until: int | None = None,
    start: TrainState | None = None,
    state_file: Path | None = None,
) -> TrainState:
    """Train up to epoch `until` (default: the plan's end) and return the state there.

    Args:
        task: What to train; its module is left with the weights of the last epoch.
        plan: How.
        report: Told of every measured epoch, and in long epochs of their steps.
        until: Stop after so many epochs.
        start: State to go on from; a state file that is further on wins.
        state_file: Where to save the state every few seconds, and when stopped. Deleted at the end. Where it cannot be
            written, the training goes on without.

    Raises:
        TrainingError: If a loss is not finite.
        Cancelled: From `report`; the state is saved first, but within an epoch: that starts over.
    """
    until = plan.epochs if until is None else until
    training = Training(task, plan)
    saved = load_state(state_file, plan.address)
    if saved is not None and (start is None or saved.epoch > start.epoch):
        start = saved
    if start is not None:
        training.restore(start)
    saved_at = told_at = time.monotonic()
    unsaved = False

    def save(path: Path) -> None:
        nonlocal unsaved
        try:
            save_state(training.state(), path, plan.address)
        except OSError as error:
            if not unsaved:
                reason = error.strerror or error
                _log.warning("The training goes on, but its state cannot be saved in %s: %s", path.parent, reason)
            unsaved = True

    def tell(steps: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > TELL_SECONDS:
            told_at = time.monotonic()
            message = f"Epoch {training.epoch + 1} of {plan.epochs}, step {steps:,} of {training.batches:,}"
            report((training.epoch + steps / training.batches) / plan.epochs, message)

    try:
        while training.epoch < until:
            figures = training.run_epoch(tell)
            told_at = time.monotonic()
            if figures:
                message = f"Epoch {training.epoch} of {plan.epochs}"
                report(training.epoch / plan.epochs, message, epoch=training.epoch, **figures)
            if state_file is not None and time.monotonic() - saved_at > SAVE_SECONDS:
                save(state_file)
                saved_at = time.monotonic()
    except Cancelled:
        if state_file is not None and not training.within_epoch:
            save(state_file)
        raise
    if state_file is not None:
        with contextlib.suppress(OSError):
            state_file.unlink()
    return training.state()


class Training:
    """One training in progress."""

    def __init__(self, task: Task, plan: Plan) -> None:
        self.task, self.plan = task, plan
        self.device = task.rows.device
        self.epoch = 0
        self.within_epoch = False
        self.columns: dict[str, list[float]] = {}
        self.best_value, self.best_epoch = -math.inf, -1
        self.best: dict[str, Tensor] = {}
        self.batch_order = torch.Generator(device=self.device).manual_seed(plan.seed)
        self.noise = torch.Generator(device=self.device).manual_seed(plan.seed + 1)
        draw_noise_from(self.noise, task.module)
        self.batch_size, self.batches = equal_batches(len(task.rows), plan.batch_size)
        self.runner = StepRunner(task, plan, self.noise, batch_shape=(task.members, self.batch_size))
        self.optimizer = self.runner.optimizer

    def run_epoch(self, done: Callable[[int], None] = lambda steps: None) -> dict[str, float]:
        """One pass over the training clips; figures if this epoch was measured, else nothing.

        `done` is told how many steps are done.
        """
        plan, task = self.plan, self.task
        self.within_epoch = True
        strength = plan.strength(self.epoch)
        task.module.train()
        order = torch.rand(task.members, len(task.rows), generator=self.batch_order, device=self.device).argsort(dim=1)
        rows = task.rows[order[:, : self.batches * self.batch_size]]
        sums = self.runner.run(torch.split(rows, self.batch_size, dim=1), plan.rate(self.epoch), strength, done)

        parts = dict(zip(task.terms, (sums / self.batches).tolist(), strict=True))
        if plan.start_epoch is not None and strength == 0:
            del parts[task.terms[-1]]  # not zero but not there yet, as in a prefix that knows nothing of it
        summands = {name: value for name, value in parts.items() if not name.startswith("_")}
        for name, value in summands.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"The {name.replace('_', ' ')} became {value} in epoch {self.epoch}",
                    where=plan.where,
                    fix="Lower the learning rate, or look for outliers among the features",
                )
        figures = {"loss": sum(summands.values())} | {name.lstrip("_"): value for name, value in parts.items()}

        # Which epochs are measured must not depend on where a training was cut in two.
        measured = self.epoch + 1 == plan.epochs or (self.epoch + 1) % plan.measure_every == 0
        if measured:
            task.module.eval()
            with torch.no_grad():
                figures |= task.measure()
            self._keep_if_best(figures)
        for name in figures.keys() | self.columns.keys():
            column = self.columns.setdefault(name, [])
            column.extend([math.nan] * (self.epoch - len(column)))
            column.append(figures.get(name, math.nan))
        self.epoch += 1
        self.within_epoch = False
        return figures if measured else {}

    def _keep_if_best(self, figures: dict[str, float]) -> None:
        value = figures[self.plan.keep] if self.plan.keep else float(self.epoch)
        if self.epoch >= self.plan.keep_from and value > self.best_value:
            self.best_value, self.best_epoch = value, self.epoch
            if self.plan.keep:
                self.best = {name: tensor.clone() for name, tensor in self.task.module.state_dict().items()}

    def state(self) -> TrainState:
        """Everything the next step depends on, copied to the host."""
        tensors: dict[str, NDArray[Any]] = {}
        for name, tensor in self._live().items():
            tensors[name] = tensor.detach().cpu().numpy().copy()
        for name, tensor in self.best.items():
            tensors["best." + name] = tensor.detach().cpu().numpy().copy()
        tensors["generator.order"] = self.batch_order.get_state().numpy().copy()
        tensors["generator.noise"] = self.noise.get_state().numpy().copy()
        tensors["best_value"] = np.array(self.best_value)
        tensors["best_epoch"] = np.array(self.best_epoch)
        history = History({name: np.array(self.columns[name]) for name in sorted(self.columns)})
        return TrainState(tensors=tensors, history=history, epoch=self.epoch)

    def restore(self, state: TrainState) -> None:
        """Go on from a state.

        Raises:
            TrainingError: If it belongs to another network.
        """
        live = self._live()
        for name, tensor in live.items():
            if name not in state.tensors or state.tensors[name].shape != tuple(tensor.shape):
                raise TrainingError(
                    f"The saved training state has no fitting {name!r}",
                    where=self.plan.where,
                    fix="It belongs to another network: train its prefix again",
                )
        with torch.no_grad():
            for name, tensor in live.items():
                tensor.copy_(torch.from_numpy(np.array(state.tensors[name])))
        self.best = {
            name.removeprefix("best."): torch.from_numpy(np.array(values)).to(self.device)
            for name, values in state.tensors.items()
            if name.startswith("best.")
        }
        for number, (name, generator) in enumerate((("order", self.batch_order), ("noise", self.noise))):
            saved = torch.from_numpy(np.array(state.tensors[f"generator.{name}"]))
            if saved.shape == generator.get_state().shape:
                generator.set_state(saved)
            else:  # from another kind of device: go on with draws of our own, the same for a student and its twin
                generator.manual_seed(self.plan.seed + number + _ODD * (state.epoch + 1))
        self.best_value = float(state.tensors["best_value"])
        self.best_epoch = int(state.tensors["best_epoch"])
        if self.best_epoch < self.plan.keep_from:  # the prefix may have kept an epoch that this plan may not
            self.best_value, self.best_epoch, self.best = -math.inf, -1, {}
        self.columns = {name: values.tolist() for name, values in state.history.columns.items()}
        self.epoch = state.epoch

    def _live(self) -> dict[str, Tensor]:
        return {"module." + name: t for name, t in self.task.module.state_dict().items()} | self.runner.moments()


def equal_batches(clips: int, batch_size: int) -> tuple[int, int]:
    """Size and number of batches, of equal size and close to the size asked for.

    >>> equal_batches(1530, 256), equal_batches(100, 256)
    ((255, 6), (100, 1))
    """
    batches = max(1, round(clips / batch_size))
    return clips // batches, batches


def kept_weights(state: TrainState) -> tuple[dict[str, NDArray[Any]], int]:
    """Weights of the epoch that was kept, and that epoch; of the last one if none was."""
    best = {n.removeprefix("best."): values for n, values in state.tensors.items() if n.startswith("best.")}
    if best:
        return best, int(state.tensors["best_epoch"])
    last = {n.removeprefix("module."): values for n, values in state.tensors.items() if n.startswith("module.")}
    return last, state.epoch - 1
