"""One optimizer step, and on CUDA its replay from a recorded graph.

A step of these small networks is some two hundred kernels of a few microseconds each; launching them from Python takes
ten times longer than running them. A CUDA graph records the launches once. What changes between steps (the rows, the
learning rate, the strength of the regularizer) lies in tensors that the recording reads.

Multiplying in bfloat16 is a choice of the plan, and off: at these sizes a step's time goes into launches and memory,
not into products of matrices (`benchmarks/training.py` prints both).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from avexplore.nets.layers import multiply_in_bfloat16

if TYPE_CHECKING:
    from avexplore.training.plan import Plan, Task

WARM_UP_STEPS = 3
_log = logging.getLogger(__name__)


class StepRunner:
    """Runs optimizer steps, eagerly or recorded."""

    def __init__(self, task: Task, plan: Plan, noise: torch.Generator, batch_shape: tuple[int, int]) -> None:
        self.task, self.plan, self.noise = task, plan, noise
        multiply_in_bfloat16(plan.bfloat16, task.module)
        device = task.rows.device
        self.on_cuda = device.type == "cuda"
        self.parameters = [p for p in task.module.parameters() if p.requires_grad]
        self.rate = torch.zeros((), device=device)
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=self.rate if self.on_cuda else plan.learning_rate,
            weight_decay=plan.weight_decay,
            fused=device.type in ("cuda", "cpu"),
            capturable=self.on_cuda,
        )
        self.strength = torch.zeros((), device=device)
        self.rows = torch.zeros(batch_shape, dtype=torch.int64, device=device)
        self.sums = torch.zeros(len(task.terms), device=device)
        self.summand = torch.tensor([not name.startswith("_") for name in task.terms], device=device)
        self.graphs: dict[bool, torch.cuda.CUDAGraph] = {}
        self.record = self.on_cuda
        self.why_not_recorded = "" if self.on_cuda else "no CUDA"
        self._make_moments()

    def run(
        self, batches: Sequence[Tensor], rate: float, strength: float, done: Callable[[int], None] = lambda steps: None
    ) -> Tensor:
        """One step per batch (M, B); the sum of each term over the batches, shape (terms,), on the device.

        `done` is told how many steps are done.
        """
        self.sums.zero_()
        self.strength.fill_(strength)
        if self.on_cuda:
            self.rate.fill_(rate)
        else:
            self.optimizer.param_groups[0]["lr"] = rate
        on = strength > 0
        if self.record and on not in self.graphs:
            self._record(batches[0], on)
        for steps, rows in enumerate(batches, 1):
            if self.record:
                self.rows.copy_(rows)
                self.graphs[on].replay()
            else:
                self._step(rows, on)
            done(steps)
        return self.sums

    def _step(self, rows: Tensor, on: bool) -> None:
        terms = self.task.losses(rows, self.strength if on else None)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward((terms * self.summand).sum())
        torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm)
        self.optimizer.step()
        self.sums += terms.detach()

    def moments(self) -> dict[str, Tensor]:
        """The optimizer's own tensors by name, live."""
        found = {}
        for index, parameter in enumerate(self.parameters):
            for name, value in self.optimizer.state[parameter].items():
                found[f"optimizer.{index}.{name}"] = value
        return found

    def _make_moments(self) -> None:
        # One step with zero gradients at rate zero makes the optimizer allocate what a saved state is copied into.
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        if not self.on_cuda:
            self.optimizer.param_groups[0]["lr"] = 0.0
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*capturable=True.*"
            )  # this step is not recorded, and need not be
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for value in self.moments().values():
            value.zero_()

    def _record(self, rows: Tensor, on: bool) -> None:
        """Record a step. What the warm-up changed is put back; a step that cannot be recorded runs eagerly."""
        live = [*self.task.module.state_dict().values(), *self.moments().values(), self.sums]
        before = [tensor.detach().clone() for tensor in live]
        noise = self.noise.get_state()
        self.rows.copy_(rows)
        # What is recorded must run on this device and stream: a recording of another one would be empty, and no error.
        device = self.rows.device
        graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream(device)
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        try:
            side.wait_stream(current)
            with torch.cuda.stream(side):
                for _ in range(WARM_UP_STEPS):
                    self._step(self.rows, on)
            current.wait_stream(side)
            graph.register_generator_state(self.noise)
            with torch.cuda.device(device), torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                self._step(self.rows, on)
            self.graphs[on] = graph
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.record = False
            self.failed = graph  # its memory pool must outlive it
            self.why_not_recorded = _first_cause(error)
            torch.cuda.set_stream(current)  # a failed recording leaves its own stream behind
            torch.cuda.synchronize(device)
            _log.warning("Steps run one kernel at a time, since none could be recorded: %s", self.why_not_recorded)
        with torch.no_grad():
            for tensor, value in zip(live, before, strict=True):
                tensor.copy_(value)
        self.noise.set_state(noise)


def _first_cause(error: BaseException) -> str:
    """The error that began it, in a line: the end of a recording fails, too, and says nothing of why."""
    while error.__context__ is not None:
        error = error.__context__
    return next(iter(str(error).splitlines()), type(error).__name__)
