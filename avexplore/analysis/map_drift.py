"""The change between two maps as numbers: for all clips, per class, and for one point's neighbors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import Embeddings, FloatArray, IntArray, Projection
from avexplore.projection import nearest, point_trustworthiness, procrustes_disparity, stack_modalities

SAID = {
    "neighbor_overlap": ("Neighbors kept", "Mean share of a point's nearest neighbors in the embedding itself that "
                         "are the same on both sides"),
    "procrustes_embedding": ("Embedding changed", "Procrustes disparity of the embeddings: 0 = the same up to "
                             "rotation, shift and scale"),
    "procrustes": ("Maps differ", "Procrustes disparity of the two maps"),
    "trustworthiness_before": ("Trust, left", "Trustworthiness of the left map: 1 = everything close on "
                               "the map is close in the embedding"),
    "trustworthiness_after": ("Trust, right", "Trustworthiness of the right map"),
}  # fmt: skip


@dataclass(frozen=True)
class ClassRow:
    """One class of the drift table; NaN where it has too few points."""

    name: str
    clips: int
    kept_audio: float
    kept_visual: float
    procrustes: float
    trust_before: float
    trust_after: float


def class_rows(loaded: LoadedRun, projection: Projection) -> list[ClassRow]:
    """Drift per annotated class, most changed first."""
    labels = np.asarray(loaded.clips.hard_label)[projection.rows]
    k = int(projection.metrics["neighbors"])
    spaces = [stack_modalities(e, projection.rows) for e in (loaded.before, loaded.after)]
    maps = (projection.before, projection.after)
    trust = [point_trustworthiness(s, m, k).reshape(2, -1) for s, m in zip(spaces, maps, strict=True)]
    kept = 1.0 - projection.drift.reshape(2, -1)
    rows = []
    for c, name in enumerate(loaded.clips.classes):
        here = labels == c
        if not here.any():
            continue
        both = np.concatenate([here, here])
        rows.append(
            ClassRow(
                name=name,
                clips=int(here.sum()),
                kept_audio=float(kept[0, here].mean()),
                kept_visual=float(kept[1, here].mean()),
                procrustes=procrustes_disparity(spaces[0][both], spaces[1][both]),
                trust_before=_mean(trust[0][:, here]),
                trust_after=_mean(trust[1][:, here]),
            )
        )
    return sorted(rows, key=lambda row: row.kept_audio + row.kept_visual)


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


@dataclass(frozen=True)
class Neighbor:
    """One neighbor in the original space.

    Attributes:
        point: Its point on the maps.
        similarity: Cosine.
        other_rank: Its rank in the other embedding, from 1.
    """

    point: int
    similarity: float
    other_rank: int


def neighbor_lists(
    loaded: LoadedRun, rows: IntArray, point: int, candidates: Sequence[str], count: int = 8
) -> tuple[list[Neighbor], list[Neighbor]]:
    """A point's nearest neighbors in the original space without and with LIR.

    Args:
        loaded: The run.
        rows: Clips on the map.
        point: 0..m-1 audio, m..2m-1 visual.
        candidates: Modalities that neighbors may have.
        count: Length of each list.
    """
    m = len(rows)
    allowed = np.concatenate(
        [np.arange(m) + m * i for i, name in enumerate(("audio", "visual")) if name in candidates] or [np.arange(0)]
    )
    allowed = allowed[allowed != point]
    orders = [_order(e, rows, point, allowed) for e in (loaded.before, loaded.after)]
    lists = []
    for (order, similarity), (other, _) in zip(orders, orders[::-1], strict=True):
        place = {int(p): i + 1 for i, p in enumerate(other)}
        pairs = zip(order[:count], similarity[:count], strict=True)
        lists.append([Neighbor(int(p), float(s), place[int(p)]) for p, s in pairs])
    return lists[0], lists[1]


def _order(embeddings: Embeddings, rows: IntArray, point: int, allowed: IntArray) -> tuple[IntArray, FloatArray]:
    # The products by which retrieval ranks, within a modality, too: columns of its own would bring its clips together.
    points = np.concatenate([part[rows] for part in embeddings.shared])
    order, similarity = nearest(points[allowed], points[point], len(allowed))
    return allowed[order], similarity
