"""Ranked answers by cosine similarity: exact in chunks, or by a FAISS index where one is installed.

Cosines are compared on a grid of 2^-21 = 4.8e-7, about the rounding error of a float32 product of 128 numbers: what
lies closer counts as a tie. So equal clips tie whatever way their products were summed up, all but always.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.errors import DataError

GRID = 2.0**21
"""Steps per unit of cosine similarity."""

IndexKind = Literal["exact", "ivf", "hnsw", "auto"]
LARGE = 200_000
"""Galleries up to this many clips are compared exactly unless an index is asked for."""
_BLOCK = 65_536


@dataclass(frozen=True)
class Ranking:
    """The best answers of each query, best first; ties by position in the gallery, lowest first.

    Attributes:
        indices: Positions in the gallery. Shape (Q, k).
        scores: Cosine similarities, on the grid. Shape (Q, k), float32.
    """

    indices: IntArray
    scores: FloatArray


def normalized(vectors: FloatArray) -> FloatArray:
    """Rows scaled to unit length, float32 and contiguous; rows of zeros stay zeros.

    >>> normalized(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    if vectors.ndim != 2:
        raise DataError(f"Expected one row per clip, got shape {vectors.shape}", where="embedding")
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    scaled = vectors / np.where(length > 0, length, 1.0)[:, None]
    return np.ascontiguousarray(scaled, dtype=np.float32)


def on_grid(similarity: FloatArray) -> FloatArray:
    """Similarities rounded to the grid on which they are compared. Same shape, float32.

    >>> bool(on_grid(np.float32([0.5]))[0] == on_grid(np.float32([0.5 + 1e-7]))[0])
    True
    """
    steps = np.rint(similarity * np.float32(GRID)).clip(-GRID, GRID)  # rounding may leave [-1, 1] by a hair
    rounded: FloatArray = (steps / np.float32(GRID)).astype(np.float32, copy=False)
    return rounded


def similarity_chunks(
    queries: FloatArray, gallery: FloatArray, *, chunk: int = 512
) -> Iterator[tuple[int, FloatArray]]:
    """Cosine similarities of unit rows, some queries at a time: (first query, matrix of shape (<= chunk, G))."""
    for start in range(0, len(queries), chunk):
        yield start, queries[start : start + chunk] @ gallery.T


def rank(
    queries: FloatArray,
    gallery: FloatArray,
    k: int | None = None,
    *,
    index: IndexKind = "exact",
    chunk: int = 512,
) -> Ranking:
    """The `k` most similar gallery clips of each query.

    Args:
        queries: Embeddings of any scale. Shape (Q, d).
        gallery: Embeddings of any scale; may be memory-mapped. Shape (G, d).
        k: How many answers; None ranks all of the gallery.
        index: "exact" compares with all of the gallery. "ivf" and "hnsw" build an approximate FAISS index first (see
            `VectorIndex` to keep one). "auto" is exact up to 200,000 clips, "ivf" beyond if FAISS is installed.
        chunk: Queries at a time, to bound memory.

    Returns:
        Best first.

    Raises:
        DataError: If the shapes do not fit, or FAISS is asked for and missing.

    >>> rank(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 0.1], [1.0, 1.0]]), 2).indices
    array([[1, 2]])
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise DataError(
            f"Queries of shape {queries.shape} cannot be compared with a gallery of shape {gallery.shape}",
            where="ranking",
            fix="Both need one row per clip and the same number of columns",
        )
    k = len(gallery) if k is None else min(k, len(gallery))
    if index == "auto":
        index = "ivf" if len(gallery) > LARGE and faiss_installed() else "exact"
    if index != "exact":
        return VectorIndex(gallery, index).rank(queries, k)
    return exact(normalized(queries), normalized(gallery), k, chunk=chunk)


def exact(queries: FloatArray, gallery: FloatArray, k: int, *, chunk: int = 512) -> Ranking:
    """As `rank`, exact, for rows that have unit length already."""
    indices = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    chunk = max(1, min(chunk, 2**26 // max(1, len(gallery))))  # at most 256 MiB of similarities at a time
    for start, similarity in similarity_chunks(queries, gallery, chunk=chunk):
        rows = slice(start, start + len(similarity))
        indices[rows], scores[rows] = _best(similarity, k)
    return Ranking(indices, scores)


def _best(similarity: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The `k` best columns of each row, and their values on the grid."""
    count = similarity.shape[1]
    if k >= count // 4 or not k:
        rounded = on_grid(similarity)
        best = np.argsort(-rounded, axis=1, kind="stable")[:, :k]
        return best, np.take_along_axis(rounded, best, 1)
    # Whatever could reach the k-th best value on the grid lies at most a step below it off the grid.
    reach = np.partition(similarity, count - k, axis=1)[:, count - k] - np.float32(2 / GRID)
    best, scores = np.empty((len(similarity), k), np.int64), np.empty((len(similarity), k), np.float32)
    for row, (values, limit) in enumerate(zip(similarity, reach, strict=True)):
        near = np.flatnonzero(values >= limit)
        rounded = on_grid(values[near])
        order = np.argsort(-rounded, kind="stable")[:k]
        best[row], scores[row] = near[order], rounded[order]
    return best, scores


def faiss_installed() -> bool:
    """Whether FAISS can be imported; everything works without it, large galleries more slowly."""
    return importlib.util.find_spec("faiss") is not None


class VectorIndex:
    """A gallery prepared for many queries, with its recall against the exact answer at hand.

    The gallery is read in blocks and never copied as a whole: memory-mapped embeddings stay on disk.

    Args:
        gallery: Embeddings of any scale; may be memory-mapped. Shape (n, d).
        kind: "exact", "ivf" (inverted lists) or "hnsw" (a navigable graph, which FAISS keeps in memory).
        effort: How much of an approximate index is searched: lists probed, or the breadth of the graph search. `tune`
            chooses it by measured recall.
        rows: Which rows of `gallery` may be answers; None for all. Answers are positions in it. Shape (G,).
        folder: Where an "ivf" index keeps its lists, to be mapped from there; None keeps them in memory. The files
            belong to this object and are no use to another.

    Raises:
        DataError: If FAISS is needed and missing, or the gallery is no matrix.
    """

    def __init__(
        self,
        gallery: FloatArray,
        kind: Literal["exact", "ivf", "hnsw"] = "exact",
        effort: int = 64,
        *,
        rows: IntArray | None = None,
        folder: Path | None = None,
    ) -> None:
        self.kind, self.effort = kind, effort
        self._gallery = _Gallery(gallery, rows)
        self._index: Any = None
        if kind != "exact":
            if not faiss_installed():
                raise DataError(
                    "FAISS is not installed", where=f"index {kind!r}", fix="Install avexplore[faiss], or use 'exact'"
                )
            lists = None
            if folder is not None and kind == "ivf":
                lists = Path(tempfile.mkdtemp(prefix="lists-", dir=folder))
                weakref.finalize(self, shutil.rmtree, lists, ignore_errors=True)
            self._index = _faiss_index(self._gallery, kind, lists)
            self._try(effort)

    def __len__(self) -> int:
        """How many clips may be answers."""
        return len(self._gallery)

    def rank(self, queries: FloatArray, k: int) -> Ranking:
        """The `k` best answers of each query, as `rank` gives them (approximately, unless the index is exact).

        Where an approximate index finds fewer, the list ends with index -1 and score -1.
        """
        k = min(k, len(self))
        if not k:
            return Ranking(np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32))
        unit = normalized(queries)
        if self._index is None:
            return _exact_few(unit, self._gallery, k)
        scores, indices = self._index.search(unit, k)
        scores = on_grid(np.where(indices >= 0, scores, np.float32(-1.0)))
        order = np.lexsort((indices, -scores), axis=1)
        return Ranking(np.take_along_axis(indices, order, 1), np.take_along_axis(scores, order, 1))

    def scores(self, query: FloatArray, positions: IntArray) -> FloatArray:
        """Exact cosines of one query with some of the gallery, on the grid. Shape (len(positions),)."""
        return on_grid(self._gallery.take(positions) @ normalized(query[None])[0])

    def recall(self, queries: FloatArray, k: int = 10) -> float:
        """Share of the exact `k` best answers that this index finds, over these queries; 1 for an exact index."""
        if self._index is None or not len(queries) or not len(self):
            return 1.0
        return self._found(queries, self._exact(queries, k))

    def tune(self, queries: FloatArray, k: int = 10, least: float = 0.995) -> None:
        """Search as little of an approximate index as finds this share of the exact `k` best answers.

        Args:
            queries: Such as will be asked; others tell the recall afterwards. Shape (Q, d).
            k: How many answers count.
            least: The share, in [0, 1]. Where no effort reaches it, all is searched.
        """
        if self._index is None or not len(queries):
            return
        truth, most = self._exact(queries, k), 2 * len(self)
        effort = 1
        self._try(effort)
        while self._found(queries, truth) < least and effort < most:
            effort *= 2
            self._try(effort)

    def _try(self, effort: int) -> None:
        self.effort = effort
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = max(16, effort)
        else:
            self._index.nprobe = min(self._index.nlist, effort)

    def _exact(self, queries: FloatArray, k: int) -> Ranking:
        return _exact_few(normalized(queries), self._gallery, min(k, len(self)))

    def _found(self, queries: FloatArray, truth: Ranking) -> float:
        # A tied answer in another's place is no miss, nor is another rounding: compare by score.
        found, limit = self.rank(queries, truth.scores.shape[1]), truth.scores[:, -1:] - np.float32(2 / GRID)
        return float((found.scores >= limit).mean())


class _Gallery:
    """Rows of a matrix that may be larger than memory, handed over in blocks of unit length."""

    def __init__(self, vectors: FloatArray, rows: IntArray | None = None) -> None:
        if vectors.ndim != 2:
            raise DataError(f"Expected one row per clip, got shape {vectors.shape}", where="gallery")
        if rows is not None and len(rows) and (np.diff(rows) == 1).all():
            # Rows in one piece are looked at where they lie.
            vectors, rows = vectors[int(rows[0]) : int(rows[-1]) + 1], None
        self._vectors, self._rows = vectors, rows
        self.width = vectors.shape[1]
        self._unit = vectors.dtype == np.float32 and all(
            np.abs(np.einsum("ij,ij->i", part, part) - 1.0).max(initial=0.0) < 1e-5 for part in self._raw_blocks()
        )

    def __len__(self) -> int:
        return len(self._vectors if self._rows is None else self._rows)

    def _raw(self, start: int, stop: int) -> FloatArray:
        rows: Any = slice(start, stop) if self._rows is None else self._rows[start:stop]
        return np.asarray(self._vectors[rows])

    def _raw_blocks(self) -> Iterator[FloatArray]:
        for start in range(0, len(self), _BLOCK):
            yield self._raw(start, start + _BLOCK)

    def part(self, start: int, stop: int) -> FloatArray:
        """Positions `start` to `stop`. Shape (<= stop - start, d), float32."""
        found = self._raw(start, stop)
        return found if self._unit else normalized(found)

    def take(self, positions: IntArray) -> FloatArray:
        """Some positions, in their order. Shape (len(positions), d), float32."""
        rows = positions if self._rows is None else self._rows[positions]
        return normalized(np.asarray(self._vectors[rows]))


def _exact_few(queries: FloatArray, gallery: _Gallery, k: int, *, block: int = _BLOCK) -> Ranking:
    """As `exact`, going through the gallery in blocks: for few queries and many clips."""
    asked = len(queries)
    indices = [np.zeros(0, np.int64)] * asked
    scores = [np.zeros(0, np.float32)] * asked
    least = np.full(asked, -np.inf, np.float32)  # what lies below is no answer any more
    for start in range(0, len(gallery), block):
        similarity = queries @ gallery.part(start, start + block).T
        for query, values in enumerate(similarity):
            near = np.flatnonzero(values >= least[query])
            if not len(near):
                continue
            best, rounded = _best(values[near][None], min(k, len(near)))
            indices[query] = np.concatenate([indices[query], start + near[best[0]]])
            scores[query] = np.concatenate([scores[query], rounded[0]])
            order = np.argsort(-scores[query], kind="stable")[:k]  # earlier blocks hold lower positions
            indices[query], scores[query] = indices[query][order], scores[query][order]
            if len(order) == k:
                least[query] = scores[query][-1] - np.float32(2 / GRID)
    return Ranking(np.stack(indices), np.stack(scores))


def _faiss_index(gallery: _Gallery, kind: str, folder: Path | None) -> Any:
    import faiss

    count, dim = len(gallery), gallery.width
    if kind == "hnsw":
        graph = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = 80
        for start in range(0, count, _BLOCK):
            graph.add(np.ascontiguousarray(gallery.part(start, start + _BLOCK)))
        return graph
    lists = int(max(1, min(count, 4096, np.sqrt(count))))
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists, faiss.METRIC_INNER_PRODUCT)
    # Ten rounds of k-means on 64 clips a list: half a minute less than the default, for the same recall.
    inverted.cp.seed, inverted.cp.min_points_per_centroid, inverted.cp.niter = 0, 1, 10
    rng = np.random.default_rng(0)
    wanted = np.sort(rng.choice(count, min(count, 64 * lists), replace=False))
    inverted.train(gallery.take(wanted))
    if folder is None:
        for start in range(0, count, _BLOCK):
            inverted.add(np.ascontiguousarray(gallery.part(start, start + _BLOCK)))
    else:
        _lists_on_disk(inverted, gallery, folder)
    return cast(Any, inverted)


def _lists_on_disk(inverted: Any, gallery: _Gallery, folder: Path) -> None:
    """Fill a trained index in parts, then let it read all its lists from one mapped file.

    As `faiss.contrib.ondisk.merge_ondisk`, which keeps the parts' files open and prints.
    """
    import faiss as typed

    faiss: Any = typed  # its stubs lack most of this
    parts = []
    for start in range(0, len(gallery), 2 * _BLOCK):
        vectors = np.ascontiguousarray(gallery.part(start, start + 2 * _BLOCK))
        inverted.add_with_ids(vectors, np.arange(start, start + len(vectors)))
        parts.append(folder / f"part-{start}.faiss")
        faiss.write_index(inverted, str(parts[-1]))
        inverted.reset()
    pieces = faiss.InvertedListsPtrVector()
    opened = [faiss.read_index(str(part), faiss.IO_FLAG_MMAP) for part in parts]
    for piece in opened:
        pieces.push_back(piece.invlists)
    merged = faiss.OnDiskInvertedLists(inverted.nlist, inverted.code_size, str(folder / "all.lists"))
    merged.prefetch_nthread = 0  # its threads cost more than they fetch
    inverted.ntotal = merged.merge_from_multiple(pieces.data(), pieces.size(), False)
    inverted.replace_invlists(merged, True)
    merged.this.disown()
    del opened
    for part in parts:
        part.unlink()
