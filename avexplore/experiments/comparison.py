"""The figures of all arms and seeds, compared pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from avexplore.artifacts import ExperimentReport, RetrievalReport
from avexplore.config import ExperimentConfig, within_sentence
from avexplore.errors import ConfigError
from avexplore.experiments.arms import TWIN, WITHOUT_A_GRAPH, arms_of, seeds_of

CONTROLS = ("identity", *WITHOUT_A_GRAPH, "random", "correlation", "graphical-lasso", "conditional-means", "constant")
"""What the inferred graph has to be better than."""
LINKED_PAIRS = "linked_pairs"


def gather(
    config: ExperimentConfig, reports: Sequence[RetrievalReport], extra: Sequence[Mapping[str, float]] = ()
) -> ExperimentReport:
    """Figures of all cells, in the order of `cells`, as one table.

    Args:
        config: The experiment.
        reports: One per cell.
        extra: Further figures per cell; a cell that lacks one has NaN.
    """
    names = [name for name in reports[0].metrics if all(name in report.metrics for report in reports)]
    further = list(dict.fromkeys(name for figures in extra for name in figures))
    rows = [[report.metrics[name] for name in names] for report in reports]
    for row, figures in zip(rows, extra, strict=bool(extra)):
        row.extend(figures.get(name, float("nan")) for name in further)
    arms = arms_of(config)
    table = np.array(rows).reshape(config.seeds, len(arms), len(names) + len(further)).transpose(1, 0, 2)
    return ExperimentReport(arms=arms, seeds=np.array(seeds_of(config)), metrics=(*names, *further), values=table)


@dataclass(frozen=True)
class Comparison:
    """One arm against another, paired by seed, on one figure.

    Attributes:
        arm, reference, metric: What is compared.
        mean: Mean of the arm.
        difference: Mean paired difference, arm minus reference.
        low, high: 95 % interval of the mean difference (Student's t over seeds).
        p_value: Two-sided paired permutation (sign-flip) test, Holm-corrected over all that was compared at once.
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
        """In plain words; see `significance.verdict`."""
        from avexplore.retrieval.significance import Interval, verdict

        return verdict(Interval(self.difference, self.low, self.high, self.seeds), self.p_value)


def seeds_needed(arms: int, level: float = 0.05) -> int:
    """Fewest seeds with which a permutation test, Holm-corrected over so many arms, can confirm anything.

    >>> seeds_needed(1), seeds_needed(4)
    (6, 8)
    """
    seeds = 2
    while 2 / 2**seeds * arms > level:
        seeds += 1
    return seeds


def reference_of(report: ExperimentReport, metric: str) -> str:
    """What arms are compared with: the twin, or where it has no such figure the first arm with an inferred graph."""
    values = report.values[:, :, report.metrics.index(metric)]
    known = [arm for arm, figures in zip(report.arms, values, strict=True) if not np.isnan(figures).all()]
    if TWIN in known or not known:
        return TWIN
    return next((arm for arm in known if _source(arm) == "graph"), known[0])


def mean_of(report: ExperimentReport, arm: str, metric: str) -> float:
    """An arm's figure, averaged over the seeds that have it; NaN if none has."""
    values = report.values[report.arms.index(arm), :, report.metrics.index(metric)]
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _source(arm: str) -> str:
    """Where the weights of an arm come from."""
    kind, _, choice = arm.rpartition(":")
    return choice.split("+")[1 if kind == "proxies" and "+" in choice else 0]


def compare_arms(report: ExperimentReport, metric: str, reference: str = "") -> list[Comparison]:
    """Every other arm that has the figure against the reference; seeds that lack it in either are left out.

    Args:
        report: The experiment's.
        metric: One of its figures.
        reference: An arm; `reference_of` chooses if left out.

    Raises:
        ConfigError: If the metric or the reference is not in the report.
    """
    return compare_measures(report, (metric,), reference)[metric]


def compare_measures(
    report: ExperimentReport, metrics: Sequence[str] = (), reference: str = ""
) -> dict[str, list[Comparison]]:
    """`compare_arms` on several figures, p-values Holm-corrected over all arms and figures together.

    Args:
        report: The experiment's.
        metrics: Some of its figures; all of them if left out.
        reference: An arm; `reference_of` chooses for each figure if left out.

    Raises:
        ConfigError: If a metric or the reference is not in the report.
    """
    from avexplore.retrieval.significance import holm, paired_difference, permutation_test

    found, p_values = [], []
    for metric in metrics or report.metrics:
        if metric not in report.metrics or (reference and reference not in report.arms):
            raise ConfigError(f"No {metric!r} of {reference!r} in this experiment", where="experiment report")
        base_arm = reference or reference_of(report, metric)
        values = report.values[:, :, report.metrics.index(metric)]
        base = values[report.arms.index(base_arm)]
        for arm, figures in zip(report.arms, values, strict=True):
            both = ~np.isnan(figures) & ~np.isnan(base)
            if arm != base_arm and both.any():
                one, other = figures[both], base[both]
                i = paired_difference(one, other)
                found.append(Comparison(arm, base_arm, metric, float(one.mean()), i.mean, i.low, i.high, 1.0, i.count))
                p_values.append(permutation_test(one, other))
    by_metric: dict[str, list[Comparison]] = {metric: [] for metric in metrics or report.metrics}
    for comparison, p in zip(found, holm(p_values), strict=True):
        by_metric[comparison.metric].append(replace(comparison, p_value=float(p)))
    return by_metric


def alike(report: ExperimentReport, metric: str, *, level: float = 0.05) -> list[tuple[str, ...]]:
    """Groups of arms, the twin among them, no two of which can be told apart; see `significance.told_apart`.

    Args:
        report: The experiment's.
        metric: One of its figures; arms that lack it for some seed are left out.
        level: Corrected p-value up to which two arms are told apart.
    """
    from avexplore.retrieval.significance import told_apart

    values = report.values[:, :, report.metrics.index(metric)]
    known = {arm: row for arm, row in zip(report.arms, values, strict=True) if not np.isnan(row).any()}
    return told_apart(known, level=level)


def linked_pairs(report: ExperimentReport) -> dict[str, float]:
    """How many class pairs each arm links, mean over seeds, where that is known: no gain or loss, but what precision
    and recall of links are read against."""
    if LINKED_PAIRS not in report.metrics:
        return {}
    values = report.values[:, :, report.metrics.index(LINKED_PAIRS)]
    known = {arm: row[~np.isnan(row)] for arm, row in zip(report.arms, values, strict=True)}
    return {arm: float(row.mean()) for arm, row in known.items() if len(row)}


def summary(report: ExperimentReport, metric: str = "hidden_pair_ap") -> str:
    """A verdict in plain words on the question the experiment was made for."""
    return " ".join(sentences(report, metric))


def answer(report: ExperimentReport, metric: str, names: Mapping[str, str] | None = None) -> str:
    """What the experiment says on whether the inferred graph helps, in one sentence.

    Args:
        report: The experiment's.
        metric: One of its figures.
        names: How arms and figures are called; by their own names if left out.
    """

    def called(name: str) -> str:
        return (names or {}).get(name, name)

    def listed(arms: Sequence[str]) -> str:
        words = [within_sentence(called(arm)) for arm in arms]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

    by_arm = {c.arm: c for c in compare_arms(report, metric)}
    graph = next((arm for arm in by_arm if _source(arm) == "graph"), None)
    if graph is None or by_arm[graph].reference != TWIN:
        best = max(by_arm.values(), key=lambda c: c.difference)
        base = "no LIR" if best.reference == TWIN else within_sentence(called(best.reference))
        return f"{called(best.arm)}: {best.verdict} in {called(metric)} over {base} ({best.difference:+.4f})."
    own = by_arm[graph]
    seeds = f"over {own.seeds} seeds"
    moved = "raises" if own.difference > 0 else "lowers"
    sure = ", not confirmed" if own.verdict.endswith("not confirmed") else ""
    if own.low > 0 or own.high < 0:
        found = f"LIR with the inferred graph {moved} {called(metric)} by {abs(own.difference):.4f} {seeds}{sure}"
    else:
        found = f"LIR with the inferred graph does not change {called(metric)} {seeds}"
    apart = "cannot be told apart from"
    outcomes: dict[str, list[str]] = {"beats": [], apart: [], "loses to": []}
    for c in compare_arms(report, metric, reference=graph):
        if _source(c.arm) in CONTROLS:
            outcomes[{"gain": "loses to", "loss": "beats"}.get(c.verdict, apart)].append(c.arm)
    against = [f"{verb} {listed(arms)}" for verb, arms in outcomes.items() if arms]
    *most, last = against or [""]
    return f"{found}; it {', '.join(most)}{', and ' if most else ''}{last}." if against else f"{found}."


def sentences(
    report: ExperimentReport, metric: str = "hidden_pair_ap", names: Mapping[str, str] | None = None
) -> list[str]:
    """What the experiment shows, sentence by sentence: each arm against the twin, then the graph against the controls.

    Args:
        report: The experiment's.
        metric: The figure that the question is about; MAP where it is not known.
        names: How arms and figures are called; by their own names if left out.
    """

    def called(name: str) -> str:
        return (names or {}).get(name, name)

    if metric not in report.metrics:
        metric = "map"
    by_arm = {c.arm: c for c in compare_arms(report, metric)}
    found = []
    for arm, c in by_arm.items():
        interval = f"{c.difference:+.4f}, 95 % interval {c.low:+.4f} to {c.high:+.4f} over {c.seeds} seeds"
        reference = "the twin without LIR" if c.reference == TWIN else within_sentence(called(c.reference))
        found.append(f"{called(arm)}: {c.verdict} in {called(metric)} over {reference} ({interval}).")
    graph = next((arm for arm in by_arm if _source(arm) == "graph"), None)
    # Without the twin, all were compared with an inferred graph already.
    if graph and by_arm[graph].reference == TWIN:
        for c in compare_arms(report, metric, reference=graph):
            if _source(c.arm) in CONTROLS:
                # Seen from the control's side the signs turn around.
                verdict, _, doubt = c.verdict.partition(", ")
                better = {"gain": "loses to", "loss": "beats"}.get(verdict, "is not told apart from")
                found.append(
                    f"The inferred graph {better} {within_sentence(called(c.arm))}"
                    f"{doubt and f', {doubt}'} ({-c.difference:+.4f}, {-c.high:+.4f} to {-c.low:+.4f})."
                )
    needed = seeds_needed(len(by_arm))
    if len(report.seeds) < needed:
        found.append(
            f"With {len(by_arm)} {'arm' if len(by_arm) == 1 else 'arms'} at least {needed} seeds are needed for the "
            "corrected test to confirm anything."
        )
    return found
