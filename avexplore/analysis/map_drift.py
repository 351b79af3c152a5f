"""The change between two maps as numbers: for all clips, per class, and for one point's neighbors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import MODALITIES, BoolArray, Embeddings, FloatArray, IntArray, Projection
from avexplore.projection import point_trustworthiness, procrustes_disparity, stack_modalities

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
    # What looks at every pair of points looks at those that were laid out.
    asked = projection.laid_out
    spaces = [stack_modalities(e, projection.rows[:asked]) for e in (loaded.before, loaded.after)]
    maps = [m.reshape(2, -1, 2)[:, :asked].reshape(-1, 2) for m in (projection.before, projection.after)]
    trust = [point_trustworthiness(s, m, k).reshape(2, -1) for s, m in zip(spaces, maps, strict=True)]
    kept = 1.0 - projection.drift.reshape(2, -1)
    rows = []
    for c, name in enumerate(loaded.clips.classes):
        here = labels == c
        if not here.any():
            continue
        few = here[:asked]
        both = np.concatenate([few, few])
        rows.append(
            ClassRow(
                name=name,
                clips=int(here.sum()),
                kept_audio=float(kept[0, here].mean()),
                kept_visual=float(kept[1, here].mean()),
                procrustes=procrustes_disparity(spaces[0][both], spaces[1][both]) if both.any() else np.nan,
                trust_before=_mean(trust[0][:, few]),
                trust_after=_mean(trust[1][:, few]),
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
    allowed = np.repeat([name in candidates for name in MODALITIES], len(rows))
    allowed[point] = False
    places = np.flatnonzero(allowed)
    found = [_products(e, rows, point) for e in (loaded.before, loaded.after)]
    lists = []
    for own, other in zip(found, found[::-1], strict=True):
        near = places[np.argsort(-own[places], kind="stable")[:count]]
        lists.append([Neighbor(p, float(own[p]), _rank(other, allowed, p)) for p in near.tolist()])
    return lists[0], lists[1]


def _products(embeddings: Embeddings, rows: IntArray, point: int) -> FloatArray:
    # The products by which retrieval ranks, within a modality, too: columns of its own would bring its clips together.
    sides, m = embeddings.shared, len(rows)
    query = sides[point // m][rows[point % m]]
    return np.concatenate([side[rows] @ query for side in sides])


def _rank(similarity: FloatArray, allowed: BoolArray, point: int) -> int:
    """Place of a point among those allowed, from 1; ties go to the lower index."""
    own = similarity[point]
    return 1 + int((allowed & (similarity > own)).sum()) + int((allowed & (similarity == own))[:point].sum())
