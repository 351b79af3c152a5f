"""Compiled walks down the ranked lists of many queries: sort once, count everything.

A list is sorted by radix over the grid of `ranking.GRID`: two passes of 11 bits, whatever the scores look like.
Tied answers share the precision at the end of their tie, as scikit-learn's average_precision_score has it; so no
figure depends on the order of the clips.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from avexplore.artifacts import FloatArray

_BITS = 11
_BUCKETS = 1 << _BITS
_WORST = 1 << (2 * _BITS)


@njit(cache=True, nogil=True, inline="always")
def _level(score: float) -> int:
    """0 for a cosine of 1, 2^22 for -1: ascending is best first. As `ranking.on_grid` rounds."""
    level = int(np.float32(2097152.0) - np.rint(score * np.float32(2097152.0)))
    return min(max(level, 0), _WORST)


@njit(cache=True, nogil=True)
def sort_row(scores, keys, order, spare_keys, spare_order):  # type: ignore[no-untyped-def]
    """Sorts one row, best first, ties by position.

    Args:
        scores: Cosines. Shape (G,), float32.
        keys: Filled with the sorted levels; equal levels are ties. Shape (G,), int32.
        order: Filled with the positions, best first. Shape (G,), int32.
        spare_keys: Overwritten. Shape (G,), int32.
        spare_order: Overwritten. Shape (G,), int32.
    """
    n = len(scores)
    low = np.zeros(_BUCKETS + 1, np.int32)
    high = np.zeros(_BUCKETS + 2, np.int32)  # one more: the worst level has a bit more
    for g in range(n):
        level = _level(scores[g])
        keys[g] = level
        low[(level & (_BUCKETS - 1)) + 1] += 1
        high[(level >> _BITS) + 1] += 1
    for b in range(_BUCKETS):
        low[b + 1] += low[b]
        high[b + 1] += high[b]
    high[_BUCKETS + 1] += high[_BUCKETS]
    for g in range(n):
        key = keys[g]
        bucket = key & (_BUCKETS - 1)
        at = low[bucket]
        low[bucket] = at + 1
        spare_keys[at] = key
        spare_order[at] = g
    for i in range(n):
        key = spare_keys[i]
        bucket = key >> _BITS
        at = high[bucket]
        high[bucket] = at + 1
        keys[at] = key
        order[at] = spare_order[i]


@njit(cache=True, nogil=True)
def _average_precisions(similarity, query_label, gallery_label, found):  # type: ignore[no-untyped-def]
    """AP of each query of a chunk, relevance by equal label. Shapes (q, G), (q,), (G,), (q,)."""
    q, n = similarity.shape
    keys, order = np.empty(n, np.int32), np.empty(n, np.int32)
    spare_keys, spare_order = np.empty(n, np.int32), np.empty(n, np.int32)
    for i in range(q):
        sort_row(similarity[i], keys, order, spare_keys, spare_order)
        label, hits, total, start = query_label[i], 0, 0.0, 0
        while start < n:
            end, fresh = start, 0
            while end < n and keys[end] == keys[start]:
                if gallery_label[order[end]] == label:
                    fresh += 1
                end += 1
            hits += fresh
            if fresh:
                total += fresh * (hits / end)
            start = end
        found[i] = total / hits if hits else np.nan


@njit(cache=True, nogil=True)
def mark_shared(query, gallery, shares):  # type: ignore[no-untyped-def]
    """Marks which answers share a true class with a query, and counts them. Shapes (words,), (G, words), (G,)."""
    count = 0
    for g in range(len(gallery)):
        shares[g] = False
        for w in range(len(query)):
            if query[w] & gallery[g, w]:
                shares[g] = True
        count += shares[g]
    return count


FIRST = (1, 5, 10)
"""K of the figures that look at the first answers."""
FIRST_FIGURES = 5
"""Columns of what `_first_relevant` fills: hit within each K of `FIRST`, nDCG@10, reciprocal rank."""


@njit(cache=True, nogil=True, inline="always")
def _first_relevant(start, end, fresh, left, found):  # type: ignore[no-untyped-def]
    """One tie of a ranked list, for figures that depend on where relevant answers stand.

    Ranks start + 1 .. end are tied, `fresh` of them relevant; their order is any with equal chance, and every figure
    is its mean over these orders. `left` is the chance that nothing relevant came before; returns what is left of it.
    Adds to found: hit within 1, 5, 10; the discounted gain of the first 10; the reciprocal rank of the first relevant.
    """
    size = end - start
    for k in range(start, min(end, 10)):
        found[3] += fresh / size / np.log2(k + 2.0)
    for k in range(start, end):
        if left <= 0.0:
            break
        behind = size - (k - start)  # of the tie, this rank included
        here = left * min(1.0, fresh / behind)  # the first relevant answer stands just here
        left -= here
        found[4] += here / (k + 1.0)
        if k < 1:
            found[0] += here
        if k < 5:
            found[1] += here
        if k < 10:
            found[2] += here
        if fresh >= behind:
            left = 0.0
    return left


@njit(cache=True, nogil=True, inline="always")
def _ideal_gain(relevant):  # type: ignore[no-untyped-def]
    """Discounted gain of the first 10 answers of a perfect ranking."""
    total = 0.0
    for k in range(min(relevant, 10)):
        total += 1.0 / np.log2(k + 2.0)
    return total


@njit(cache=True, nogil=True)
def _full_walk(  # type: ignore[no-untyped-def]
    similarity, query_label, gallery_label, query_true, gallery_true, scopes, first, own,
    precision, cutoff_ap, in_scope, confusion, any_ap, hidden_ap, recovered, of_clip, of_class,
):  # fmt: skip
    """All figures of a chunk of queries in one walk each.

    `query_true`, `gallery_true`: true classes as bits, (q, words) and (G, words), uint64; 0 words if unknown.
    Fills, per query: precision (AP), cutoff_ap (AP averaged over cut-offs), in_scope (q, S) hits within each scope,
    confusion (q, C) classes of the first `first` answers, any_ap (relevant: shares a true class), hidden_ap (relevant:
    shares a true class under another annotation, same annotations left out), recovered (share of those answers within
    the first R, R = number of answers that share a true class). NaN where nothing is relevant. Within a tie, hits in
    a scope, cut-offs and confusion take the tie's members evenly.
    `own` (q,) is the position of each query's own other half; of_clip (q, 5) is filled with `_first_relevant`'s figures
    where it alone is relevant, of_class (q, 5) where all of one annotation are; nDCG is divided by its best.
    """
    q, n = similarity.shape
    words = query_true.shape[1]
    keys, order = np.empty(n, np.int32), np.empty(n, np.int32)
    spare_keys, spare_order = np.empty(n, np.int32), np.empty(n, np.int32)
    shares = np.empty(n, np.bool_)
    counts = np.zeros(confusion.shape[1], np.int64)
    for i in range(q):
        sort_row(similarity[i], keys, order, spare_keys, spare_order)
        label = query_label[i]
        related = mark_shared(query_true[i], gallery_true, shares)
        hits, any_hits, hidden_hits, others = 0, 0, 0, 0
        total, any_total, hidden_total, within = 0.0, 0.0, 0.0, 0.0
        running, averaged = 0.0, 0.0
        scope, start = 0, 0
        of_clip[i, :], of_class[i, :] = 0.0, 0.0
        clip_left, class_left = 1.0, 1.0
        while start < n:
            end, fresh, any_fresh, hidden_fresh, other_fresh, mine = start, 0, 0, 0, 0, 0
            while end < n and keys[end] == keys[start]:
                g = order[end]
                same = gallery_label[g] == label
                fresh += same
                mine += g == own[i]
                if words:
                    any_fresh += shares[g]
                    if not same:
                        other_fresh += 1
                        hidden_fresh += shares[g]
                if start < first:
                    counts[gallery_label[g]] += 1
                end += 1
            size = end - start
            if mine:
                clip_left = _first_relevant(start, end, mine, clip_left, of_clip[i])
            if fresh and (class_left > 0.0 or start < 10):
                class_left = _first_relevant(start, end, fresh, class_left, of_class[i])
            if start < first:  # the first answers' classes; of a tie across the border, everyone a part
                part = min(size, first - start) / size
                for c in range(len(counts)):
                    confusion[i, c] += counts[c] * part
                    counts[c] = 0
            while scope < len(scopes) and scopes[scope] <= end:
                in_scope[i, scope] = hits + fresh * (scopes[scope] - start) / size
                scope += 1
            if fresh:
                total += fresh * ((hits + fresh) / end)
            step = fresh / size
            for k in range(start, end):  # AP@k, a tie's relevant answers spread evenly over its ranks
                if step:
                    running += step * ((hits + step * (k - start + 1)) / (k + 1))
                seen = hits + step * (k - start + 1)
                if seen > 0:
                    averaged += running / seen
            hits += fresh
            if any_fresh:
                any_total += any_fresh * ((any_hits + any_fresh) / end)
                any_hits += any_fresh
            others += other_fresh
            if hidden_fresh:
                hidden_hits += hidden_fresh
                hidden_total += hidden_fresh * (hidden_hits / others)
                within += hidden_fresh * min(1.0, max(0.0, (related - start) / size))
            start = end
        of_clip[i, 3] /= _ideal_gain(1)
        if hits:
            of_class[i, 3] /= _ideal_gain(hits)
        precision[i] = total / hits if hits else np.nan
        cutoff_ap[i] = averaged / n if n else 0.0
        any_ap[i] = any_total / any_hits if any_hits else np.nan
        hidden_ap[i] = hidden_total / hidden_hits if hidden_hits else np.nan
        recovered[i] = within / hidden_hits if hidden_hits else np.nan


def over_queries(count: int, gallery: int, work: Callable[[int, int], None]) -> None:
    """Calls `work(start, end)` for chunks of queries on several threads; chunks hold at most 32 MiB of similarities."""
    chunk = max(1, min(256, 2**23 // max(1, gallery)))
    spans = [(start, min(count, start + chunk)) for start in range(0, count, chunk)]
    workers = min(8, os.cpu_count() or 1)
    if workers == 1 or len(spans) == 1:
        for span in spans:
            work(*span)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda span: work(*span), spans):
            pass


def average_precisions(
    queries: FloatArray, gallery: FloatArray, query_label: FloatArray, gallery_label: FloatArray
) -> FloatArray:
    """AP per query for unit rows, relevance by equal label; NaN where nothing is relevant. Shape (Q,)."""
    found = np.empty(len(queries), np.float64)

    def work(start: int, end: int) -> None:
        _average_precisions(queries[start:end] @ gallery.T, query_label[start:end], gallery_label, found[start:end])

    over_queries(len(queries), len(gallery), work)
    return found
