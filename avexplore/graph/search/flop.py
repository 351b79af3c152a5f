"""FLOP (fast learning of order and parents) behind the same seam as our own search, as a second opinion.

Its package, flopsearch, is an extra of ours (MPL-2.0). It takes data instead of correlations, knows no knowledge, and
draws random numbers that cannot be seeded.

References:
    Wienöbst, Henckel, Weichwald 2025, Embracing discrete search: a reasonable approach to causal structure learning,
    arXiv:2510.04970.
"""

from __future__ import annotations

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report, silent
from avexplore.errors import GraphError

NOTE = "FLOP draws random numbers that cannot be seeded: searched again, it may find another graph."

ITERATIONS_PER_RESTART = 15
"""300 iterations, the default, are the 20 restarts of its authors' examples and more."""


def restarts_of(strategy: str, iterations: int) -> int:
    """How often FLOP perturbs its best order.

    >>> restarts_of("single", 300), restarts_of("perturbed", 300)
    (0, 20)
    """
    return 0 if strategy == "single" else max(1, iterations // ITERATIONS_PER_RESTART)


def search(
    correlation: FloatArray,
    samples: int,
    *,
    penalty_discount: float = 2.0,
    restarts: int = 20,
    seed: int = 0,
    forbidden: BoolArray | None = None,
    required: BoolArray | None = None,
    seconds: float | None = None,
    report: Report = silent,
) -> IntArray:
    """A DAG of the equivalence class that FLOP finds. Shape (p, p), int8.

    Args:
        correlation: Shape (p, p).
        samples: Rows behind it.
        penalty_discount: c; FLOP's BIC is ours.
        restarts: Perturbations of the best order.
        seed: Of the stand-in data only; no matter to what FLOP can see.
        forbidden, required: Must be empty.
        seconds: Stop after so long with what there is then; None waits.
        report: Called before and after: FLOP cannot be watched.

    Raises:
        GraphError: If flopsearch is missing, or something is required or forbidden.
    """
    for mask in (forbidden, required):
        if mask is not None and mask.any():
            raise GraphError("FLOP keeps no knowledge", where="engine", fix="Choose another engine, or drop the rules")
    try:
        import flopsearch
    except ImportError:
        raise GraphError(
            "FLOP is not installed", where="engine", fix="Run `pip install 'avexplore[flop]'`, or choose another engine"
        ) from None
    from avexplore.graph.algebra.cpdag import consistent_dag

    report(0.0, "FLOP is searching")
    found = flopsearch.flop(data_with(correlation, samples, seed), penalty_discount, restarts=restarts, timeout=seconds)
    report(1.0, "FLOP has searched")
    return consistent_dag((np.asarray(found) > 0).astype(np.int8))


def data_with(correlation: FloatArray, samples: int, seed: int) -> FloatArray:
    """Rows whose correlations are exactly these, which is all that a Gaussian BIC sees of them.

    With orthonormal columns Q of mean 0 and R = L L', the correlations of Q L' are R.

    Args:
        correlation: Shape (p, p).
        samples: n, more than p.
        seed: Draws Q.

    Returns:
        Shape (n, p); columns of mean 0 and variance 1.

    Raises:
        GraphError: If there are not more rows than columns.

    >>> R = np.array([[1.0, 0.6], [0.6, 1.0]])
    >>> np.corrcoef(data_with(R, 50, 0), rowvar=False).round(9).tolist()
    [[1.0, 0.6], [0.6, 1.0]]
    """
    p = len(correlation)
    if samples <= p:
        raise GraphError(f"FLOP needs more clips than classes, got {samples} clips for {p} nodes", where="engine")
    drawn = np.random.default_rng(seed).normal(size=(samples, p))
    columns, _ = np.linalg.qr(drawn - drawn.mean(axis=0))
    values, vectors = np.linalg.eigh(correlation)  # a Cholesky factor would need more than semidefinite
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    data: FloatArray = columns @ root.T * np.sqrt(samples)
    return data
