from __future__ import annotations

import numpy as np
import pytest

from avexplore.artifacts import Clips, Embeddings
from avexplore.errors import DataError
from avexplore.retrieval.hidden_pairs import hidden_pairs
from avexplore.retrieval.ranking import normalized


def test_is_the_slow_count():
    rng = np.random.default_rng(0)
    n, classes = 40, 4
    labels = rng.integers(classes, size=n)
    true = (rng.random((n, classes)) < 0.25) | np.eye(classes, dtype=bool)[labels]
    shared = {"hard_label": labels, "classes": ("a", "b", "c", "d"), "clip_ids": tuple(map(str, range(n)))}
    clips = Clips(split=np.where(np.arange(n) < 10, 0, 2), true_labels=true, **shared)
    embeddings = Embeddings(*(normalized(rng.normal(size=(n, 6))) for _ in range(2)))
    pairs, recovered = np.zeros((4, 4)), np.zeros((4, 4))
    rows = clips.rows("test")
    for queries, gallery in ((embeddings.audio, embeddings.visual), (embeddings.visual, embeddings.audio)):
        for q in rows:
            order = rows[np.argsort(-(gallery[rows] @ queries[q]), kind="stable")]
            related = [g for g in order if (true[g] & true[q]).any()]
            for place, g in enumerate(order):
                if g in related and labels[g] != labels[q]:
                    pairs[labels[q], labels[g]] += 1
                    recovered[labels[q], labels[g]] += place < len(related)
    found = hidden_pairs(embeddings, clips)
    np.testing.assert_array_equal(found.pairs, pairs)
    np.testing.assert_allclose(found.recovered, recovered)
    with pytest.raises(DataError, match="Only the annotated"):
        hidden_pairs(embeddings, Clips(split=clips.split, **shared))
