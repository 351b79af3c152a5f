"""A class graph from soft labels, as an estimator."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from avexplore.artifacts import MODALITIES, ClassGraph, FloatArray, GraphStability, IntArray, SoftLabels, split_node
from avexplore.config import GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.data.soft_label_kinds import tell, understand
from avexplore.errors import DataError
from avexplore.estimators.tables import HasClassGraph, fingerprint


class ClassGraphSearch(HasClassGraph, BaseEstimator):
    """Searches the dependencies between class nodes; see `avexplore.graph.learn_class_graph`.

    Args:
        engine, penalty_discount, depth, strategy, iterations: As in `GraphConfig`.
        graph_score, transformation: Its `score` and `transform`, names that scikit-learn keeps for methods.
        kind: What the numbers are, a word of `soft_label_kinds.KINDS`; "auto" tells it from the values, and refuses to
            guess.
        modalities: What a row holds: the classes heard, then the classes seen; or those of one modality.
        bootstraps: How often the search is repeated on resamples, for `stability_`; 0 does not.
        random_state: A whole number: seeds the search and the resamples.

    Attributes:
        graph_: The `ClassGraph` found.
        stability_: Its `GraphStability`; None without bootstraps.
        adjacency_: A[i, j] = 1 for i -> j, both ways for an undirected edge. Shape (p, p), int8.
        nodes_: Names of the p nodes: the columns of a pandas table if they say `audio:X` and `visual:X`, else numbered.
        n_features_in_, feature_names_in_: As in scikit-learn.

    >>> rng = np.random.default_rng(0)
    >>> heard = rng.normal(size=(200, 2))
    >>> seen = heard[:, ::-1] + 0.5 * rng.normal(size=(200, 2))
    >>> search = ClassGraphSearch(kind="logits").fit(np.hstack([heard, seen]))
    >>> sorted((source, target) for source, target, _ in search.graph_.edges())
    [('audio:class_00', 'visual:class_01'), ('audio:class_01', 'visual:class_00')]
    """

    def __init__(
        self,
        *,
        engine: str = "both",
        graph_score: str = "bic",
        transformation: str = "raw",
        penalty_discount: float = 2.0,
        depth: int = 3,
        strategy: str = "perturbed",
        iterations: int = 300,
        kind: str = "auto",
        modalities: tuple[str, ...] = MODALITIES,
        bootstraps: int = 0,
        random_state: int = 0,
    ) -> None:
        self.engine, self.graph_score, self.transformation = engine, graph_score, transformation
        self.penalty_discount, self.depth = penalty_discount, depth
        self.strategy, self.iterations = strategy, iterations
        self.kind, self.modalities, self.bootstraps, self.random_state = kind, modalities, bootstraps, random_state

    def fit(self, X: Any, y: Any = None, *, hard_label: Any = None) -> Self:
        """Search.

        Args:
            X: Soft labels, one row per clip. Shape (n, p), with p = 2C for two modalities.
            y: Not used; there by convention.
            hard_label: Annotated class per clip, for the transformation `class-centered` and the null model of the
                bootstraps. Shape (n,), integers in [0, C).

        Raises:
            ValueError: If the soft labels cannot be searched.
        """
        from avexplore.graph.learn import learn_class_graph
        from avexplore.graph.stability.stability import measure_stability

        values = validate_data(self, X, dtype=np.float64, ensure_min_samples=4)
        labels = self._soft_labels(values, hard_label)
        config = GraphConfig(
            SoftLabelFileConfig(fingerprint(values)),
            engine=self.engine,  # type: ignore[arg-type]
            score=self.graph_score,  # type: ignore[arg-type]
            transform=self.transformation,  # type: ignore[arg-type]
            penalty_discount=float(self.penalty_discount),
            depth=self.depth,
            strategy=self.strategy,  # type: ignore[arg-type]
            iterations=self.iterations,
            seed=self.random_state,
        )
        graph = learn_class_graph(labels, config)
        self.stability_: GraphStability | None = None
        if self.bootstraps:
            stability = StabilityConfig(config, bootstraps=self.bootstraps, seed=self.random_state)
            self.stability_ = _first_nodes(measure_stability(labels, stability), self._nodes)
        self.graph_: ClassGraph = _first_nodes(graph, self._nodes)
        self.adjacency_, self.nodes_ = self.graph_.adjacency, self.graph_.nodes
        return self

    def _soft_labels(self, values: FloatArray, hard_label: Any) -> SoftLabels:
        modalities = tuple(self.modalities)
        if not modalities or not set(modalities) <= set(MODALITIES) or len(set(modalities)) < len(modalities):
            raise DataError(f"{modalities!r} are no modalities", where="modalities", fix=f"Use some of {MODALITIES}")
        if values.shape[1] % len(modalities):
            raise DataError(
                f"{values.shape[1]} columns are not the same classes in both modalities",
                where="soft labels",
                fix='Give the classes heard, then the classes seen, or one modality by modalities=("audio",)',
            )
        classes = self._classes(values.shape[1] // len(modalities), modalities)
        self._nodes = tuple(f"{modality}:{name}" for modality in modalities for name in classes)
        parts = dict(zip(modalities, np.split(values.astype(np.float32), len(modalities), axis=1), strict=True))
        known = tuple(parts.values())
        # A modality that is not there is constant: it takes no part in the search.
        both = parts.get("audio", np.zeros_like(known[0])), parts.get("visual", np.zeros_like(known[0]))
        told = both if len(known) == len(MODALITIES) else (known[0], known[0])
        meaning = understand(tell(told) if self.kind == "auto" else self.kind, told)
        audio, visual = (
            changed if modality in parts else np.zeros_like(changed)
            for modality, changed in zip(MODALITIES, meaning.values, strict=True)
        )
        return SoftLabels(
            audio=audio,
            visual=visual,
            kind=meaning.kind,
            classes=classes,
            split=np.zeros(len(values), np.int8),
            hard_label=_whole(hard_label, len(values), len(classes)),
            normalized=meaning.competing,
        )

    def _classes(self, count: int, modalities: tuple[str, ...]) -> tuple[str, ...]:
        names = getattr(self, "feature_names_in_", None)
        if names is not None and all(":" in name for name in names):
            nodes = [split_node(str(name)) for name in names]
            wanted = [(modality, nodes[k][1]) for modality in modalities for k in range(count)]
            if nodes != wanted:
                raise DataError(
                    "The columns do not list the same classes, modality by modality",
                    where="soft labels",
                    fix="Order them as audio:A, audio:B, ..., visual:A, visual:B, ...",
                )
            return tuple(name for _, name in nodes[:count])
        width = max(2, len(str(count - 1)))
        return tuple(f"class_{k:0{width}d}" for k in range(count))


def _whole(hard_label: Any, n: int, count: int) -> IntArray:
    """Annotated classes, -1 where there are none."""
    if hard_label is None:
        return np.full(n, -1)
    labels = np.asarray(hard_label)
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= count:
        raise DataError(f"Expected {n} whole numbers from 0 to {count - 1}", where="hard_label")
    return labels


def _first_nodes(found: Any, nodes: tuple[str, ...]) -> Any:
    """A graph or a stability over these of its nodes alone, in their order; the others took no part in it."""
    if found.nodes == nodes:
        return found
    place = [found.nodes.index(name) for name in nodes]
    p = len(found.nodes)
    changed: dict[str, Any] = {"nodes": nodes}
    for f in fields(found):
        value = getattr(found, f.name)
        if isinstance(value, np.ndarray) and value.ndim >= 2 and value.shape[-2:] == (p, p):
            changed[f.name] = value[..., place, :][..., place]
    gone = tuple(name for name in found.nodes if name not in nodes)
    changed["warnings"] = tuple(text for text in found.warnings if not text.startswith(gone))
    return replace(found, **changed)
