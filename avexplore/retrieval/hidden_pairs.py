"""Which classes' false negatives are found: pairs that share a true class under different annotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from avexplore.artifacts import Clips, Embeddings, FloatArray, IntArray
from avexplore.errors import DataError
from avexplore.retrieval.compiled import mark_shared, sort_row
from avexplore.retrieval.evaluation import packed
from avexplore.retrieval.ranking import normalized, similarity_chunks


@dataclass(frozen=True)
class HiddenPairs:
    """False negatives by the annotated classes of query and answer, both directions together.

    Attributes:
        pairs: How many there are. Shape (C, C), row = query's class.
        recovered: How many of them rank within their query's first R answers, with R the number of answers that share
            any true class with it; parts where ties cross that border. Shape (C, C).
    """

    pairs: IntArray
    recovered: FloatArray


def hidden_pairs(embeddings: Embeddings, clips: Clips, split: str = "test") -> HiddenPairs:
    """Counts false negatives of one split, and those that are recovered.

    Raises:
        DataError: If hidden labels are not known.
    """
    if clips.true_labels is None:
        raise DataError("Only the annotated label of each clip is known", where="hidden pairs")
    rows, count = clips.rows(split), len(clips.classes)
    audio, visual = normalized(embeddings.audio[rows]), normalized(embeddings.visual[rows])
    labels, bits = clips.hard_label[rows].astype(np.int64), packed(clips.true_labels[rows])
    pairs, recovered = np.zeros((count, count), np.int64), np.zeros((count, count))
    for queries, gallery in ((audio, visual), (visual, audio)):
        for start, similarity in similarity_chunks(queries, gallery, chunk=256):
            part = slice(start, start + len(similarity))
            _count(similarity, labels[part], labels, bits[part], bits, pairs, recovered)
    return HiddenPairs(pairs, recovered)


@njit(cache=True, nogil=True)
def _count(similarity, query_label, gallery_label, query_true, gallery_true, pairs, recovered):  # type: ignore[no-untyped-def]
    """Adds one chunk of queries to `pairs` and `recovered`."""
    q, n = similarity.shape
    keys, order = np.empty(n, np.int32), np.empty(n, np.int32)
    spare_keys, spare_order = np.empty(n, np.int32), np.empty(n, np.int32)
    shares = np.empty(n, np.bool_)
    for i in range(q):
        sort_row(similarity[i], keys, order, spare_keys, spare_order)
        related = mark_shared(query_true[i], gallery_true, shares)
        start = 0
        while start < n:
            end = start
            while end < n and keys[end] == keys[start]:
                end += 1
            part = min(1.0, max(0.0, (related - start) / (end - start)))
            for k in range(start, end):
                g = order[k]
                if shares[g] and gallery_label[g] != query_label[i]:
                    pairs[query_label[i], gallery_label[g]] += 1
                    recovered[query_label[i], gallery_label[g]] += part
            start = end
