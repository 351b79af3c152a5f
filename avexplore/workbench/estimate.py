"""What it would take to make something, told before it is begun."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avexplore import pipeline
from avexplore.config import Config, ExperimentConfig, PrefixConfig, StudentConfig, SweepConfig, TeacherConfig


@dataclass(frozen=True)
class Work:
    """What it would take to make something.

    Attributes:
        teachers, students: How many would be trained; a student's twin counts, too.
        seconds: One after the other, by how long this run's own stages took; None if unknown.
        can_read: Whether the features that this needs are at hand.
        elsewhere: Whether `seconds` was measured on the machine that a shipped run was made on, not on this one.
    """

    teachers: int
    students: int
    seconds: float | None
    can_read: bool
    elsewhere: bool = False


def estimate(steps: Sequence[Config], paces: Mapping[str, float], can_read: bool, elsewhere: bool = False) -> Work:
    """Add up the steps of a plan.

    Args:
        steps: What would be made, in order.
        paces: Seconds for a unit of `Stage.cost`, by stage; what is not there is unknown.
        can_read: Whether the features are at hand.
        elsewhere: Whether the paces are those of another machine.
    """
    students = [step for step in steps if isinstance(step, StudentConfig)]
    begun = {student.address for student in students}
    known = {**paces, PrefixConfig.stage: paces.get(StudentConfig.stage, math.nan)}
    seconds = 0.0
    for step in steps:
        # A twin goes on from the beginning that it shares with the others: counted once, with the twin.
        shared = isinstance(step, PrefixConfig) and step.student.address in begun
        alone = isinstance(step, (ExperimentConfig, SweepConfig))  # nothing but its cells
        if not (shared or alone or pipeline.is_quick(step)):
            seconds += pipeline.stage_of(step).cost(step) * known.get(step.stage, math.nan)
    return Work(
        teachers=sum(isinstance(step, TeacherConfig) for step in steps),
        students=len(students),
        seconds=seconds if math.isfinite(seconds) else None,
        can_read=can_read,
        elsewhere=elsewhere and seconds > 0,
    )
