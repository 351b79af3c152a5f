"""What the numbers of a file of soft labels are, and what they become: told where that is sure, asked otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import MODALITIES, BoolArray, FloatArray, SoftLabelKind
from avexplore.errors import DataError

TOLERANCE = 1e-3
"""How far a probability may lie outside of [0, 1], at either end: half precision and sums round by less."""
_NEARLY = 0.02
"""How far row sums may be from their total, on average."""
_FEW = 1000
"""One cell in so many may be wrong and is then pointed at; more of them are another kind of number."""
Values = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Meaning:
    """Soft labels as the rest of the app knows them.

    Attributes:
        values: Audio and visual. Shape (n, C) each.
        kind: What they are now.
        competing: Whether the classes of a clip share a total of one.
        said: A sentence on what they were read as.
    """

    values: Values
    kind: SoftLabelKind
    competing: bool
    said: str


def tell(values: Values) -> str:
    """The kind of some soft labels, one of `KINDS`.

    Raises:
        DataError: If it is not sure; the message says between what, and how to say it. Also if all but a few cells are
            probabilities: then it points at the first of the others.

    >>> tell((np.array([[90.0, 10.0]]), np.array([[40.0, 60.0]])))
    'percentages'
    """
    both = np.concatenate(values)
    low, high, sums = both.min(), both.max(), both.sum(axis=1, dtype=np.float64)
    outside = (both < -TOLERANCE) | (both > 1 + TOLERANCE)
    if not outside.any():
        if ((both == 0) | (both == 1)).all():
            return "labels"
        return "probabilities" if _near(sums) else "independent-probabilities"
    whole = bool((both == np.rint(both)).all())
    if low >= -100 * TOLERANCE and _near(sums / 100):
        return "percentages"
    if whole and low >= 0 and sums.min() == sums.max() > 1:
        return "votes"
    if high <= TOLERANCE and _near(np.exp(both).sum(axis=1, dtype=np.float64)):
        return "log-probabilities"
    if outside.sum() <= max(3, both.size // _FEW) and both.size >= 200:
        _refuse(values, lambda v: (v < -TOLERANCE) | (v > 1 + TOLERANCE), "All other values lie in [0, 1]")
    if _is_score_like(values):
        return "scores"
    if np.abs(both.mean(axis=1, dtype=np.float64)).max() < 1e-3 * both.std(dtype=np.float64):
        return "logits"  # only a softmax is indifferent to what all logits of a clip have in common
    span = f"values from {low:.2f} to {high:.2f}, rows summing to {sums.mean():.2f} ± {sums.std():.2f}"
    if low >= 0 and high <= 100 and whole:
        choice = "`votes` or `percentages`"
    elif low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        choice = "`cosines`, `logits` (of a softmax) or `independent-logits` (of sigmoids)"
    elif high <= TOLERANCE:
        choice = "`log-probabilities`, `logits` (of a softmax) or `independent-logits` (of sigmoids)"
    elif low >= 0 and high <= 100 * (1 + TOLERANCE):
        choice = "`percentages`, `logits` (of a softmax) or `independent-logits` (of sigmoids)"
    else:
        choice = "`logits` (of a softmax: the classes of a clip compete) or `independent-logits` (of sigmoids)"
    raise DataError(
        f"Their values do not tell what they are: {choice} ({span})",
        where="soft labels",
        fix="Say it, by --kind, by the menu beside the upload, or by a word in the array `kind` of the file",
    )


def understand(kind: str, values: Values) -> Meaning:
    """Soft labels of a known kind, one of `KINDS`, as logits, scores or probabilities.

    Raises:
        DataError: If a value cannot be of that kind; the message points at the first one.
    """
    if kind not in KINDS:
        raise DataError(
            f"Unknown kind {kind[:40]!r}", where="kind of soft labels", fix=f"Use one of {', '.join(KINDS)}"
        )
    meaning = _READINGS[kind](values)
    low, high = min(part.min() for part in values), max(part.max() for part in values)
    sums = np.concatenate([part.sum(axis=1, dtype=np.float64) for part in values])
    span = f"values from {low:.2f} to {high:.2f}, rows summing to {sums.mean():.2f} ± {sums.std():.2f}"
    said = f"Read as {meaning.said} ({span}); another kind can be said"
    audio, visual = (part.astype(np.float32, copy=False) for part in meaning.values)
    return Meaning((audio, visual), meaning.kind, meaning.competing, said)


def word_of(kind: SoftLabelKind, competing: bool) -> str:
    """The word of `KINDS` for soft labels as the app holds them.

    >>> word_of("logits", False), word_of("scores", False)
    ('independent-logits', 'scores')
    """
    return kind if competing or kind == "scores" else f"independent-{kind}"


def as_before(values: Values) -> str:
    """The kind that versions before this question was asked took values for: configs of theirs say nothing else."""
    both = np.concatenate(values)
    if both.min() >= 0 and both.max() <= 1 + 1e-6:
        return "probabilities"
    return "scores" if _is_score_like(values) else "logits"


def _near(sums: FloatArray) -> bool:
    return bool(np.abs(sums - 1).mean() < _NEARLY)


def _compete(values: Values) -> bool:
    return _near(np.concatenate(values).sum(axis=1, dtype=np.float64))


def _is_score_like(values: Values) -> bool:
    """Whether they look like a regression to one-hot: nearly all in (-1, 2), rows summing to about one."""
    sums = np.concatenate(values).sum(axis=1, dtype=np.float64)
    inside = float(np.mean([((v > -1) & (v < 2)).mean() for v in values]))
    return inside > 0.99 and abs(float(sums.mean()) - 1) < 0.2 and float(sums.std()) < 0.35


def _refuse(values: Values, is_bad: Callable[[FloatArray], BoolArray], what: str) -> None:
    """Point at the first bad cell, if there is one."""
    bad = [np.argwhere(is_bad(part)) for part in values]
    for name, part, cells in zip(MODALITIES, values, bad, strict=True):
        if len(cells):
            row, column = cells[0]
            found = f"{part[row, column]:.6g} in row {row}, column {column}"
            raise DataError(
                f"{what}, but {sum(map(len, bad)):,} value(s) do not, the first is {found}",
                where=name,
                fix="Correct it, or say of which kind the values are",
            )


def _as_probabilities(
    values: Values, name: str = "probabilities", *, scale: float = 1.0, competing: bool | None = None
) -> Meaning:
    """Values in [0, scale] as probabilities; without `competing`, their sums say whether their classes compete."""
    low, high = -TOLERANCE * scale, (1 + TOLERANCE) * scale
    _refuse(values, lambda part: (part < low) | (part > high), f"Probabilities lie in [0, {scale:g}]")
    clipped = sum(int(((part < 0) | (part > scale)).sum()) for part in values)
    note = f", {clipped:,} value(s) a little outside of [0, {scale:g}] brought back" if clipped else ""
    audio, visual = ((part / scale).clip(0, 1) for part in values)
    if competing is None:
        competing = _compete((audio, visual))
    total = "one" if scale == 1 else "a hundred"
    form = f"that share a total of {total}" if competing else "each class for itself"
    return Meaning((audio, visual), "probabilities", competing, f"{name}, {form}{note}")


def _as_votes(values: Values) -> Meaning:
    _refuse(values, lambda part: part < 0, "Votes are not negative")
    sums = np.concatenate(values).sum(axis=1, dtype=np.float64)
    most = float(max(part.max() for part in values))
    if most == 0:
        raise DataError("There are no votes", where="soft labels")
    competing = bool(sums.min() > 0 and sums.max() <= 1.01 * sums.min())
    total = float(sums.mean()) if competing else most
    audio, visual = ((part / total).clip(0, 1) for part in values)
    form = f"of {total:g} for each clip" if competing else f"each class for itself, {most:g} being all of them"
    return Meaning((audio, visual), "probabilities", competing, f"votes, {form}")


def _as_log_probabilities(values: Values) -> Meaning:
    _refuse(values, lambda part: part > TOLERANCE, "Logarithms of probabilities are not positive")
    powers = [np.exp(part.astype(np.float64)) for part in values]
    if _compete((powers[0], powers[1])):
        return Meaning(values, "logits", True, "log-probabilities that share a total of one")
    audio, visual = (np.log(p) - np.log1p(-p) for p in (power.clip(1e-30, 1 - 1e-7) for power in powers))
    return Meaning((audio, visual), "logits", False, "log-probabilities, each class for itself")


def _as_cosines(values: Values) -> Meaning:
    _refuse(values, lambda part: np.abs(part) > 1 + TOLERANCE, "Cosines lie in [-1, 1]")
    said = "cosines: scores, not probabilities, of which those below 0 count as 0 where a probability is needed"
    return Meaning(values, "scores", False, said)


def _as_labels(values: Values) -> Meaning:
    _refuse(values, lambda part: (part != 0) & (part != 1), "Labels are 0 or 1")
    one_each = all((part.sum(axis=1) == 1).all() for part in values)
    form = "one class for each clip" if one_each else "each class for itself"
    return Meaning(values, "probabilities", one_each, f"0/1 labels, {form}, without shades of probability")


_READINGS: Mapping[str, Callable[[Values], Meaning]] = {
    "logits": lambda v: Meaning(v, "logits", True, "logits of a softmax, whose classes compete"),
    "independent-logits": lambda v: Meaning(v, "logits", False, "logits of sigmoids, each class for itself"),
    "probabilities": _as_probabilities,
    "independent-probabilities": partial(_as_probabilities, competing=False),
    "log-probabilities": _as_log_probabilities,
    "scores": lambda v: Meaning(v, "scores", _compete(v), "scores of a regression-like head, not probabilities"),
    "percentages": partial(_as_probabilities, name="percentages", scale=100.0),
    "votes": _as_votes,
    "cosines": _as_cosines,
    "labels": _as_labels,
}
KINDS = tuple(_READINGS)
"""What can be said of soft labels: by option, in the app, or by the array `kind` of their file."""


def calibration(
    temperature: NDArray | None, platt: NDArray | None, classes: int, kind: SoftLabelKind, where: str
) -> tuple[FloatArray, FloatArray | None]:
    """Checked temperature (2,) and Platt scaling (2, C, 2) of a file; ones and None where it has none.

    Raises:
        DataError: If a shape is wrong, a number is not finite, a temperature is not positive, or these are no logits.
    """
    for name, values, shape in (("temperature", temperature, (2,)), ("platt", platt, (2, classes, 2))):
        if values is None:
            continue
        if kind != "logits":
            raise DataError("Only logits are calibrated", where=f"{name} in {where}", fix="Leave it out")
        if values.dtype.kind not in "fiu" or values.shape != shape or not np.isfinite(values).all():
            raise DataError(f"Expected finite numbers of shape {shape}, got {values.shape}", where=f"{name} in {where}")
    found = np.ones(2) if temperature is None else temperature.astype(np.float64)
    if (found <= 0).any():
        raise DataError("Expected positive numbers", where=f"temperature in {where}")
    return found, None if platt is None else platt.astype(np.float64)
