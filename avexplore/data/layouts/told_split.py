"""Which clips train, validate and test, in the forms in which files say so: words, masks, lists of rows, folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from avexplore.artifacts import SPLITS, IntArray
from avexplore.data.assembly import whole_numbers
from avexplore.data.files.arrays import Header
from avexplore.data.layouts.columns import SPLIT_WORDS, column, split_indices
from avexplore.data.layouts.source import Source
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError

_PART = "|".join(sorted(SPLIT_WORDS, key=len, reverse=True))
_MASK = re.compile(rf"(?:is|in|mask)_?({_PART})(?:_?mask)?|({_PART})_?(?:mask|flag)")
_LIST = "idx|idxs|index|indices|indexes|inds?|rows|order"
_ROWS = re.compile(rf"({_PART})_?(?:{_LIST})|(?:{_LIST})_({_PART})")
_FOLDS = ("fold", "folds", "fold_id", "cv_fold")


def told_split(file: Source, clips: int) -> IntArray | None:
    """Index into `SPLITS` per clip, -1 for clips of no split; None where the file says nothing.

    `split` goes first. Masks are of booleans or 0 and 1, one per clip: with masks for training and test, clips of
    neither are of no split; with one of them alone, the rest is the other. Lists hold rows, counted from 0 (or from 1,
    where that covers the clips and counting from 0 does not). Of folds the highest tests and the next one validates.

    Raises:
        DataError: If a clip is in two splits, or an entry makes no sense.
    """
    if "split" in file:
        stored = file.stored("split")
        file.say(f"The split is that of the array {stored}", split_from=stored)
        return split_indices(column(file, "split"), file.where("split"))
    for pattern, marked in ((_MASK, _masked), (_ROWS, _listed)):
        if parts := _parts(file.headers, pattern):
            names = ", ".join(parts)
            file.say(f"The split is that of {names}", split_from=names)
            return _joined(marked(file, parts, clips), parts, clips, file)
    fold = next((name for name in _FOLDS if name in file), None)
    return None if fold is None else _from_folds(file, fold, clips)


def says_split_anew(headers: Mapping[str, Header]) -> bool:
    """Whether the split is told in a form that earlier versions left unread."""
    if "split" in headers:
        return False
    return bool(_parts(headers, _MASK) or _parts(headers, _ROWS) or set(_FOLDS) & set(headers))


def _parts(names: Iterable[str], pattern: re.Pattern[str]) -> dict[str, int]:
    """Split of each array whose name fits the pattern."""
    found = ((name, pattern.fullmatch(name.lower())) for name in names)
    return {name: SPLIT_WORDS[match[1] or match[2]] for name, match in found if match}


def _masked(file: Source, parts: Mapping[str, int], clips: int) -> dict[str, IntArray]:
    """The clips that each mask marks."""
    found: dict[str, IntArray] = {}
    for name in parts:
        values = whole_numbers(column(file, name, squeeze=True), file.where(name))
        if values.shape != (clips,) or values.min() < 0 or values.max() > 1:
            raise DataError(
                f"Expected {clips:,} entries of 0 and 1, got shape {values.shape} up to {values.max()}",
                where=file.where(name),
                fix="Store one boolean per clip",
            )
        found[name] = np.flatnonzero(values)
    return found


def _listed(file: Source, parts: Mapping[str, int], clips: int) -> dict[str, IntArray]:
    """The clips that each list names."""
    found: dict[str, IntArray] = {}
    for name in parts:
        rows = file.read(name).reshape(-1)
        found[name] = whole_numbers(rows, file.where(name)) if len(rows) else np.zeros(0, np.int64)
    everything = np.concatenate(list(found.values()))
    if everything.size == 0:
        raise DataError("The lists of rows are empty", where=", ".join(map(file.where, parts)))
    from_one = everything.min() == 1 and everything.max() == clips
    if from_one:
        file.say("Rows of the split are counted from 1")
        found = {name: rows - 1 for name, rows in found.items()}
    elif everything.min() < 0 or everything.max() >= clips:
        bad = next(name for name, rows in found.items() if len(rows) and (rows.min() < 0 or rows.max() >= clips))
        raise DataError(
            f"It points to clip {int(found[bad].max())} of {clips:,}", where=file.where(bad), fix="Count from 0"
        )
    return found


def _joined(found: Mapping[str, IntArray], parts: Mapping[str, int], clips: int, file: Source) -> IntArray:
    split = np.full(clips, -1, np.int8)
    for name, rows in found.items():
        if (split[rows] >= 0).any() or len(np.unique(rows)) < len(rows):
            raise DataError("A clip is listed twice", where=file.where(name), fix="Keep every clip in one split")
        split[rows] = parts[name]
    given = set(parts.values())
    if not {TRAIN, TEST} <= given:
        split[split < 0] = TEST if TRAIN in given else TRAIN
    return split


def _from_folds(file: Source, name: str, clips: int) -> IntArray:
    folds = whole_numbers(column(file, name, squeeze=True), file.where(name))
    different = np.unique(folds)
    if folds.shape != (clips,) or not 2 <= len(different) <= 100:
        raise DataError(
            f"Expected the fold of each of {clips:,} clips, got {len(different)} values of shape {folds.shape}",
            where=file.where(name),
            fix=f"Store `split` with the words {', '.join(SPLITS)}",
        )
    split = np.where(folds == different[-1], TEST, TRAIN).astype(np.int8)
    said = f"Fold {different[-1]} tests"
    if len(different) > 2:
        split[folds == different[-2]] = VALIDATION
        said += f", fold {different[-2]} validates"
    file.say(f"{said}, the others train ({name}); store `split` to choose otherwise", split_from=name)
    return split
