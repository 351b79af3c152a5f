"""Does the graph help, and with which parameters? Arms over paired seeds, and sweeps on validation clips."""

from avexplore.experiments.arms import OFFERED, TWIN, arms_of, cells, inferred_student, model_of_arm
from avexplore.experiments.comparison import (
    Comparison,
    alike,
    compare_arms,
    compare_measures,
    gather,
    linked_pairs,
    reference_of,
    summary,
)
from avexplore.experiments.sweep import Outcome, run_sweep

__all__ = [
    "OFFERED",
    "TWIN",
    "Comparison",
    "Outcome",
    "alike",
    "arms_of",
    "cells",
    "compare_arms",
    "compare_measures",
    "gather",
    "inferred_student",
    "linked_pairs",
    "model_of_arm",
    "reference_of",
    "run_sweep",
    "summary",
]
