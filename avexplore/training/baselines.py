"""Baselines that every table of this field carries: CCA and cluster-CCA."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from avexplore.artifacts import Embeddings, FeatureSet, FloatArray, IntArray, Report, silent
from avexplore.config import BaselineConfig
from avexplore.errors import DataError
from avexplore.training.inputs import fit_inputs

_COMPONENTS = 256
_RIDGES = (0.01, 0.1, 1.0, 10.0)


def baseline_embeddings(features: FeatureSet, config: BaselineConfig, report: Report = silent) -> Embeddings:
    """Linear embeddings by canonical correlation analysis, fitted on the training clips.

    "cca" correlates the two halves of each clip and knows no labels; "cluster-cca" correlates every audio clip of a
    class with every visual clip of that class. Both see whitened inputs; the ridge is the one of four that gives the
    highest validation MAP. The plain cross-entropy net and InfoNCE are students (`StudentConfig.loss`).

    Args:
        features: Clips with features.
        config: Method and size of the embedding; at most as many dimensions as the smaller modality has are made.
        report: Told of progress.

    References:
        Hotelling, Relations between two sets of variates, Biometrika 1936;
        Rasiwasia et al., Cluster Canonical Correlation Analysis, AISTATS 2014.
    """
    rows, held = features.rows("train"), features.rows("validation")
    maps = fit_inputs(features, "whitened", _COMPONENTS)
    audio, visual = maps[0](features.audio).astype(np.float64), maps[1](features.visual).astype(np.float64)
    labels = features.hard_label[rows] if config.method == "cluster-cca" else np.arange(len(rows))
    best: tuple[float, Embeddings] | None = None
    for step, ridge in enumerate(_RIDGES):
        left, right, _ = correlated_directions(audio[rows], visual[rows], labels, config.dim, ridge)
        found = Embeddings(_unit(audio @ left), _unit(visual @ right))
        figure = _validation_map(found, features.hard_label, held) if len(held) else -float(step)
        if best is None or figure > best[0]:
            best = figure, found
        report((step + 1) / len(_RIDGES), f"Ridge {ridge:g}", map_validation=figure)
    assert best is not None
    return best[1]


def correlated_directions(
    audio: FloatArray, visual: FloatArray, groups: IntArray, dim: int, ridge: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Directions along which paired rows correlate most, every audio row paired with every visual row of its group.

    With n_g clips in group g and M = sum of n_g^2 pairs (means over pairs taken off first):

        C_av = 1/M sum_g (sum_{n in g} a_n) (sum_{m in g} v_m)^T,   C_aa = 1/M sum_g n_g sum_{n in g} a_n a_n^T,

    and likewise C_vv; the directions are C_aa^{-1/2} U and C_vv^{-1/2} V with U S V^T = C_aa^{-1/2} C_av C_vv^{-1/2}.
    Groups of one clip each give plain CCA.

    Args:
        audio: Shape (n, d_a).
        visual: Shape (n, d_v).
        groups: Shape (n,), whole numbers.
        dim: How many directions, at most min(d_a, d_v) are given.
        ridge: Added to both covariances, in units of their mean variance.

    Returns:
        Directions (d_a, k) and (d_v, k), and their correlations (k,), falling.

    Raises:
        DataError: If there are fewer than two rows.
    """
    if len(audio) < 2:
        raise DataError("Canonical correlations need at least two training clips", where="baseline")
    _, group, count = np.unique(groups, return_inverse=True, return_counts=True)
    weight = count[group].astype(np.float64)
    weight /= weight.sum()
    a, v = audio - weight @ audio, visual - weight @ visual
    sums_a, sums_v = np.zeros((len(count), a.shape[1])), np.zeros((len(count), v.shape[1]))
    np.add.at(sums_a, group, a)
    np.add.at(sums_v, group, v)
    pairs = float((count.astype(np.float64) ** 2).sum())
    inverse_a, inverse_v = (_inverse_root((x * weight[:, None]).T @ x, ridge) for x in (a, v))
    u, correlations, vt = scipy.linalg.svd(inverse_a @ (sums_a.T @ sums_v / pairs) @ inverse_v, full_matrices=False)
    return inverse_a @ u[:, :dim], inverse_v @ vt[:dim].T, correlations[:dim]


def _inverse_root(covariance: FloatArray, ridge: float) -> FloatArray:
    values, vectors = scipy.linalg.eigh(covariance)
    values = np.maximum(values, 0) + ridge * max(float(values.mean()), 1e-12)
    result: FloatArray = (vectors / np.sqrt(np.maximum(values, 1e-12))) @ vectors.T
    return result


def _unit(values: FloatArray) -> FloatArray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    result: FloatArray = (values / np.maximum(length, 1e-12)).astype(np.float32)
    return result


def _validation_map(embeddings: Embeddings, labels: IntArray, rows: IntArray) -> float:
    import torch

    from avexplore.training.selection import cross_modal_map

    audio, visual = torch.from_numpy(embeddings.audio[rows]), torch.from_numpy(embeddings.visual[rows])
    return float(cross_modal_map(audio, visual, torch.from_numpy(labels[rows].astype(np.int64))))
