"""What each figure of a report is made from, and how: a list of configs, and a function of their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from avexplore.analysis.graph_verdict import verdict
from avexplore.artifacts import Clips, FloatArray, GraphStability, RetrievalReport, TrainedStudent
from avexplore.config import ClipsConfig, Config, EvaluationConfig, StudentConfig, TeacherConfig, override
from avexplore.errors import ConfigError
from avexplore.experiments.arms import reseeded
from avexplore.experiments.sweep import TRAIN_FRACTIONS, start_epochs
from avexplore.graph.evidence.pair_probability import limits, pair_probability
from avexplore.pipeline import soft_labels
from avexplore.reporting.figures import Curve, Curves, Figure, Heat
from avexplore.retrieval.significance import interval, paired_difference

Get = Callable[[Config], Any]
NEIGHBORS = tuple(range(1, 8))
"""The k of AADML's ablation."""
_MOST_NODES = 60
_MOST_EDGES = 40
_WITH, _WITHOUT = "with LIR", "without LIR"
SPLITS: tuple[Literal["train", "validation", "test"], ...] = ("train", "validation", "test")


def students(student: StudentConfig, seeds: int) -> list[StudentConfig]:
    """The student with each seed, its teacher too."""
    return [reseeded(student, seed, vary_teacher=True) for seed in range(seeds)]


# --- which results ------------------------------------------------------------------------------------------------


def _starting(student: StudentConfig, epoch: int) -> StudentConfig:
    return student.replace(regularizer=student.lir.replace(start_epoch=epoch))


def _pairs(family: Sequence[StudentConfig]) -> list[StudentConfig]:
    return [one for student in family for one in (student.twin, student)]


def _start_epoch_parts(family: Sequence[StudentConfig]) -> list[Config]:
    started: list[Config] = [_starting(s, epoch) for s in family for epoch in start_epochs(s)]
    return [*(s.twin for s in family), *started]


def _graph_parts(family: Sequence[StudentConfig]) -> list[Config]:
    """One graph for each teacher; soft labels from a file have one for all seeds."""
    return list(dict.fromkeys(s.lir.affinity.stability for s in family))


def _scope_parts(family: Sequence[StudentConfig]) -> list[Config]:
    return [EvaluationConfig(one) for one in _pairs(family)]


def _with_neighbors(student: StudentConfig, k: int) -> StudentConfig:
    return student.twin.replace(proxies="aadml", neighbors=k)


def _neighbor_parts(family: Sequence[StudentConfig]) -> list[Config]:
    return [
        EvaluationConfig(one)
        for s in family
        for one in (s.twin.replace(proxies="none"), *(_with_neighbors(s, k) for k in NEIGHBORS))
    ]


def _with_clips(student: StudentConfig, fraction: float) -> StudentConfig:
    return override(student, {student.data.stage: {"train_fraction": fraction}})


def _training_sizes(student: StudentConfig) -> dict[str, Callable[[float], StudentConfig]]:
    """The four curves over the number of training clips."""
    plain = student.replace(proxies="none")
    aware = student.replace(proxies="aadml")
    return {
        _WITHOUT: lambda f: _with_clips(plain.twin, f),
        _WITH: lambda f: _with_clips(plain, f),
        "anchor-aware proxies, without LIR": lambda f: _with_clips(aware.twin, f),
        "anchor-aware proxies, with LIR": lambda f: _with_clips(aware, f),
    }


def _size_parts(family: Sequence[StudentConfig]) -> list[Config]:
    if not isinstance(family[0].soft_labels, TeacherConfig):
        return []
    models = [make(f) for s in family for make in _training_sizes(s).values() for f in TRAIN_FRACTIONS]
    return [part for model in models for part in (EvaluationConfig(model), ClipsConfig(model.data))]


# --- from results to figures --------------------------------------------------------------------------------------


def _over_seeds(name: str, x: FloatArray, values: FloatArray, *, dashed: bool = False) -> Curve:
    """Mean over seeds with its 95 % interval. `values`: shape (seeds, n)."""
    found = [interval(column) for column in values.T]
    low, high = (np.array([getattr(one, side) for one in found]) for side in ("low", "high"))
    known = len(values) > 1
    none = np.zeros(0)
    mean = np.array([one.mean for one in found])
    return Curve(name, x, mean, low if known else none, high if known else none, dashed)


def _history(trained: Sequence[TrainedStudent], column: str, name: str, *, dashed: bool = False) -> list[Curve]:
    """A column of the histories over the epochs that were measured in all of them, mean over seeds; [] of none."""
    if any(column not in one.history.columns for one in trained):
        return []
    values = np.array([one.history.columns[column] for one in trained], np.float64)
    measured = np.flatnonzero(np.isfinite(values).all(axis=0))
    if not len(measured):
        return []
    # Bands of many lines hide each other: the interval is left to the figures at the end of the training.
    return [Curve(name, measured + 1.0, values[:, measured].mean(axis=0), dashed=dashed)]


def _map_by_start_epoch(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    curves = _history([get(s.twin) for s in family], "map_validation", _WITHOUT, dashed=True)
    starts = start_epochs(family[0])
    for epoch in starts:
        trained = [get(_starting(s, epoch)) for s in family]
        curves += _history(trained, "map_validation", f"LIR from epoch {epoch}")
    return [
        Curves(
            "map-by-start-epoch",
            "MAP over epochs, by the epoch at which LIR starts",
            f"Validation clips, mean of {_seeds(family)}. The papers' start epochs {{300, ..., 900}} of 1000, scaled "
            f"to the {family[0].epochs} epochs here; shown from the first of them on, all epochs are in the CSV. Test "
            "clips are not looked at while training.",
            "epoch",
            "MAP, validation clips",
            curves,
            view=_from_epoch(curves, starts[0]) if starts else None,
        )
    ]


def _from_epoch(curves: Sequence[Curve], epoch: int) -> tuple[float, float, float, float] | None:
    """The view from an epoch on: before it all curves are one, and their rise would press what follows flat."""
    shown = [curve.y[curve.x >= epoch] for curve in curves]
    if not any(len(values) for values in shown):
        return None
    values = np.concatenate(shown)
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.01
    return float(epoch), float(max(curve.x.max() for curve in curves)), low - margin, high + margin


def _edge_frequency(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    found: list[GraphStability] = [get(part) for part in _graph_parts(family)]
    frequency = np.array([one.edge_frequency for one in found])
    nodes, mean = found[0].nodes, frequency.mean(axis=0)
    order = np.sort(np.argsort(-mean.sum(axis=1), kind="stable")[:_MOST_NODES])
    shown = [nodes[i] for i in order]
    bootstraps = family[0].lir.affinity.stability.bootstraps
    cut = "" if len(order) == len(nodes) else f" The {len(order)} of {len(nodes)} nodes with the most edges."
    apart = ""
    if len(found) > 1:
        apart = (
            f", mean of {len(found)} teachers. Mean Frobenius distance between two teachers' matrices: "
            f"{_frobenius(frequency):.2f}"
        )
    whole = Heat(
        "edge-frequency",
        "How often two class nodes are linked",
        f"Share of {bootstraps} bootstraps in which two nodes are adjacent{apart}.{cut} A link is an estimated "
        "dependency, not a proven cause.",
        shown,
        shown,
        mean[np.ix_(order, order)],
        "edge frequency",
    )
    return [whole, *_disputed_edges(nodes, frequency)]


def _disputed_edges(nodes: Sequence[str], frequency: FloatArray) -> list[Figure]:
    """The edges on which teachers differ most, if any; those on which all agree would be rows of one color.

    Args:
        nodes: Names.
        frequency: By teacher. Shape (m, p, p).
    """
    one, two = np.triu_indices(len(nodes), 1)
    edges = frequency[:, one, two]
    usual = edges >= 0.5
    some, every = int(usual.any(axis=0).sum()), int(usual.all(axis=0).sum())
    apart = edges.max(axis=0) - edges.min(axis=0)
    chosen = np.argsort(-apart, kind="stable")[:_MOST_EDGES]
    chosen = chosen[apart[chosen] > 0]
    if not len(chosen):
        return []
    disputed = Heat(
        "edge-frequency-by-teacher",
        "The links on which teachers differ most",
        f"{every} of the {some} links that any teacher's graphs have in half of the bootstraps are in half of every "
        "teacher's. What one teacher finds and another does not is the teacher's luck, not the data's.",
        [f"{nodes[one[e]]} – {nodes[two[e]]}" for e in chosen],
        [f"teacher {seed}" for seed in range(len(frequency))],
        edges[:, chosen].T,
        "edge frequency",
    )
    return [disputed]


def _frobenius(matrices: FloatArray) -> float:
    """Mean distance between pairs of matrices. Shape (m, p, p)."""
    one, two = np.triu_indices(len(matrices), 1)
    return float(np.linalg.norm(matrices[one] - matrices[two], axis=(1, 2)).mean()) if len(one) else 0.0


def _pair_parts(family: Sequence[StudentConfig]) -> list[Config]:
    """All of the first teacher's."""
    stability = family[0].lir.affinity.stability
    source = stability.graph.soft_labels
    clips: list[Config] = [ClipsConfig(source.data)] if isinstance(source, TeacherConfig) else []
    return [source, stability.graph, stability, *clips]


def _class_pairs(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    """How probable it is that two classes come together; none of fewer than four classes."""
    stability = family[0].lir.affinity.stability
    source = stability.graph.soft_labels
    known = pair_probability(soft_labels(source, get))
    if not np.isfinite(known.probability).any():
        return []
    clips = get(ClipsConfig(source.data)) if isinstance(source, TeacherConfig) else None
    remarks = verdict(get(stability.graph), get(stability), clips=clips, config=stability.graph, probability=known)
    said = " ".join(remark.text for remark in remarks if remark.level != "note")
    values = np.nan_to_num(known.probability)
    order = np.sort(np.argsort(-values.sum(axis=1), kind="stable")[:_MOST_NODES])
    shown = [known.classes[k] for k in order]
    return [
        Heat(
            "class-pairs",
            "How probable it is that two classes come together",
            f"By the soft labels of the first teacher; {known.probably_true:.2f} and more is probably true. {limits()} "
            f"Is its class graph right? {said}",
            shown,
            shown,
            values[np.ix_(order, order)],
            "probability",
        )
    ]


def _precision_scope(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    curves = []
    for name, models in ((_WITHOUT, [s.twin for s in family]), (_WITH, list(family))):
        reports: list[RetrievalReport] = [get(EvaluationConfig(one)) for one in models]
        values = np.array([report.precision.mean(axis=0) for report in reports])
        curves.append(_over_seeds(name, reports[0].scopes.astype(float), values, dashed=name == _WITHOUT))
    return [
        Curves(
            "precision-scope",
            "Precision within the first K answers",
            f"Test clips, mean of both directions and {_seeds(family)}. Bands: 95 % intervals over seeds of each line "
            "alone; the paired difference is surer than the bands look.",
            "K",
            "precision-scope@K",
            curves,
            log_x=True,
        )
    ]


def _map_by_neighbors(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    def figures(models: Sequence[StudentConfig]) -> list[float]:
        return [get(EvaluationConfig(model)).metrics["map"] for model in models]

    x = np.array(NEIGHBORS, float)
    table = np.array([figures([_with_neighbors(s, k) for s in family]) for k in NEIGHBORS]).T
    plain = np.repeat(np.array(figures([s.twin.replace(proxies="none") for s in family]))[:, None], len(x), axis=1)
    return [
        Curves(
            "map-by-neighbors",
            "MAP against the number of samples behind an anchor-aware score",
            f"Test clips, {_seeds(family)}, students without LIR. Bands: 95 % intervals over seeds.",
            "k, nearest samples of the anchor",
            "MAP, test clips",
            [_over_seeds("anchor-aware proxies", x, table), _over_seeds("no proxies", x, plain, dashed=True)],
        )
    ]


def _map_by_training_clips(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    if not isinstance(family[0].soft_labels, TeacherConfig):
        return []  # soft labels from a file are of all its clips

    def clips(fraction: float) -> int:
        found: Clips = get(ClipsConfig(_with_clips(family[0], fraction).data))
        return len(found.rows("train"))

    x = np.array([clips(fraction) for fraction in TRAIN_FRACTIONS], float)
    curves = []
    for name in _training_sizes(family[0]):
        table = [
            [get(EvaluationConfig(_training_sizes(s)[name](f))).metrics["map"] for f in TRAIN_FRACTIONS] for s in family
        ]
        curves.append(_over_seeds(name, x, np.array(table), dashed="without" in name))
    return [
        Curves(
            "map-by-training-clips",
            "MAP against the number of training clips",
            f"Test clips, {_seeds(family)}; teacher, graph and students learn from the same part of the training "
            "clips, of each class the same share. Bands: 95 % intervals over seeds.",
            "training clips",
            "MAP, test clips",
            curves,
            log_x=True,
        )
    ]


def _losses(family: Sequence[StudentConfig], get: Get) -> list[Figure]:
    both = ((_WITHOUT, [get(s.twin) for s in family]), (_WITH, [get(s) for s in family]))
    columns = [c for c in both[1][1][0].history.columns if "map" not in c and not c.startswith(("_", "epoch"))]

    def curves(column: str, words: str) -> list[Curve]:
        return [c for n, trained in both for c in _history(trained, column, f"{words}, {n}", dashed=n == _WITHOUT)]

    losses = [curve for column in columns for curve in curves(column, column.replace("_", " "))]
    maps = [curve for split in ("train", "validation") for curve in curves(f"map_{split}", f"{split} clips")]
    start = family[0].lir.start_epoch
    note = f"Mean of {_seeds(family)}. LIR starts at epoch {start}; up to there both are the same training."
    return [
        Curves("losses", "Losses over epochs", note, "epoch", "loss", losses),
        Curves(
            "map-over-epochs",
            "MAP over epochs, on clips that are trained on and on others",
            f"{note} Training clips: a sample. Test clips are not looked at while training; their MAP is in the table.",
            "epoch",
            "MAP",
            maps,
        ),
    ]


def _seeds(family: Sequence[StudentConfig]) -> str:
    return "1 seed" if len(family) == 1 else f"{len(family)} seeds"


FIGURES: Mapping[
    str,
    tuple[
        Callable[[Sequence[StudentConfig]], Sequence[Config]],
        Callable[[Sequence[StudentConfig], Get], list[Figure]],
    ],
] = {
    "start-epoch": (_start_epoch_parts, _map_by_start_epoch),
    "edges": (_graph_parts, _edge_frequency),
    "class-pairs": (_pair_parts, _class_pairs),
    "precision-scope": (_scope_parts, _precision_scope),
    "neighbors": (_neighbor_parts, _map_by_neighbors),
    "training-size": (_size_parts, _map_by_training_clips),
    "losses": (_pairs, _losses),
}
"""By name: which results a figure needs, and how it is made from them."""


def needed(student: StudentConfig, seeds: int, chosen: Sequence[str]) -> list[Config]:
    """Every result that the chosen figures and the table are made from, each once.

    Raises:
        ConfigError: If there is no such figure, or the student has no LIR.
    """
    if student.regularizer is None:
        raise ConfigError("A report compares a student with its twin, and this one has no LIR", where="report")
    if unknown := set(chosen) - set(FIGURES):
        raise ConfigError(f"There is no figure {sorted(unknown)[0]!r}", where="report", fix=f"Use {', '.join(FIGURES)}")
    family = students(student, seeds)
    parts = [part for name in chosen for part in FIGURES[name][0](family)]
    parts.extend(EvaluationConfig(one, split) for one in _pairs(family) for split in SPLITS)
    return list({part.address: part for part in parts}.values())


FinalFigure = tuple[str, str, float, float, float, float, float]
"""(figure, clips, without, with, difference, low, high): means over seeds, interval of the paired differences."""


def final_figures(family: Sequence[StudentConfig], get: Get) -> list[FinalFigure]:
    """Every figure at the end of the training, on the clips of each split."""
    rows: list[FinalFigure] = []
    for split in SPLITS:
        both = [[get(EvaluationConfig(m, split)).metrics for m in (s.twin, s)] for s in family]
        for name in both[0][0]:
            if not all(name in figures for pair in both for figures in pair):  # a report from before 0.2.0 has fewer
                continue
            before, after = ([pair[k][name] for pair in both] for k in (0, 1))
            change = paired_difference(after, before)
            means = (float(np.mean(before)), float(np.mean(after)))
            rows.append((name, split, *means, change.mean, change.low, change.high))
    return rows
