"""The nouns that stages hand over: arrays with names, checked once, at birth.

Each is a frozen dataclass of read-only NumPy arrays, strings and numbers, so that `avexplore.store` can write any of
them as `.npy` files plus JSON, and read them back memory-mapped. Which config made an artifact is the store's
business, not the artifact's.

Conventions: n clips, C classes, p = 2C class nodes in the order `audio:X` for every class, then `visual:X`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from avexplore.errors import DataError, GraphError
from avexplore.large_arrays import not_finite
from avexplore.table_html import table_html

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]


class Report(Protocol):
    """How a stage tells of its progress; all it knows of being watched.

    The callee may raise `avexplore.errors.Cancelled`, which a stage lets through.
    """

    def __call__(self, fraction: float, message: str = "", **figures: float) -> None:
        """`fraction` in [0, 1]; `figures` are points of live curves, such as `epoch=3, loss=0.2`."""


def silent(fraction: float, message: str = "", **figures: float) -> None:
    """A report to nobody."""


MODALITIES = ("audio", "visual")
Modality = Literal["audio", "visual"]
SPLITS = ("train", "validation", "test")
SoftLabelKind = Literal["logits", "scores", "probabilities"]


def class_nodes(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the 2C class nodes.

    >>> class_nodes(("Bus", "Cat"))
    ('audio:Bus', 'audio:Cat', 'visual:Bus', 'visual:Cat')
    """
    return tuple(f"{modality}:{name}" for modality in MODALITIES for name in classes)


@dataclass(frozen=True)
class Artifact:
    """Base: makes arrays read-only and checks them."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                value = value.view()
                value.setflags(write=False)
                object.__setattr__(self, f.name, value)
        self._check()

    def _check(self) -> None:
        """Raise `DataError` or `GraphError` if shapes or meaning do not fit."""


def _require(condition: bool, what: str, *, where: str, fix: str = "") -> None:
    if not condition:
        raise DataError(what, where=where, fix=fix)


def _check_finite(values: FloatArray, where: str, columns: tuple[str, ...] = ()) -> None:
    bad, first = not_finite(values)
    if bad:
        row, *rest = first
        column = rest[0] if rest else 0
        name = f" ({columns[column]})" if columns else ""
        raise DataError(
            f"{bad} value(s) are NaN or infinite, the first in row {row}, column {column}{name}",
            where=where,
            fix="Remove or impute these clips",
        )


@dataclass(frozen=True, kw_only=True)
class Clips(Artifact):
    """What is known of n clips apart from their features; enough for every page and measure.

    Attributes:
        hard_label: Index of the annotated class. Shape (n,), in [0, C).
        classes: Names of the C classes, without repeats.
        split: Index into `SPLITS` per clip. Shape (n,).
        clip_ids: One name per clip.
        true_labels: All true classes, for evaluation only; None where unknown. Shape (n, C), bool.
        true_audio, true_visual: The same per modality, where the source knows it.
        true_graph: Planted class graph in the convention of `ClassGraph.adjacency`; None where unknown.
        media: Path of each clip's video or audio file, "" for none; () if there are no files.
        source: One line on where the data came from and its licence.
        notes: How files were read: what was averaged, left out, or not read at all, in sentences.
        reading: The same as values, by name (`audio_width`, `not_read`, `dropped`, `split_from`, ...); empty where
            nothing was read, or an earlier version read it.
    """

    hard_label: IntArray
    classes: tuple[str, ...]
    split: IntArray
    clip_ids: tuple[str, ...]
    true_labels: BoolArray | None = None
    true_audio: BoolArray | None = None
    true_visual: BoolArray | None = None
    true_graph: IntArray | None = None
    media: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def _check(self) -> None:
        n, count = len(self.hard_label), len(self.classes)
        _require(n > 0, "There are no clips", where="clips")
        _require(count >= 2, f"There are {count} classes", where="classes", fix="A class graph needs at least two")
        _require(len(set(self.classes)) == count, "Class names repeat", where="classes", fix="Give each its own name")
        kind = self.hard_label.dtype
        _require(kind.kind in "iu", f"Labels must be whole numbers, got {kind}", where="hard_label")
        low, high = int(self.hard_label.min()), int(self.hard_label.max())
        in_range = low >= 0 and high < count
        _require(in_range, f"Labels range over {low}..{high} but there are {count} classes", where="hard_label")
        _require(self.split.shape == (n,), f"Expected {n} entries, got shape {self.split.shape}", where="split")
        known = bool(np.isin(self.split, range(len(SPLITS))).all())
        _require(known, "Unknown split", where="split", fix=f"Use indices into {SPLITS}")
        _require(len(self.clip_ids) == n, f"{len(self.clip_ids)} clip ids for {n} clips", where="clip_ids")
        for name in ("true_labels", "true_audio", "true_visual"):
            labels = getattr(self, name)
            fits = labels is None or (labels.shape == (n, count) and labels.dtype == bool)
            _require(fits, f"Expected bool of shape {(n, count)}", where=name)
        if self.true_graph is not None:
            square = self.true_graph.shape == (2 * count, 2 * count)
            _require(square, "Expected one row per class node", where="true_graph")
        _require(self.media == () or len(self.media) == n, "Expected one path per clip", where="media")

    def rows(self, split: str) -> IntArray:
        """Indices of the clips of one split ("train", "validation", "test" or "all")."""
        return np.arange(len(self.split)) if split == "all" else np.flatnonzero(self.split == SPLITS.index(split))


@dataclass(frozen=True, kw_only=True)
class FeatureSet(Clips):
    """Clips with their paired features.

    Attributes:
        audio: Audio features, clip averages, unscaled. Shape (n, d_audio), float32.
        visual: Visual features, clip averages, unscaled. Shape (n, d_visual), float32.
    """

    audio: FloatArray
    visual: FloatArray

    def _check(self) -> None:
        super()._check()
        for name in MODALITIES:
            values = getattr(self, name)
            matrix = values.ndim == 2 and values.shape[1] > 0
            _require(matrix, f"Expected a matrix, got shape {values.shape}", where=name)
            _require(
                len(values) == len(self.hard_label),
                f"{len(values)} {name} rows but {len(self.hard_label)} labels",
                where=name,
                fix="Both modalities and the labels must list the same clips in the same order",
            )
            _require(values.dtype.kind == "f", f"Expected floating-point features, got {values.dtype}", where=name)
            _check_finite(values, name)

    def clips(self) -> Clips:
        """The same clips without their features."""
        return Clips(**{f.name: getattr(self, f.name) for f in fields(Clips)})


@dataclass(frozen=True)
class SoftLabels(Artifact):
    """A teacher's soft labels: n clips x C classes in each modality.

    Attributes:
        audio, visual: Shape (n, C), any floating type.
        kind: "logits" before any squashing (what the graph wants), "scores" of a regression-like head,
            or "probabilities".
        classes: Names of the C classes.
        split: Index into `SPLITS` per clip. Shape (n,).
        hard_label: Index of the annotated class, -1 where unknown. Shape (n,).
        normalized: Whether a clip's classes compete (softmax) rather than stand alone (sigmoid).
        temperature: Per modality, divides logits before they become probabilities (calibration). Shape (2,).
        platt: Platt slope and offset per modality and class, applied instead of the temperature; None without.
            Shape (2, C, 2).
        warnings: What a reader must know, in sentences.
        reading: How a file was understood (`kind`, `independent`, `not_read`, ...); empty where none was read.
    """

    audio: FloatArray
    visual: FloatArray
    kind: SoftLabelKind
    classes: tuple[str, ...]
    split: IntArray
    hard_label: IntArray
    normalized: bool = True
    temperature: FloatArray = field(default_factory=lambda: np.ones(2))
    platt: FloatArray | None = None
    warnings: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def _check(self) -> None:
        shape = (len(self.hard_label), len(self.classes))
        _require(len(set(self.classes)) == len(self.classes), "Class names repeat", where="classes")
        for name in MODALITIES:
            values = getattr(self, name)
            _require(values.shape == shape, f"Expected shape {shape}, got {values.shape}", where=f"soft labels, {name}")
            _require(
                values.dtype.kind == "f", f"Expected floating point, got {values.dtype}", where=f"soft labels, {name}"
            )
            _check_finite(values, f"soft labels, {name}", self.classes)
        _require(self.split.shape == shape[:1], f"Expected {shape[0]} entries", where="split")
        _require(
            self.temperature.shape == (2,) and bool((self.temperature > 0).all()),
            "Expected 2 positive numbers",
            where="temperature",
        )

    @property
    def nodes(self) -> tuple[str, ...]:
        """The 2C class nodes, audio first."""
        return class_nodes(self.classes)

    def matrix(self, rows: IntArray | None = None) -> FloatArray:
        """Soft labels with one column per class node. Shape (n, 2C), float64."""
        chosen = slice(None) if rows is None else rows
        both: FloatArray = np.concatenate([self.audio[chosen], self.visual[chosen]], axis=1).astype(np.float64)
        return both

    def probabilities(self, rows: IntArray | None = None) -> FloatArray:
        """Calibrated probabilities, or scores clipped to [0, 1], of all clips or some. Shape (2, n, C), float64."""
        chosen = slice(None) if rows is None else rows
        stacked: FloatArray = np.stack([self.audio[chosen], self.visual[chosen]]).astype(np.float64)
        if self.kind == "probabilities":
            return stacked
        if self.kind == "scores":
            return stacked.clip(0.0, 1.0)
        if self.platt is not None:
            stacked = stacked * self.platt[:, None, :, 0] + self.platt[:, None, :, 1]
        else:
            stacked = stacked / self.temperature[:, None, None]
        if not self.normalized:
            independent: FloatArray = 1.0 / (1.0 + np.exp(-stacked.clip(-500, 500)))
            return independent
        stacked = np.exp(stacked - stacked.max(axis=2, keepdims=True))
        stacked /= stacked.sum(axis=2, keepdims=True)
        return stacked

    def rows(self, split: str) -> IntArray:
        """Indices of the clips of one split ("train", "validation", "test" or "all")."""
        return np.arange(len(self.split)) if split == "all" else np.flatnonzero(self.split == SPLITS.index(split))


@dataclass(frozen=True)
class History(Artifact):
    """One value per epoch and name ("loss", "metric_loss", "lir", "map_validation", ...), NaN where not measured."""

    columns: Mapping[str, FloatArray] = field(default_factory=dict)

    def _check(self) -> None:
        lengths = {len(values) for values in self.columns.values()}
        _require(len(lengths) <= 1, f"Columns of different lengths {sorted(lengths)}", where="history")


@dataclass(frozen=True)
class TrainedTeacher(Artifact):
    """Soft labels, the weights that gave them, and how well they are calibrated.

    Attributes:
        soft_labels: For all clips, mean logits over the members.
        weights: Parameters by name, "0." prefix for member 0 and so on.
        history: Losses and accuracy per epoch, mean over members.
        calibration: "ece_before", "ece_after" per modality, reliability bins; all plain numbers or arrays.
        quality: Accuracy per modality and split, hidden-label AUC where hidden labels are known.
    """

    soft_labels: SoftLabels
    weights: Mapping[str, NDArray[Any]]
    history: History
    calibration: Mapping[str, NDArray[Any]]
    quality: Mapping[str, float]


@dataclass(frozen=True)
class ClassGraph(Artifact):
    """A graph over class nodes: the paper's ILI, dependencies and not proven causes.

    Attributes:
        nodes: Names `audio:X` and `visual:X`.
        adjacency: CPDAG, A[i, j] = 1 for i -> j; both A[i, j] and A[j, i] for undirected i - j. Shape (p, p), int8.
        score: 2L - c k ln n of the graph over the empty graph's, unit-variance columns; NaN if not from a search.
        effect: Signed standardized coefficient of source i in the regression of j on its parents (undirected edges:
            of one DAG in the class). Shape (p, p), float64; zeros where unknown.
        gain: BIC lost if the edge were removed from its DAG. Shape (p, p); zeros where unknown.
        samples: Number of rows it was learned from, 0 if imported.
        warnings: What would mislead a reader, in sentences.
        rivals: Near-optimal graphs: others within reach of the best score, which the data do not tell apart from it.
            Shape (m, p, p), int8.
        rival_scores: Their scores. Shape (m,).
        source: "search", or where it was imported from.
        shares: What an imported file says of its edges, by name ("bootstraps", "direction", "null", "probability"), in
            [0, 1], NaN where it says nothing. Shape (p, p) each.
    """

    nodes: tuple[str, ...]
    adjacency: IntArray
    score: float = float("nan")
    effect: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    gain: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    samples: int = 0
    warnings: tuple[str, ...] = ()
    rivals: IntArray = field(default_factory=lambda: np.zeros((0, 0, 0), np.int8))
    rival_scores: FloatArray = field(default_factory=lambda: np.zeros(0))
    source: str = "search"
    shares: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        p = len(self.nodes)
        for name in ("effect", "gain"):
            if getattr(self, name).size == 0 and p:
                object.__setattr__(self, name, np.zeros((p, p)))
        super().__post_init__()

    def _check(self) -> None:
        p = len(self.nodes)
        if len(set(self.nodes)) != p:
            raise GraphError("Node names repeat", where="class graph")
        for name in ("adjacency", "effect", "gain"):
            if getattr(self, name).shape != (p, p):
                raise GraphError(
                    f"Expected shape {(p, p)}, got {getattr(self, name).shape}", where=f"class graph, {name}"
                )
        if p and (np.diagonal(self.adjacency).any() or not np.isin(self.adjacency, (0, 1)).all()):
            raise GraphError("Entries must be 0 or 1, with an empty diagonal", where="class graph, adjacency")

    @property
    def skeleton(self) -> BoolArray:
        """Which pairs are adjacent. Shape (p, p), symmetric."""
        return (self.adjacency | self.adjacency.T).astype(bool)

    def edges(self) -> list[tuple[str, str, bool]]:
        """(source, target, directed), undirected edges once, in node order."""
        found = []
        for i, j in np.argwhere(self.adjacency):
            undirected = bool(self.adjacency[j, i])
            if not undirected or i < j:
                found.append((self.nodes[i], self.nodes[j], not undirected))
        return found

    def _repr_html_(self) -> str:
        """The edges whose loss would cost most, classes that come together first, for a notebook."""
        index = {name: i for i, name in enumerate(self.nodes)}
        found = []
        for source, target, directed in self.edges():
            i, j = index[source], index[target]
            effect, gain = (either[i, j] or either[j, i] for either in (self.effect, self.gain))
            edge = f"{plain_name(source)} {'→' if directed else '–'} {plain_name(target)}"
            found.append((effect > 0, gain, [edge, f"{effect:+.2f}" if effect else "", f"{gain:,.0f}" if gain else ""]))
        rows = [row for *_, row in sorted(found, key=lambda edge: edge[:2], reverse=True)]
        arrows = sum(directed for *_, directed in self.edges())
        learned = f", from {self.samples:,} clips" if self.samples else ""
        title = f"Class graph of {len(self.nodes)} nodes and {len(rows)} edges, {arrows} directed{learned}"
        return table_html(title, ["Edge", "Effect", "BIC gain"], rows, (*self.warnings, *_DEPENDENCIES))


_DEPENDENCIES = ("Estimated dependencies, not proven causes.",)


@dataclass(frozen=True)
class GraphStability(Artifact):
    """How far to trust each edge.

    Attributes:
        nodes: Names of the p class nodes.
        edge_frequency: Share of bootstraps in which i and j are adjacent. Shape (p, p), symmetric, in [0, 1].
        orientation_frequency: Share of bootstraps with i -> j, directed. Shape (p, p).
        null_frequency: As `edge_frequency`, under the null model; zeros without one. Shape (p, p).
        effect: Mean signed effect over the bootstraps that hold the edge. Shape (p, p).
        correlation: Correlation of the (transformed) soft labels. Shape (p, p).
        bootstraps: How many were finished.
        shd: Mean and maximum structural Hamming distance between pairs of bootstrap graphs. Shape (2,).
        jaccard: Mean pairwise Jaccard index of skeletons and of directed edges. Shape (2,).
        frobenius: Mean and maximum Frobenius distance between pairs of bootstrap adjacency matrices. Shape (2,).
        null: Name of the null model.
        seed_frequency: Share of search seeds, on the data as they are, that find i and j adjacent. Shape (p, p).
        seed_orientation_frequency: Share of search seeds with i -> j, directed. Shape (p, p).
        seed_shd: Mean and maximum structural Hamming distance between pairs of seeds' graphs. Shape (2,).
        seeds: How many seeds were tried; 0 leaves the three fields above at zero.
        warnings: What would mislead a reader, in sentences.
    """

    nodes: tuple[str, ...]
    edge_frequency: FloatArray
    orientation_frequency: FloatArray
    null_frequency: FloatArray
    effect: FloatArray
    correlation: FloatArray
    bootstraps: int
    shd: FloatArray
    jaccard: FloatArray
    frobenius: FloatArray
    null: str = "none"
    seed_frequency: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    seed_orientation_frequency: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    seed_shd: FloatArray = field(default_factory=lambda: np.zeros(2))
    seeds: int = 0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        p = len(self.nodes)
        for name in ("seed_frequency", "seed_orientation_frequency"):
            if getattr(self, name).size == 0 and p:
                object.__setattr__(self, name, np.zeros((p, p)))
        super().__post_init__()

    def _check(self) -> None:
        p = len(self.nodes)
        matrices = ("edge_frequency", "orientation_frequency", "null_frequency", "effect", "correlation")
        for name in (*matrices, "seed_frequency", "seed_orientation_frequency"):
            if getattr(self, name).shape != (p, p):
                raise GraphError(
                    f"Expected shape {(p, p)}, got {getattr(self, name).shape}", where=f"stability, {name}"
                )

    def _repr_html_(self) -> str:
        """The pairs that come back most often, classes that come together first, for a notebook."""
        pairs = np.argwhere(np.triu(self.edge_frequency > 0, 1))
        frequency, correlation = (each[pairs[:, 0], pairs[:, 1]] for each in (self.edge_frequency, self.correlation))
        pairs = pairs[np.lexsort((-frequency, -frequency * correlation))]
        null = self.null != "none"
        rows = []
        for i, j in pairs:
            shares = [self.edge_frequency[i, j], self.orientation_frequency[i, j], self.orientation_frequency[j, i]]
            shares += [self.null_frequency[i, j]] if null else []
            names = f"{plain_name(self.nodes[i])}, {plain_name(self.nodes[j])}"
            rows.append([names, f"{self.correlation[i, j]:+.2f}", *(f"{share:.0%}" for share in shares)])
        head = ["Pair", "Correlation", "In bootstraps", "→", "←", *(["Under the null"] if null else [])]
        alike = (
            f"Two bootstraps share {self.jaccard[0]:.0%} of their pairs and {self.jaccard[1]:.0%} of their directed "
            f"edges (Jaccard index)."
        )
        title = f"Stability over {self.bootstraps} bootstraps: {len(rows)} pairs come back at least once"
        return table_html(title, head, rows, (alike, *self.warnings, *_DEPENDENCIES))


@dataclass(frozen=True)
class Affinity(Artifact):
    """A-hat: how strongly LIR links a class node to another.

    Attributes:
        nodes: Names of the p class nodes.
        weights: Scaled to a maximum of 1 (all zero if nothing was kept). Shape (p, p), float64, >= 0, where
            weights[i, j] links clips with soft label i to clips with soft label j.
        source: Which kind of weights, as in `AffinityConfig.source`.
        true_pairs: Whether the true label sets are to be used pair by pair instead (a ceiling, not a method).
    """

    nodes: tuple[str, ...]
    weights: FloatArray
    source: str = "graph"
    true_pairs: bool = False

    def _check(self) -> None:
        p = len(self.nodes)
        if self.weights.shape != (p, p):
            raise GraphError(f"Expected shape {(p, p)}, got {self.weights.shape}", where="affinity")
        if p and not (np.isfinite(self.weights).all() and self.weights.min() >= 0 and self.weights.max() <= 1 + 1e-9):
            raise GraphError("Weights must lie in [0, 1]", where="affinity")


@dataclass(frozen=True)
class Embeddings(Artifact):
    """Unit-length embeddings of the same clips in both modalities.

    Attributes:
        audio, visual: Shape (n, d), float32.
        private: So many of the last columns belong to one modality alone (zero in the other): they give a vector its
            unit length where the rest is short because the network is unsure. They take no part in cross-modal
            cosines, and a map of both modalities together leaves them out.
    """

    audio: FloatArray
    visual: FloatArray
    private: int = 0

    def _check(self) -> None:
        _require(self.audio.shape == self.visual.shape, "Modalities differ in shape", where="embeddings")
        for name in MODALITIES:
            _check_finite(getattr(self, name), f"embeddings, {name}")

    def at(self, rows: IntArray) -> Embeddings:
        """Those of some clips, in their order."""
        return Embeddings(self.audio[rows], self.visual[rows], self.private)

    @property
    def shared(self) -> tuple[FloatArray, FloatArray]:
        """Audio and visual in the columns that both have: their products are the cosines that retrieval ranks by."""
        width = self.audio.shape[1] - self.private
        return self.audio[:, :width], self.visual[:, :width]


@dataclass(frozen=True)
class NetworkOutputs(Artifact):
    """What a student's network says of clips, before share, temperature and links make embeddings of it.

    Attributes:
        audio, visual: The metric part at unit length. Shape (n, dim), float32.
        audio_logits, visual_logits: The class heads' outputs. Shape (n, C), float32.
    """

    audio: FloatArray
    visual: FloatArray
    audio_logits: FloatArray
    visual_logits: FloatArray

    def _check(self) -> None:
        _require(self.audio.shape == self.visual.shape, "Modalities differ in shape", where="network outputs")
        heads, clips = self.audio_logits.shape, len(self.audio)
        fits = heads == self.visual_logits.shape and len(heads) == 2 and heads[0] == clips
        _require(fits, f"Class scores of shape {heads} for {clips} clips", where="network outputs")
        for name in ("audio", "visual", "audio_logits", "visual_logits"):
            _check_finite(getattr(self, name), f"network outputs, {name}")

    def at(self, rows: IntArray) -> NetworkOutputs:
        """Those of some clips, in their order."""
        return NetworkOutputs(self.audio[rows], self.visual[rows], self.audio_logits[rows], self.visual_logits[rows])


@dataclass(frozen=True)
class TrainedStudent(Artifact):
    """Embeddings of all clips, and the run that made them.

    Attributes:
        embeddings: Rows follow the `FeatureSet`.
        weights: Parameters and buffers by name.
        history: Losses by term, and MAP on train and validation, per epoch.
        best_epoch: The epoch kept, chosen on validation MAP.
        epochs: How many were run.
        outputs: What the embeddings were read from; None in results of avexplore 0.1.
    """

    embeddings: Embeddings
    weights: Mapping[str, NDArray[Any]]
    history: History
    best_epoch: int
    epochs: int
    outputs: NetworkOutputs | None = None


@dataclass(frozen=True)
class Reading(Artifact):
    """A stored student's embeddings, put together anew; nothing was trained.

    Attributes:
        embeddings: Rows follow the `FeatureSet`.
        share: Share of the class posteriors.
        temperature: Of the class posteriors.
        map_validation: What the two were chosen by: MAP on validation clips, NaN without any.
    """

    embeddings: Embeddings
    share: float
    temperature: float
    map_validation: float


@dataclass(frozen=True)
class TrainState(Artifact):
    """Everything needed to go on bit-identically: parameters, optimizer, generators, best weights, history."""

    tensors: Mapping[str, NDArray[Any]]
    history: History
    epoch: int


_FIGURES = 5
"""So many columns of figures fit a notebook's cell."""
_LEFT_OUT = (("The other figures are in `metrics` and `values`.",), ())


@dataclass(frozen=True)
class RetrievalReport(Artifact):
    """Retrieval figures on one split, cosine ranking over all of the gallery.

    Attributes:
        metrics: Plain figures: "map", "map_audio_to_visual", "map_visual_to_audio", "map_over_cutoffs", since 0.2.0
            those of `retrieval.evaluation.figures_of_the_field`, and where hidden labels are known "any_label_map",
            "hidden_pair_ap", "recovered_false_negatives".
        per_class: By class and direction (0 A->V, 1 V->A): MAP of its queries, NaN for none. Shape (C, 2).
        scopes: K of the precision-scope curves. Shape (S,).
        precision: Precision within the scope, by direction. Shape (2, S).
        confusion: Share of the first 10 answers by annotated class, row = query class, mean of both directions.
            Shape (C, C).
        average_precision: AP per query, by direction. Shape (2, Q).
        rows: Clip index of each query. Shape (Q,).
        classes: Names of the C classes.
        per_query: The other figures of each query by direction, under their names in `metrics`; NaN where nothing is
            relevant. Shape (2, Q) each. Since 0.2.0, before that empty.
    """

    metrics: Mapping[str, float]
    per_class: FloatArray
    scopes: IntArray
    precision: FloatArray
    confusion: FloatArray
    average_precision: FloatArray
    rows: IntArray
    classes: tuple[str, ...]
    per_query: Mapping[str, FloatArray] = field(default_factory=dict)

    def of_clips(self, figure: str) -> FloatArray | None:
        """A figure of each clip; it asks twice, so its two figures are not independent, and their mean is what counts.

        Args:
            figure: A name in `metrics`.

        Returns:
            Shape (Q,), NaN where nothing is relevant in either direction; None where single queries are not known.
        """
        precision = self.average_precision
        of_map = {"map": precision, "map_audio_to_visual": precision[:1], "map_visual_to_audio": precision[1:]}
        found = (of_map | dict(self.per_query)).get(figure)
        if found is None:
            return None
        known = ~np.isnan(found)
        total = np.where(known, found, 0.0).sum(axis=0)
        mean: FloatArray = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
        return mean

    def _repr_html_(self) -> str:
        """All figures, for a notebook."""
        rows = [[name, f"{value:.4f}"] for name, value in self.metrics.items()]
        title = f"Retrieval of {len(self.rows):,} clips in {len(self.classes)} classes"
        return table_html(title, ["Figure", "Value"], rows)


@dataclass(frozen=True)
class ExperimentReport(Artifact):
    """Figures of every arm and seed of an experiment.

    Attributes:
        arms: Names; the twin without LIR first. Length A.
        seeds: Paired across arms. Shape (S,).
        metrics: Names, as in `RetrievalReport.metrics`. Length M.
        values: Shape (A, S, M).
    """

    arms: tuple[str, ...]
    seeds: IntArray
    metrics: tuple[str, ...]
    values: FloatArray

    def _check(self) -> None:
        shape = (len(self.arms), len(self.seeds), len(self.metrics))
        _require(self.values.shape == shape, f"Expected shape {shape}, got {self.values.shape}", where="experiment")

    def _repr_html_(self) -> str:
        """Every arm's figures, means over the seeds, for a notebook."""
        means = self.values.mean(axis=1)
        rows = [
            [arm, *(f"{value:.4f}" for value in line[:_FIGURES])] for arm, line in zip(self.arms, means, strict=True)
        ]
        title = f"Experiment: means over {len(self.seeds)} paired seeds"
        return table_html(title, ["Arm", *self.metrics[:_FIGURES]], rows, _LEFT_OUT[len(self.metrics) <= _FIGURES])


@dataclass(frozen=True)
class SweepReport(Artifact):
    """What a sweep tried, in its order, and the validation figures of every trial.

    Attributes:
        parameters: Names, as `stage.field`. Length P.
        trials: The values of each trial. Length T, each of length P.
        metrics: Names, as in `RetrievalReport.metrics`. Length M.
        values: With LIR, by trial and seed. Shape (T, S, M).
        twins: The same of each student's twin without LIR. Shape (T, S, M).
        objective: The metric that decided.
    """

    parameters: tuple[str, ...]
    trials: tuple[tuple[int | float | str, ...], ...]
    metrics: tuple[str, ...]
    values: FloatArray
    twins: FloatArray
    objective: str

    def _check(self) -> None:
        widths = {len(trial) for trial in self.trials}
        _require(widths <= {len(self.parameters)}, "Trials and parameters do not fit", where="sweep")
        for name in ("values", "twins"):
            shape = getattr(self, name).shape
            fits = len(shape) == 3 and (shape[0], shape[2]) == (len(self.trials), len(self.metrics))
            _require(fits, f"Unexpected shape {shape} of {name}", where="sweep")
        _require(self.objective in self.metrics, f"No {self.objective!r} among the figures", where="sweep")

    def _repr_html_(self) -> str:
        """The trials by what decided, for a notebook."""
        of = self.metrics.index(self.objective)
        with_lir, without = (values[:, :, of].mean(axis=1) for values in (self.values, self.twins))
        order = np.argsort(-with_lir, kind="stable")
        rows = [
            [f"{place}. {', '.join(map(str, self.trials[trial]))}", f"{with_lir[trial]:.4f}", f"{without[trial]:.4f}"]
            for place, trial in enumerate(order, start=1)
        ]
        title = (
            f"Sweep of {', '.join(self.parameters)}: {len(self.trials)} trials by {self.objective} on validation clips"
        )
        return table_html(title, ["Values", "With LIR", "Without"], rows)


@dataclass(frozen=True)
class ExtractedClips(Artifact):
    """What became of each of n clips when features were made of their media files.

    Attributes:
        clip_ids: Their names.
        used: Whether its features are in the file. Shape (n,).
        seconds: What the files claim to hold, and what there was of sound and of picture; NaN where unknown or absent.
            Shape (n, 3).
        notes: Why a clip was left out, or what it lacks; "" if nothing is to be said.
        widths: Numbers per clip, audio and visual.
        features: The file of features.
    """

    clip_ids: tuple[str, ...]
    used: BoolArray
    seconds: FloatArray
    notes: tuple[str, ...]
    widths: tuple[int, ...]
    features: str

    def _check(self) -> None:
        n = len(self.clip_ids)
        fits = self.used.shape == (n,) and self.seconds.shape == (n, 3) and len(self.notes) == n
        _require(fits, "Lengths do not fit", where="extraction")


@dataclass(frozen=True)
class Projection(Artifact):
    """Two maps of the same clips, before and after LIR; rows 0..m-1 audio, m..2m-1 visual.

    Attributes:
        before, after: Coordinates. Shape (2m, 2), float32.
        rows: Clip index of the m clips. Shape (m,).
        metrics: "trustworthiness_before", "trustworthiness_after", "neighbor_overlap", "procrustes"; "laid_out" if
            the first so many clips were laid out and the others placed beside them.
        drift: Per point, 1 - share of its k nearest neighbors in the original space kept. Shape (2m,).
        method: "umap" or "pca".
    """

    before: FloatArray
    after: FloatArray
    rows: IntArray
    metrics: Mapping[str, float]
    drift: FloatArray
    method: str = "umap"

    @property
    def laid_out(self) -> int:
        """How many clips were laid out; they come first."""
        return int(self.metrics.get("laid_out", len(self.rows)))


@lru_cache(8192)
def split_node(name: str) -> tuple[str, str]:
    """Modality and class of a node's name; a name without a modality counts as audio.

    >>> split_node("visual:Train horn")
    ('visual', 'Train horn')
    """
    modality, found, label = name.partition(":")
    return (modality, label) if found and modality in ("audio", "visual") else ("audio", name)


@lru_cache(8192)
def plain_name(name: str) -> str:
    """A node's name as a reader says it.

    >>> plain_name("visual:Train horn")
    'Train horn (visual)'
    """
    modality, label = split_node(name)
    return f"{label} ({modality})"
