"""Simpler sources of links than a search, on one scale with it: what a searched graph has to be compared with.

A source says *between which* classes there is a link; *how strong* a link is, says one and the same matrix for all of
them, so that no source is flattered by a scale of its own: the conditional difference P(j | i) - P(j) of the soft
labels, where it is positive. `popularity` is the control that knows nothing of pairs: every class is linked to j as
strongly as classes are on average.

All definitions are ours; graphical lasso: Friedman, Hastie and Tibshirani 2008.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, SoftLabels
from avexplore.errors import ConfigError
from avexplore.graph.evidence.pair_probability import rows_looked_at
from avexplore.graph.inputs.covariance import correlation

Source = Literal[
    "given",
    "correlation",
    "graphical-lasso",
    "conditional-means",
    "every-positive-pair",
    "popularity",
    "random",
    "none",
]
SOURCES: tuple[Source, ...] = get_args(Source)
COUNTED: tuple[Source, ...] = ("correlation", "graphical-lasso", "conditional-means", "random")
"""Those that are asked for a number of links."""
MOST_LASSO = 300
"""Nodes beyond which a graphical lasso takes minutes."""
_STEPS = 10


@dataclass(frozen=True)
class LinkEvidence:
    """What sources of links look at, over p nodes: class nodes, or classes.

    Attributes:
        correlation: Of the soft labels. Shape (p, p).
        strength: max(0, P(j | i) - P(j)), 0 on the diagonal: how strong a link from i to j is, whatever its source.
            Shape (p, p).
    """

    correlation: FloatArray
    strength: FloatArray


def link_evidence(soft_labels: SoftLabels, level: Literal["node", "class"] = "node") -> LinkEvidence:
    """Correlations and conditional differences of the training clips' soft labels.

    P(j | i) is the mean probability of j over clips weighted by their probability of i. Of classes, the correlation is
    the largest over the four pairs of their nodes, the strength the mean.

    Returns:
        Over the 2C class nodes, audio first, or over the C classes.

    >>> said = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    >>> labels = SoftLabels(said, said, "probabilities", ("Bus", "Cat"), np.zeros(4, int), np.zeros(4, int), False)
    >>> link_evidence(labels).strength[0].tolist()  # audio:Bus to visual:Bus: 1 - .25
    [0.0, 0.0, 0.75, 0.0]
    """
    rows = rows_looked_at(soft_labels)
    said = np.concatenate(list(soft_labels.probabilities(rows)), axis=1)
    share = said.mean(axis=0)
    strength = said.T @ said / np.maximum(said.sum(axis=0), 1e-12)[:, None] - share
    np.fill_diagonal(strength, 0.0)
    r = correlation(soft_labels.matrix(rows))
    if level == "class":
        count = len(soft_labels.classes)
        r = r.reshape(2, count, 2, count).max(axis=(0, 2))
        r = (r + r.T) / 2
        strength = strength.reshape(2, count, 2, count).mean(axis=(0, 2))
        np.fill_diagonal(strength, 0.0)
    return LinkEvidence(r, np.maximum(strength, 0.0))


def link_weights(
    source: Source,
    evidence: LinkEvidence,
    *,
    count: int = 0,
    given: BoolArray | None = None,
    where: BoolArray | None = None,
    seed: int = 0,
) -> FloatArray:
    """Links of one source, as strong as `evidence.strength` says.

    - `given`: those of a graph, both ways.
    - `correlation`, `graphical-lasso`: the `count` pairs with the highest (partial) correlation, both ways.
    - `conditional-means`: the 2 `count` strongest links, each with its own direction.
    - `random`: `count` pairs, both ways.
    - `every-positive-pair`: all.
    - `popularity`: the mean of each column of strengths, from every node: no pair information.
    - `none`: no link.

    Args:
        source: See above.
        evidence: Correlations and strengths of p nodes.
        count: How many pairs, for those among `COUNTED`.
        given: For `given`. Shape (p, p), symmetric or not.
        where: Which pairs may be linked, such as those across modalities; None allows all of different nodes.
            Shape (p, p), symmetric.
        seed: Of `random`.

    Returns:
        Row = source of a link. Shape (p, p), >= 0, zeros on the diagonal.

    Raises:
        ConfigError: If the source is not known, or misses what it needs.

    >>> strength = np.array([[0, 0.4, 0.1], [0.2, 0, 0], [0.1, 0, 0]])
    >>> evidence = LinkEvidence(np.array([[1, 0.5, 0.1], [0.5, 1, 0], [0.1, 0, 1]]), strength)
    >>> link_weights("correlation", evidence, count=1).tolist()
    [[0.0, 0.4, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if source not in SOURCES:
        raise ConfigError(f"There is no source {source!r} of links", where="links", fix=f"Use one of {SOURCES}")
    strength = evidence.strength
    allowed = ~np.eye(len(strength), dtype=bool)
    if where is not None:
        allowed &= where
    if source == "none":
        return np.zeros_like(strength)
    if source == "given":
        if given is None:
            raise ConfigError("A graph's links are asked for without a graph", where="links", fix="Give its links")
        return np.where((given | given.T) & allowed, strength, 0.0)
    if source == "every-positive-pair":
        return np.where(allowed, strength, 0.0)
    if source == "popularity":
        others = np.maximum(allowed.sum(axis=0), 1)
        return np.where(allowed, np.where(allowed, strength, 0.0).sum(axis=0) / others, 0.0)
    if source == "conditional-means":
        return np.where(_highest(np.where(allowed, strength, 0.0), 2 * count), strength, 0.0)
    if source == "random":
        scores: FloatArray = np.random.default_rng(seed).random(strength.shape)
    elif source == "correlation":
        scores = evidence.correlation
    else:
        scores = lasso_scores(evidence.correlation, count, allowed)
    pairs = np.where(np.triu(allowed), (scores + scores.T) / 2, 0.0)
    kept = _highest(pairs, count)
    return np.where(kept | kept.T, strength, 0.0)


def _highest(scores: FloatArray, count: int) -> BoolArray:
    """Where the `count` highest positive scores stand; of equal ones, the earlier."""
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")[: max(count, 0)]
    kept = np.zeros(flat.shape, bool)
    kept[order] = flat[order] > 0
    return kept.reshape(scores.shape)


def lasso_scores(r: FloatArray, count: int, where: BoolArray | None = None) -> FloatArray:
    """Partial correlations of the sparsest graphical lasso with at least `count` positive ones, or else of the fullest.

    The penalty is found by bisection, so that other sources can be compared at equal numbers of links. Where even the
    mildest penalty leaves fewer, plain correlation ranks the rest.

    Args:
        r: Correlations. Shape (p, p).
        count: Pairs that are wanted.
        where: Among which pairs; None for all. Shape (p, p), symmetric.

    Returns:
        Of all pairs. Shape (p, p), symmetric, zeros on the diagonal.

    Raises:
        ConfigError: If there are too many nodes.
    """
    from sklearn.covariance import graphical_lasso
    from sklearn.exceptions import ConvergenceWarning

    p = len(r)
    if p > MOST_LASSO:
        raise ConfigError(
            f"A graphical lasso of {p} nodes takes too long", where="links", fix=f"Use at most {MOST_LASSO} nodes"
        )
    firm = 0.98 * r + 0.02 * np.eye(p)  # the correlations of a softmax are singular
    low, high, found, held = np.log(0.001), np.log(0.9), np.zeros((p, p)), 0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                _, precision = graphical_lasso(firm, float(np.exp(middle)), max_iter=30, tol=1e-2, enet_tol=1e-2)
            except FloatingPointError:  # not positive definite: a stronger penalty is
                low = middle
                continue
        root = np.sqrt(np.diagonal(precision))
        partial = -precision / np.outer(root, root)
        np.fill_diagonal(partial, 0.0)
        partial = np.maximum(partial, 0.0)
        links = int(np.count_nonzero(np.triu(partial if where is None else np.where(where, partial, 0.0), 1)))
        if links >= count:
            found, held, low = partial, p * p, middle
        else:
            high = middle
            if links > held:
                found, held = partial, links
    rest = 1e-6 * np.maximum(r, 0.0)
    np.fill_diagonal(rest, 0.0)
    scores: FloatArray = (found + found.T) / 2 + rest
    return scores
