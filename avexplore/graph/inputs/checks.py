"""Input that would mislead a search is found first, and said in plain sentences.

Columns that carry nothing (constant), nothing new (duplicated) or nothing of their own (an exact sum of others) are
left out of the search and stay in the graph as isolated nodes: a score-based search rewards them with huge, meaningless
gains instead (residual variance near zero), or breaks ties between twins at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import MODALITIES, FloatArray, IntArray, SoftLabels
from avexplore.errors import GraphError
from avexplore.graph.inputs.covariance import correlation
from avexplore.graph.scores.bdeu import two_valued

DETERMINISTIC = 1e-7
"""Eigenvalues of the correlation below this count as zero: float32 soft labels that sum to one leave about 1e-12."""
NEARLY_SINGULAR = 1e3
"""Condition numbers above this get a warning: orientations then hang on the noise of two or three directions."""
_FEW_ROWS = 4


@dataclass(frozen=True)
class Checked:
    """What may go into the search.

    Attributes:
        columns: Indices of the nodes to search over. Shape (k,), ascending.
        dropped: Why each other node stays isolated, by node index.
        warnings: What a reader should know, in sentences.
        condition: Condition number of the correlation of the kept columns (capped around 1e16); 1 for fewer than two.
    """

    columns: IntArray
    dropped: dict[int, str]
    warnings: tuple[str, ...]
    condition: float


def require_finite(matrix: FloatArray, nodes: tuple[str, ...]) -> None:
    """Refuse NaN and infinity, naming the nodes that hold them.

    Args:
        matrix: Shape (n, p).
        nodes: Names of the p columns.

    Raises:
        GraphError: If any value is not finite.

    >>> require_finite(np.array([[1.0, np.nan]]), ("audio:Bus", "visual:Bus"))
    Traceback (most recent call last):
    avexplore.errors.GraphError: 1 value(s) of visual:Bus are NaN or infinite (soft labels, first in clip 0). ...
    """
    bad = ~np.isfinite(matrix)
    if not bad.any():
        return
    held = np.flatnonzero(bad.any(axis=0))
    names = ", ".join(nodes[j] for j in held[:5]) + (", ..." if len(held) > 5 else "")
    raise GraphError(
        f"{int(bad.sum())} value(s) of {names} are NaN or infinite",
        where=f"soft labels, first in clip {int(bad.any(axis=1).argmax())}",
        fix="Remove or impute these clips",
    )


def choose_rows(soft_labels: SoftLabels, rows: str) -> tuple[IntArray, tuple[str, ...]]:
    """Clips to learn from: the training clips, or all of them with a warning that test clips are among them.

    Raises:
        GraphError: If fewer than four clips are left.
    """
    chosen = soft_labels.rows(rows)
    warnings: tuple[str, ...] = ()
    if rows == "all":
        others = len(chosen) - len(soft_labels.rows("train"))
        if others:
            warnings = (f"All rows were used, {others} of them validation or test clips: figures on those flatter.",)
    if len(chosen) < _FEW_ROWS:
        raise GraphError(
            f"{len(chosen)} clip(s) to learn from",
            where=f"soft labels, rows {rows!r}",
            fix='Provide at least four training clips, or use rows="all"',
        )
    return chosen, warnings


def describe_kind(soft_labels: SoftLabels) -> tuple[str, ...]:
    """Sentences on what kind of numbers the soft labels are, where the kind needs care.

    >>> labels = SoftLabels(np.eye(2), np.eye(2), "scores", ("Bus", "Cat"), np.zeros(2, int), np.arange(2))
    >>> describe_kind(labels)[0]
    'The soft labels are scores of a regression-like head, not probabilities (values 0.00 to 1.00).'
    """
    low = min(float(soft_labels.audio.min(initial=0.0)), float(soft_labels.visual.min(initial=0.0)))
    high = max(float(soft_labels.audio.max(initial=0.0)), float(soft_labels.visual.max(initial=0.0)))
    if soft_labels.kind == "scores":
        span = f"{low:.2f} to {high:.2f}"
        return (f"The soft labels are scores of a regression-like head, not probabilities (values {span}).",)
    if soft_labels.kind == "probabilities" and soft_labels.normalized:
        return ("The soft labels are probabilities that share one unit per clip; logits give a truer graph.",)
    return ()


def describe_values(soft_labels: SoftLabels, rows: IntArray, score: str) -> tuple[str, ...]:
    """Sentences on zero-one labels, and on clips that stand there more than once.

    Clips whose soft labels are the same to the last digit were copied, and every bootstrap, score and figure counts
    them as if they were new evidence. Where values are few, as with labels or votes, such clips are no surprise.

    >>> labels = SoftLabels(np.eye(2), np.eye(2), "probabilities", ("Bus", "Cat"), np.zeros(2, int), np.arange(2))
    >>> describe_values(labels, np.arange(2), "bic")[0][:43]
    'Every class is there or not, as labels are:'
    """
    matrix = soft_labels.matrix(rows)
    if two_valued(matrix).all():
        if score == "bdeu":
            return ()
        return (
            "Every class is there or not, as labels are: BDeu counts such states, while the Gaussian BIC takes them "
            "for points of a bell curve. Choose BDeu as the score.",
        )
    _, group, sizes = np.unique(matrix[:, 0], return_inverse=True, return_counts=True)
    if len(sizes) < len(matrix) / 2:
        return ()
    alike = matrix[sizes[group] > 1]
    repeats = len(alike) - len(np.unique(alike, axis=0)) if len(alike) else 0
    if not repeats:
        return ()
    return (
        f"{repeats:,} of {len(matrix):,} clips repeat the soft labels of another clip to the last digit: copies are no "
        "further evidence. Remove them.",
    )


def check_columns(
    matrix: FloatArray,
    nodes: tuple[str, ...],
    *,
    dropped: dict[int, str] | None = None,
    keep: frozenset[int] = frozenset(),
) -> Checked:
    """Find columns that would mislead the search.

    Args:
        matrix: Transformed soft labels. Shape (n, p).
        nodes: Names of the p columns.
        dropped: Nodes that are left out already, with the reason.
        keep: Nodes to hold on to where there is a choice (knowledge mentions them).

    Returns:
        The columns to search over; reasons for the others; warnings.

    Raises:
        GraphError: If a value is not finite.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(50, 2))
    >>> check_columns(np.c_[x, x[:, 0], np.ones(50)], ("audio:A", "audio:B", "visual:A", "visual:B")).dropped
    {3: 'it is constant', 2: 'it repeats audio:A'}
    """
    require_finite(matrix, nodes)
    n, p = matrix.shape
    left, reasons, warnings = list(range(p)), dict[int, str](), list[str]()
    _leave_out(dict(sorted((dropped or {}).items())), left, reasons, warnings, nodes)
    _leave_out(_constant(matrix, left), left, reasons, warnings, nodes)
    related = correlation(matrix)
    _leave_out(_duplicates(related, left, nodes, keep), left, reasons, warnings, nodes)
    spectrum = np.linalg.eigh(related[np.ix_(left, left)])
    if n <= len(left):
        warnings.append(
            f"There are {n} clips for {len(left)} nodes: with fewer rows than nodes most edges are accidents of the "
            "sample. Use more clips or fewer classes."
        )
    elif sums := _deterministic(matrix[:, left].std(axis=0), spectrum, left, nodes, keep):
        _leave_out(sums, left, reasons, warnings, nodes)
        spectrum = np.linalg.eigh(related[np.ix_(left, left)])

    values = spectrum[0]
    condition = float(values[-1] / max(values[0], np.finfo(float).eps)) if len(values) > 1 else 1.0
    if n > len(left) and condition > NEARLY_SINGULAR:
        warnings.append(_nearly_singular(condition, matrix[:, left], [nodes[j] for j in left]))
    return Checked(np.array(left, np.int64), reasons, tuple(warnings), condition)


def _leave_out(
    found: dict[int, str], left: list[int], reasons: dict[int, str], warnings: list[str], nodes: tuple[str, ...]
) -> None:
    for j, reason in found.items():
        left.remove(j)
        reasons[j] = reason
        warnings.append(f"{nodes[j]} stands alone in the graph: {reason}.")


def _constant(matrix: FloatArray, left: list[int]) -> dict[int, str]:
    columns = matrix[:, left]
    # Relative to the column's size: 0.1 + noise of the last digit is still constant.
    size = np.abs(columns).max(axis=0, initial=0.0)
    varies = columns.std(axis=0) > 1e-9 * np.maximum(size, 1e-300)
    return {j: "it is constant" for j, yes in zip(left, varies, strict=True) if not yes}


def _duplicates(related: FloatArray, left: list[int], nodes: tuple[str, ...], keep: frozenset[int]) -> dict[int, str]:
    """Columns equal to an earlier one up to scale and shift."""
    found: dict[int, str] = {}
    for first, second in np.argwhere(np.triu(1 - np.abs(related) < DETERMINISTIC, 1)).tolist():
        if first in found or second in found or first not in left or second not in left:
            continue
        one, other = (second, first) if second in keep and first not in keep else (first, second)
        opposite = " with the sign reversed" if related[one, other] < 0 else ""
        found[other] = f"it repeats {nodes[one]}{opposite}"
    return found


def _deterministic(
    deviation: FloatArray,
    spectrum: tuple[FloatArray, FloatArray],
    left: list[int],
    nodes: tuple[str, ...],
    keep: frozenset[int],
) -> dict[int, str]:
    """Columns that are exact linear functions of others, as few as needed for a regular correlation."""
    values, vectors = spectrum
    null = vectors[:, values < DETERMINISTIC]
    if not null.shape[1]:
        return {}
    from scipy.linalg import qr

    # Rows of `null` that are independent name columns whose removal leaves full rank. Scaling prefers columns of
    # small variance (they carry least) and avoids those that knowledge mentions.
    kept = np.array([j in keep for j in left])
    preference = np.where(kept, 1e-9, 1.0) / deviation**2
    _, _, order = qr((null * (preference / preference.max())[:, None]).T, mode="economic", pivoting=True)
    chosen = order[: null.shape[1]]
    relations = null @ np.linalg.inv(null[chosen])
    return {left[c]: _relation(relations[:, k], deviation, c, left, nodes) for k, c in enumerate(chosen)}


def _relation(
    standardized: FloatArray, deviation: FloatArray, target: int, left: list[int], nodes: tuple[str, ...]
) -> str:
    """One null direction in words: which columns fix this one."""
    raw = standardized / deviation
    raw = raw / raw[target]
    involved = [k for k in np.flatnonzero(np.abs(standardized) > 1e-3) if k != target]
    modality = nodes[left[target]].split(":")[0]
    same = [k for k in involved if nodes[left[k]].startswith(modality + ":")]
    if modality in MODALITIES and len(same) == len(involved) > 1 and np.allclose(raw[involved], 1, atol=0.01):
        return f"the {modality} values of a clip sum to a constant, so the other classes already tell its value"
    names = ", ".join(nodes[left[k]] for k in involved[:4]) + (", ..." if len(involved) > 4 else "")
    return f"it is an exact linear function of {names}"


def _nearly_singular(condition: float, columns: FloatArray, names: list[str]) -> str:
    sums = []
    for modality in MODALITIES:
        block = columns[:, [name.startswith(modality + ":") for name in names]]
        # Next to nothing of the columns' variance is left in their sum.
        if block.shape[1] > 1 and block.sum(axis=1).var() < 0.05 * block.var(axis=0).sum():
            sums.append(modality)
    why = f": the {' and the '.join(sums)} values of a clip nearly sum to a constant" if sums else ""
    return (
        f"The covariance is nearly singular (condition number {condition:,.0f}){why}. The columns nearly determine "
        "each other, so directions of edges hang on small noise; logits, drop-one or ILR avoid that."
    )
