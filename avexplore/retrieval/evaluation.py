"""From embeddings to a retrieval report: every figure of one split, over all of its gallery."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from avexplore.artifacts import BoolArray, Clips, Embeddings, FloatArray, IntArray, RetrievalReport
from avexplore.errors import DataError
from avexplore.retrieval import compiled
from avexplore.retrieval.metrics import SCOPES
from avexplore.retrieval.ranking import normalized

_FIRST = 10
"""How many first answers the confusion between classes looks at."""


def mean_average_precision(
    queries: FloatArray, gallery: FloatArray, query_label: IntArray, gallery_label: IntArray
) -> float:
    """MAP of one direction: AP per query over all of the gallery, then the mean. A cosine ranking.

    Args:
        queries: Embeddings of any scale. Shape (Q, d).
        gallery: Embeddings of any scale. Shape (G, d).
        query_label: Shape (Q,).
        gallery_label: Shape (G,).

    Returns:
        In [0, 1]. Queries without a relevant answer count 0; tied answers share the precision at the tie's end.

    >>> mean_average_precision(np.eye(2), np.eye(2), np.array([0, 1]), np.array([0, 1]))
    1.0
    """
    if len(queries) != len(query_label) or len(gallery) != len(gallery_label) or not len(queries):
        raise DataError(
            f"{len(queries)} queries with {len(query_label)} labels, {len(gallery)} answers with {len(gallery_label)}",
            where="mean average precision",
        )
    found = compiled.average_precisions(
        normalized(queries), normalized(gallery), query_label.astype(np.int64), gallery_label.astype(np.int64)
    )
    return float(np.nan_to_num(found).mean())


def retrieval_map(audio: FloatArray, visual: FloatArray, labels: IntArray) -> tuple[float, float]:
    """MAP of audio -> visual and visual -> audio for paired embeddings; what training watches.

    Args:
        audio: Shape (n, d).
        visual: Shape (n, d).
        labels: Annotated classes. Shape (n,).
    """
    return (
        mean_average_precision(audio, visual, labels, labels),
        mean_average_precision(visual, audio, labels, labels),
    )


class Walked(NamedTuple):
    """What one direction's walks found, per query, as `compiled._full_walk` fills it; NaN where nothing is relevant."""

    average_precision: FloatArray
    over_cutoffs: FloatArray
    in_scope: FloatArray
    confusion: FloatArray
    any_label: FloatArray
    hidden_pair: FloatArray
    recovered: FloatArray
    of_clip: FloatArray
    of_class: FloatArray


def figures_of_the_field() -> tuple[str, ...]:
    """Names of the figures that other papers of the field print, in `RetrievalReport.metrics`.

    >>> figures_of_the_field()[:5]
    ('clip_r_at_1', 'clip_r_at_5', 'clip_r_at_10', 'clip_ndcg_at_10', 'clip_mrr')
    """
    each = (*(f"r_at_{k}" for k in compiled.FIRST), "ndcg_at_10", "mrr")
    return tuple(f"{kind}_{name}" for kind in ("clip", "class") for name in each)


def evaluate(embeddings: Embeddings, clips: Clips, split: str = "test") -> RetrievalReport:
    """Every retrieval figure of one split; its clips are the queries and the gallery.

    What the field prints, once with a query's own other half as the only relevant answer ("clip_...", as in
    cross-modal retrieval of instances) and once with all clips of its annotation ("class_..."):

    - r_at_1, r_at_5, r_at_10: share of queries with a relevant answer among the first K. For one relevant answer this
      is recall@K; for classes it is what metric learning calls Recall@K (a hit rate, not the share of all relevant).
    - ndcg_at_10: sum over relevant answers of 1 / log2(rank + 1) among the first ten, over that of a perfect ranking.
    - mrr: mean of 1 / rank of the first relevant answer.

    Of tied answers, any order has equal chance, and a figure is its mean over the orders.

    Besides these and the fields of `RetrievalReport`, where hidden labels are known [ours]:

    - any_label_map: MAP with "shares any true label" as relevance.
    - hidden_pair_ap: AP where only pairs that share a true but unannotated label are relevant and pairs of the same
      annotation are left out, mean over the queries that have such answers.
    - recovered_false_negatives: share of those pairs among a query's first R answers, with R its number of answers
      that share any true label; 1 for a perfect ranking. Mean over the same queries.

    Args:
        embeddings: Of all clips, in their order.
        clips: Labels and splits.
        split: "train", "validation", "test" or "all".

    Returns:
        The report; figures are means of both directions unless their names say otherwise.

    Raises:
        DataError: If embeddings and clips do not fit, or the split is empty.
    """
    if len(embeddings.audio) != len(clips.hard_label):
        raise DataError(
            f"{len(embeddings.audio)} embeddings for {len(clips.hard_label)} clips",
            where="evaluation",
            fix="Evaluate embeddings with the clips that they were computed from",
        )
    rows = clips.rows(split)
    if not len(rows):
        raise DataError(f"The {split} split has no clips", where="evaluation")
    audio, visual = normalized(embeddings.audio[rows]), normalized(embeddings.visual[rows])
    labels = clips.hard_label[rows].astype(np.int64)
    true = None if clips.true_labels is None else clips.true_labels[rows]
    count, scopes = len(clips.classes), np.array([k for k in SCOPES if k <= len(rows)], np.int64)
    both = [_direction(q, g, labels, true, scopes, count) for q, g in ((audio, visual), (visual, audio))]
    precision = np.stack([np.nan_to_num(one.average_precision) for one in both])  # (2, Q)
    per_query = {"map_over_cutoffs": np.stack([one.over_cutoffs for one in both])}
    if true is not None:
        per_query["any_label_map"] = np.nan_to_num([one.any_label for one in both])
        per_query["hidden_pair_ap"] = np.stack([one.hidden_pair for one in both])
        per_query["recovered_false_negatives"] = np.stack([one.recovered for one in both])
    metrics = {
        "map": float(precision.mean()),
        "map_audio_to_visual": float(precision[0].mean()),
        "map_visual_to_audio": float(precision[1].mean()),
    }
    first = np.mean([np.concatenate([one.of_clip, one.of_class], axis=1) for one in both], axis=(0, 1))
    of_the_field = dict(zip(figures_of_the_field(), map(float, first), strict=True))
    means = {name: _mean_of_known(values) for name, values in per_query.items()}
    over_cutoffs = means.pop("map_over_cutoffs")
    metrics |= {"map_over_cutoffs": over_cutoffs} | of_the_field | means  # in the order in which tables print them
    return RetrievalReport(
        metrics=metrics,
        per_class=_by_class(precision, labels, count),
        scopes=scopes,
        precision=np.stack([one.in_scope.mean(0) / np.maximum(scopes, 1) for one in both]),
        confusion=np.mean([_confusion(one.confusion, labels, count) for one in both], axis=0),
        average_precision=precision,
        rows=rows,
        classes=clips.classes,
        per_query=per_query,
    )


def completed(report: RetrievalReport, embeddings: Embeddings, clips: Clips, split: str) -> RetrievalReport:
    """The report itself, with what it lacks where it was stored before 0.2.0.

    Args:
        report: Of `split`.
        embeddings: Those that it is about.
        clips: Labels and splits.
        split: Whose clips ask and answer.
    """
    if report.per_query and set(figures_of_the_field()) <= set(report.metrics):
        return report
    found = evaluate(embeddings, clips, split)
    return replace(report, metrics={**found.metrics, **report.metrics}, per_query=found.per_query)


def _direction(
    queries: FloatArray, gallery: FloatArray, labels: IntArray, true: BoolArray | None, scopes: IntArray, classes: int
) -> Walked:
    n = len(queries)
    bits = np.zeros((n, 0), np.uint64) if true is None else packed(true)
    found = Walked(
        *(np.empty(n), np.empty(n), np.zeros((n, len(scopes))), np.zeros((n, classes)), np.empty(n)),
        *(np.empty(n), np.empty(n), *np.zeros((2, n, compiled.FIRST_FIGURES))),
    )
    own = np.arange(n)

    def work(start: int, end: int) -> None:
        part = slice(start, end)
        similarity, filled = queries[part] @ gallery.T, (column[part] for column in found)
        compiled._full_walk(
            similarity, labels[part], labels, bits[part], bits, scopes, min(_FIRST, n), own[part], *filled
        )

    compiled.over_queries(n, n, work)
    return found


def packed(labels: BoolArray) -> IntArray:
    """Label sets as bits. Shape (n, C), bool -> (n, ceil(C / 64)), uint64.

    >>> packed(np.array([[True, False, True]]))
    array([[5]], dtype=uint64)
    """
    n, count = labels.shape
    padded = np.zeros((n, -(-count // 64) * 64), bool)
    padded[:, :count] = labels
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _mean_of_known(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _by_class(precision: FloatArray, labels: IntArray, classes: int) -> FloatArray:
    """MAP of each class's queries, NaN for none. Shapes (2, Q), (Q,) -> (C, 2)."""
    size = np.bincount(labels, minlength=classes)
    sums = np.stack([np.bincount(labels, weights=one, minlength=classes) for one in precision], axis=1)
    return np.where(size[:, None] > 0, sums / np.maximum(size, 1)[:, None], np.nan)


def _confusion(answers: FloatArray, labels: IntArray, classes: int) -> FloatArray:
    """Mean share of each class among the first answers, by class of the query. Shapes (Q, C), (Q,) -> (C, C)."""
    sums = np.zeros((classes, classes))
    np.add.at(sums, labels, answers)
    total = sums.sum(1, keepdims=True)
    return sums / np.where(total > 0, total, 1.0)
