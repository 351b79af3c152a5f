"""The figures of all arms and seeds, compared pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import ExperimentReport, RetrievalReport
from avexplore.config import ExperimentConfig
from avexplore.errors import ConfigError
from avexplore.experiments.arms import TWIN, arms_of


def gather(config: ExperimentConfig, reports: list[RetrievalReport]) -> ExperimentReport:
    """Figures of all cells, in the order of `cells`, as one table."""
    names = [name for name in reports[0].metrics if all(name in report.metrics for report in reports)]
    values = np.array([[report.metrics[name] for name in names] for report in reports])
    arms = arms_of(config)
    table = values.reshape(config.seeds, len(arms), len(names)).transpose(1, 0, 2)
    return ExperimentReport(arms=arms, seeds=np.arange(config.seeds), metrics=tuple(names), values=table)


@dataclass(frozen=True)
class Comparison:
    """One arm against another, paired by seed, on one figure.

    Attributes:
        arm, reference, metric: What is compared.
        mean: Mean of the arm.
        difference: Mean paired difference, arm minus reference.
        low, high: 95 % interval of the mean difference (Student's t over seeds).
        p_value: Two-sided paired permutation (sign-flip) test, Holm-corrected over the arms compared.
        seeds: Number of pairs.
    """

    arm: str
    reference: str
    metric: str
    mean: float
    difference: float
    low: float
    high: float
    p_value: float
    seeds: int

    @property
    def verdict(self) -> str:
        """In plain words; the interval decides."""
        if self.low > 0:
            return "gain"
        if self.high < 0:
            return "loss"
        return "no difference shown"


def compare_arms(report: ExperimentReport, metric: str, reference: str = TWIN) -> list[Comparison]:
    """Every other arm against the reference.

    Raises:
        ConfigError: If the metric or the reference is not in the report.
    """
    from avexplore.retrieval.significance import holm, paired_difference, permutation_test

    if metric not in report.metrics or reference not in report.arms:
        raise ConfigError(f"No {metric!r} of {reference!r} in this experiment", where="experiment report")
    values = report.values[:, :, report.metrics.index(metric)]
    base = values[report.arms.index(reference)]
    found = []
    for arm, figures in zip(report.arms, values, strict=True):
        if arm != reference:
            interval = paired_difference(figures, base)
            found.append((arm, figures.mean(), interval, permutation_test(figures, base)))
    corrected = holm(np.array([p for *_, p in found]))
    return [
        Comparison(arm, reference, metric, float(mean), i.mean, i.low, i.high, float(p), len(base))
        for (arm, mean, i, _), p in zip(found, corrected, strict=True)
    ]


def summary(report: ExperimentReport, metric: str = "hidden_pair_ap") -> str:
    """A verdict in plain words on the question the experiment was made for."""
    if metric not in report.metrics:
        metric = "map"
    by_arm = {c.arm: c for c in compare_arms(report, metric)}
    sentences = []
    for arm, c in by_arm.items():
        interval = f"{c.difference:+.4f}, 95 % interval {c.low:+.4f} to {c.high:+.4f} over {c.seeds} seeds"
        sentences.append(f"{arm}: {c.verdict} in {metric} over the twin without LIR ({interval}).")
    graph = next((arm for arm in by_arm if arm.rpartition(":")[2].startswith("graph")), None)
    if graph:
        for c in compare_arms(report, metric, reference=graph):
            control = c.arm.rpartition(":")[2]
            if control.split("+")[0] in ("identity", "random", "correlation", "constant"):
                # Seen from the control's side the signs turn around.
                better = {"gain": "loses to", "loss": "beats", "no difference shown": "is not told apart from"}
                sentences.append(
                    f"The inferred graph {better[c.verdict]} {c.arm} ({-c.difference:+.4f}, "
                    f"{-c.high:+.4f} to {-c.low:+.4f})."
                )
    return " ".join(sentences)
