"""From what a reader found in a file to a checked `FeatureSet`: labels, classes, annotation, splits, overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import MODALITIES, SPLITS, BoolArray, FeatureSet, FloatArray, IntArray
from avexplore.config import FeatureFileConfig
from avexplore.data.files.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from avexplore.data.files.names import check_unique, clean_names, instead, numbered
from avexplore.data.splits import TEST, TRAIN, VALIDATION, split_off_validation, stratified
from avexplore.errors import DataError
from avexplore.large_arrays import not_finite, taken

TEST_FRACTION = 0.2
"""Share of test clips where a source has no split of its own."""
_LARGEST = float(np.finfo(np.float32).max)
_BLOCK = 16 * MEBIBYTE
"""Bytes of features that are compared at once."""


@dataclass
class RawClips:
    """What a reader found, not yet checked against each other.

    Attributes:
        where: Name of the file, for messages.
        audio, visual: Shape (n, d), floating point.
        labels: Class index per clip, shape (n,) or (n, 1), or which classes are true, shape (n, C) of 0 and 1. A
            single 1 in every row is a class index, too, unless more is known of the truth.
        complete: Whether the source says that a matrix of labels lists all true classes.
        classes: Names, if the source knows them.
        annotated: Class index per clip that is the annotation: by "given", "random" or "rarest". Shape (n,) each.
        split: Index into `SPLITS` per clip, -1 for clips of no split; or None if there is none.
        clip_ids: Names, if the source knows them.
        true_audio, true_visual: Which classes are true per modality, shape (n, C).
        true_graph: Shape (2C, 2C).
        media: Path by clip id.
        source: Where the data came from and its license.
        at: Where an array lies, for messages; by name, where it is not in the file `where`.
        row: The i-th clip's row as the file counts, for messages.
        notes, facts: How the file was read, in sentences and as values by name.
        not_read: Arrays of the file that nothing asked for.
    """

    where: str
    audio: FloatArray
    visual: FloatArray
    labels: NDArray
    complete: bool = False
    classes: Sequence[object] | None = None
    annotated: Mapping[str, NDArray] = field(default_factory=dict)
    split: IntArray | None = None
    clip_ids: Sequence[object] | None = None
    true_audio: NDArray | None = None
    true_visual: NDArray | None = None
    true_graph: NDArray | None = None
    media: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    at: Mapping[str, str] = field(default_factory=dict)
    row: Callable[[int], str] = "row {}".format
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    not_read: tuple[str, ...] = ()

    def drop(self, what: str, count: int, sentence: str) -> None:
        """Note that something is left out, under a name and in a sentence; nothing where `count` is 0."""
        if count:
            self.notes.append(sentence)
            self.facts.setdefault("dropped", {})[what] = count

    def place(self, name: str) -> str:
        """Where a message finds an array."""
        return self.at.get(name, f"{name} in {self.where}")


def assemble(raw: RawClips, config: FeatureFileConfig, limits: Limits = DEFAULT_LIMITS) -> FeatureSet:
    """Check everything against everything, choose classes and annotation, complete the split.

    Raises:
        DataError: Says which array does not fit, where, and what to do.
    """
    _check_features(raw)
    n = len(raw.audio)
    true, hard, classes = _labels(raw, n, limits)
    split = None if raw.split is None else _checked_split(raw.split, n, raw.place("split"))
    parts = {name: _multi_hot(getattr(raw, name), n, len(classes), raw.place(name)) for name in _PER_MODALITY}
    graph = None if raw.true_graph is None else _graph(raw.true_graph, len(classes), raw.place("true_graph"))

    columns: IntArray = np.array(_choose(classes, config.classes, raw.where), np.int64)
    hard = _annotate(raw, true, hard, columns, config, n)
    if split is not None:
        outside = int((split < 0).sum())
        raw.drop("clips_of_no_split", outside, f"Left out: {_clips(outside)} of no split")
    kept = np.flatnonzero(hard >= 0 if split is None else (hard >= 0) & (split >= 0))
    if len(kept) == 0:
        raise DataError("No clip carries one of the chosen classes", where=raw.where, fix="Choose other classes")
    unlabeled = n - len(kept) if split is None else int((split >= 0).sum()) - len(kept)
    raw.drop("clips_without_label", unlabeled, f"Left out: {_clips(unlabeled)} with none of the classes")
    columns, hard = _occurring(columns, hard[kept], classes, config, raw)
    names = tuple(classes[c] for c in columns)

    ids = _clip_ids(raw, n, limits)
    _check_ids(ids, kept, None if split is None else split[kept], raw)
    audio, visual = (_single(values, kept) for values in (raw.audio, raw.visual))
    first = _first_equal_row(audio, visual)
    split = _complete_split(None if split is None else split[kept], hard, config, raw, first)
    staying = _without_copies(split, first, hard, kept, raw)
    if len(staying) < len(kept):
        kept, hard, split = kept[staying], hard[staying], split[staying]
        audio, visual = taken(audio, staying), taken(visual, staying)
    _check_training(hard, split, names, raw.where)
    kept_ids = tuple(ids[i] for i in kept)
    hidden = None if true is None else true[np.ix_(kept, columns)]
    both = np.r_[columns, columns + len(classes)]
    _look_at(audio, visual, split, raw)
    return FeatureSet(
        audio=audio,
        visual=visual,
        hard_label=hard,
        classes=names,
        split=split,
        clip_ids=kept_ids,
        true_labels=hidden,
        **{name: None if part is None else part[np.ix_(kept, columns)] for name, part in parts.items()},
        true_graph=None if graph is None else graph[np.ix_(both, both)],
        media=tuple(raw.media.get(clip, "") for clip in kept_ids) if raw.media else (),
        source=raw.source,
        notes=tuple(raw.notes),
        reading=raw.facts,
    )


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count:,} clips"


def _constant_columns(values: FloatArray, rows: IntArray) -> int:
    """How many columns hold one value in all these rows; block by block, until none is left."""
    columns = np.arange(values.shape[1])
    step = max(1, _BLOCK // (4 * values.shape[1]))
    for start in range(0, len(rows), step):
        block = values[rows[start : start + step]][:, columns]
        columns = columns[(block == values[rows[0], columns]).all(axis=0)]
        if len(columns) == 0:
            break
    return len(columns)


def _look_at(audio: FloatArray, visual: FloatArray, split: IntArray, raw: RawClips) -> None:
    """Note widths, features that say nothing, and arrays that nobody asked for."""
    for name, values in zip(MODALITIES, (audio, visual), strict=True):
        raw.facts[f"{name}_width"] = values.shape[1]
        constant = _constant_columns(values, np.flatnonzero(split == TRAIN))
        empty = int((~values.any(axis=1)).sum())
        raw.facts[f"{name}_constant_features"], raw.facts[f"{name}_all_zero_clips"] = constant, empty
        if constant:
            raw.notes.append(f"{constant:,} of {values.shape[1]:,} {name} features are equal in all training clips")
        if empty:
            raw.notes.append(f"The {name} features of {_clips(empty)} are all zero")
    raw.facts["not_read"] = raw.not_read
    raw.facts.setdefault("dropped", {})
    if raw.not_read:
        raw.notes.append(f"Not read, since nothing here uses them: {', '.join(raw.not_read)}")


_PER_MODALITY = ("true_audio", "true_visual")


def _check_features(raw: RawClips) -> None:
    for name in MODALITIES:
        values = getattr(raw, name)
        where = raw.place(name)
        if values.ndim != 2 or 0 in values.shape:
            raise DataError(
                f"Expected one row of features per clip, got shape {values.shape}",
                where=where,
                fix="Store (clips, features), or (clips, seconds, features) to be averaged",
            )
        if values.dtype.kind not in "fiu":
            raise DataError(f"Expected numbers, got {values.dtype}", where=where)
        bad, first = not_finite(values)
        if bad:
            raise DataError(
                f"{bad:,} value(s) are NaN or infinite, the first in {raw.row(first[0])}, column {first[1]}",
                where=where,
                fix="Remove or impute these clips",
            )
        if values.dtype.itemsize > 4 and max(-float(values.min()), float(values.max())) > _LARGEST:
            raise DataError("Values are too large for single precision", where=where, fix="Scale the features")
    if len(raw.audio) != len(raw.visual):
        raise DataError(
            f"{len(raw.audio):,} audio rows but {len(raw.visual):,} visual rows",
            where=raw.where,
            fix=(
                "They seem to be stored the other way round: transpose both"
                if raw.audio.shape[1] == raw.visual.shape[1]
                else "Both modalities must list the same clips in the same order"
            ),
        )


def _labels(raw: RawClips, n: int, limits: Limits) -> tuple[BoolArray | None, IntArray | None, tuple[str, ...]]:
    """True labels (n, C) or None, annotated class (n,) or None, names of the C classes."""
    where, where_names = raw.place("labels"), raw.place("classes")
    labels = np.asarray(raw.labels)
    if labels.ndim == 2 and (labels.shape[1] == 1 or labels.shape == (1, n)):
        labels = labels.reshape(-1)
    if labels.ndim not in (1, 2):
        raise DataError(f"Shape {labels.shape} makes no sense", where=where, fix="Store one class index per clip")
    if len(labels) != n:
        raise DataError(
            f"{len(labels):,} labels for {n:,} clips", where=where, fix="Store the labels in the order of the features"
        )
    names = None if raw.classes is None else clean_names(raw.classes, where=where_names, limits=limits)
    if names is not None:
        check_unique(names, where=where_names)
    if labels.dtype.kind in "SU" and labels.ndim == 1:
        return None, *_labels_in_words(labels, names, where, limits)
    check_whole(labels, where)
    if labels.ndim == 2:
        if labels.min() < 0 or labels.max() > 1:
            raise DataError(
                "A matrix of labels must hold 0 and 1 only", where=where, fix="Or store one class index per clip"
            )
        if names is None:
            names = numbered("class_", labels.shape[1])
        if len(names) != labels.shape[1]:
            raise DataError(f"{labels.shape[1]} columns but {len(names)} class names", where=where)
        told = raw.complete or raw.annotated or any(getattr(raw, name) is not None for name in _PER_MODALITY)
        if not told and one_each(labels):
            # One class per clip says what was annotated, not that nothing else is there.
            return None, labels.argmax(axis=1), names
        return labels.astype(bool), None, names
    labels = labels.astype(np.int64)
    if labels.min() < 0:
        raise DataError(f"Labels must not be negative, got {labels.min()}", where=where, fix="Count classes from 0")
    if names is None:
        # Labels may count from 1 or have gaps: the numbers that occur are the classes, and keep their number as name.
        values, labels = np.unique(labels, return_inverse=True)
        if len(values) > limits.columns or int(values[-1]) > 10**9:
            raise DataError(f"{len(values):,} different labels up to {values[-1]}", where=where)
        digits = max(2, len(str(values[-1])))
        names = tuple(f"class_{value:0{digits}d}" for value in values)
    elif labels.max() >= len(names):
        raise DataError(
            f"Labels reach {labels.max()} but there are {len(names)} class names", where=where, fix="Count from 0"
        )
    return None, labels, names


def _labels_in_words(
    labels: NDArray, names: tuple[str, ...] | None, where: str, limits: Limits
) -> tuple[IntArray, tuple[str, ...]]:
    """Index of each label among the names, and the names: those that occur, in order, where none are given."""
    different, place = np.unique(labels, return_inverse=True)
    if len(different) > limits.columns:
        raise DataError(f"{len(different):,} different labels", where=where)
    words = clean_names(different.tolist(), where=where, limits=limits)
    if names is None:
        check_unique(words, where=where)
        return place, words
    if unknown := [word for word in words if word not in names]:
        raise DataError(
            f"The label {unknown[0]!r} is not among the classes", where=where, fix=instead(unknown[0], names)
        )
    return np.array([names.index(word) for word in words])[place], names


def one_each(labels: NDArray) -> bool:
    """Whether every row of a matrix holds a single entry other than 0: class indices, written out as one-hot rows.

    >>> one_each(np.eye(3)), one_each(np.array([[1, 1], [0, 1]]))
    (True, False)
    """
    return bool((np.count_nonzero(labels, axis=1) == 1).all())


def whole_numbers(values: NDArray, where: str) -> IntArray:
    """Integers of any numeric type that holds whole numbers, as int64.

    Raises:
        DataError: If a value is no whole number, or the type is no number.
    """
    check_whole(values, where)
    return values.astype(np.int64)


def check_whole(values: NDArray, where: str) -> None:
    """Refuse what does not hold whole numbers. A matrix of 0 and 1 stays as small as it is stored.

    Raises:
        DataError: If a value is no whole number, or the type is no number.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"Expected whole numbers, got {values.dtype}", where=where, fix="Store them as int64")
    if values.size == 0:
        raise DataError("There are no entries", where=where)
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise DataError("Some entries are NaN or infinite", where=where, fix="Every clip needs a label")
        if np.abs(values).max() > 2**53 or (values != np.floor(values)).any():
            raise DataError("Some entries are no whole numbers", where=where, fix="Store class indices")
    elif values.dtype.kind == "u" and int(values.max()) > 2**62:
        raise DataError(f"{int(values.max())} is no class index", where=where)


def _multi_hot(values: NDArray | None, n: int, count: int, where: str) -> BoolArray | None:
    if values is None:
        return None
    check_whole(values, where)
    if values.shape != (n, count) or values.min() < 0 or values.max() > 1:
        raise DataError(f"Expected 0 and 1 of shape {(n, count)}, got shape {values.shape}", where=where)
    return values.astype(bool)


def _graph(values: NDArray, count: int, where: str) -> IntArray:
    whole = whole_numbers(values, where)
    if whole.shape != (2 * count, 2 * count) or whole.min() < 0 or whole.max() > 1:
        raise DataError(f"Expected 0 and 1 of shape {(2 * count, 2 * count)}, got {whole.shape}", where=where)
    return whole.astype(np.int8)


def _choose(classes: tuple[str, ...], wanted: tuple[str, ...], where: str) -> list[int]:
    if not wanted:
        return list(range(len(classes)))
    position = {name: i for i, name in enumerate(classes)}
    if missing := [name for name in wanted if name not in position]:
        raise DataError(f"There is no class {missing[0]!r}", where=where, fix=instead(missing[0], classes))
    check_unique(wanted, where="chosen classes")
    if len(wanted) < 2:
        raise DataError("Only one class was chosen", where=where, fix="A class graph needs at least two")
    return [position[name] for name in wanted]


def _annotate(
    raw: RawClips,
    true: BoolArray | None,
    hard: IntArray | None,
    columns: IntArray,
    config: FeatureFileConfig,
    n: int,
) -> IntArray:
    """The annotated class as an index into the chosen columns, -1 for clips to be left out. Shape (n,)."""
    stored = raw.annotated.get(config.annotation)
    if stored is not None:
        stored = _stored_annotation(stored, true, n, raw)
    elif true is None:
        if config.annotation != "given":
            raise DataError(
                f"Annotation {config.annotation!r} needs all true labels, but there is one label per clip",
                where=raw.where,
                fix="Use annotation 'given'",
            )
        stored = hard
    redraw = config.annotation != "given" and bool(config.classes) and true is not None
    if stored is not None and not redraw:
        place = np.full(max(int(stored.max()), *columns) + 1, -1)
        place[columns] = np.arange(len(columns))
        return place[stored]
    subset = np.asarray(true)[:, columns]
    if config.annotation != "given":
        return keep_one(subset, config.annotation, config.split_seed)
    several = np.flatnonzero(subset.sum(axis=1) > 1)
    if len(several):
        row = int(several[0])
        raise DataError(
            f"{len(several):,} clip(s) have more than one label, the first in {raw.row(row)}, so none is the given one",
            where=raw.where,
            fix="Choose annotation 'random' or 'rarest'",
        )
    return np.where(subset.any(axis=1), subset.argmax(axis=1), -1)


def _stored_annotation(values: NDArray, true: BoolArray | None, n: int, raw: RawClips) -> IntArray:
    stored = whole_numbers(np.asarray(values), f"annotation in {raw.where}")
    count = 10**9 if true is None else true.shape[1]
    if stored.shape != (n,) or stored.min() < 0 or stored.max() >= count:
        raise DataError("Expected the index of one class per clip", where=f"annotation in {raw.where}")
    if true is not None and not true[np.arange(n), stored].all():
        row = int(np.flatnonzero(~true[np.arange(n), stored])[0])
        raise DataError(
            "An annotated class is not among the clip's true labels", where=f"{raw.row(row)} of {raw.where}"
        )
    return stored


def keep_one(true: BoolArray, how: str, seed: int) -> IntArray:
    """Which of a clip's true labels is kept as its annotation, -1 for clips without one.

    Args:
        true: Shape (n, C), bool.
        how: "random", or "rarest": the class with the fewest clips, ties to the lower index.
        seed: For "random".

    Returns:
        Shape (n,), int64.

    >>> keep_one(np.array([[True, True], [True, False], [False, False]]), "rarest", 0)
    array([ 1,  0, -1])
    """
    rng, rarity = np.random.default_rng(seed), -true.sum(axis=0, dtype=np.float64)
    chosen = np.full(len(true), -1)
    step = max(1, _BLOCK // (8 * true.shape[1]))
    for start in range(0, len(true), step):  # a matrix of bits is an eighth of what is drawn for it
        rows = true[start : start + step]
        preference = np.where(rows, rarity if how == "rarest" else rng.random(rows.shape), -np.inf)
        chosen[start : start + step] = np.where(rows.any(axis=1), preference.argmax(axis=1), -1)
    return chosen


_BACKGROUND = ("background", "none", "nothing", "no event", "silence", "unknown", "other")


def _occurring(
    columns: IntArray, hard: IntArray, classes: tuple[str, ...], config: FeatureFileConfig, raw: RawClips
) -> tuple[IntArray, IntArray]:
    """The columns that have an annotated clip, and the clips' classes as indices into those.

    A list of names may be longer than the data. Left alone are classes that somebody asked for, and labels that may
    count from 1: they would name every clip wrongly.
    """
    counts = np.bincount(hard, minlength=len(columns))
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        name = classes[columns[empty[0]]]
        used = np.flatnonzero(counts)
        counts_from_one = not config.classes and used[0] == 1 and len(used) == used[-1] and raw.classes is not None
        if config.classes or (counts_from_one and len(columns) - len(used) == 1 and name.lower() not in _BACKGROUND):
            raise DataError(
                f"The class {name!r} has no annotated clip",
                where=raw.where,
                fix="Labels seem to count from 1; subtract 1, or leave the class out (choose classes)"
                if counts_from_one
                else "Leave the class out (choose classes), or annotate clips with it",
            )
        some = ", ".join(classes[columns[i]] for i in empty[:5]) + (", ..." if len(empty) > 5 else "")
        named = "1 class" if len(empty) == 1 else f"{len(empty):,} classes"
        sentence = f"Left out: {named} without an annotated clip ({some})"
        raw.drop("classes_without_clip", len(empty), sentence)
        columns, hard = columns[used], np.searchsorted(used, hard)
    if len(columns) < 2:
        raise DataError(
            f"There is only the class {classes[columns[0]]!r}", where=raw.where, fix="A class graph needs at least two"
        )
    return columns, hard


def _checked_split(split: NDArray, n: int, where: str) -> IntArray:
    if split.shape != (n,):
        raise DataError(f"Expected {n:,} entries, got shape {split.shape}", where=where)
    return np.asarray(split, np.int8)


def _complete_split(
    split: IntArray | None,
    hard: IntArray,
    config: FeatureFileConfig,
    raw: RawClips,
    first: IntArray,
) -> IntArray:
    """The split that the file gives, with what it lacks drawn here; copies (of one `first`) are drawn together."""
    if split is None:
        raw.notes.append(f"The file has no split: {TEST_FRACTION:.0%} of each class were drawn as test clips")
        raw.facts["split_from"] = "drawn here"
    if split is None or not (split == VALIDATION).any():
        raw.notes.append(f"{config.validation_fraction:.0%} of the training clips of each class were drawn to validate")
    given = split
    split = _drawn(given, hard, config, np.arange(len(hard)))
    if (split != split[first]).any():
        split = _drawn(given, hard, config, first)
    for index, name in enumerate(SPLITS):
        if not (split == index).any():
            raise DataError(
                f"There are no {name} clips", where=raw.where, fix="Every split needs clips; check the split's entries"
            )
    return split


def _drawn(given: IntArray | None, hard: IntArray, config: FeatureFileConfig, first: IntArray) -> IntArray:
    """A split with test and validation clips drawn where it lacks them; rows of one `first` are drawn as one clip."""
    is_first = first == np.arange(len(first))
    if given is None:
        split = np.zeros(len(hard), np.int8)
        split[is_first] = np.where(stratified(hard[is_first], TEST_FRACTION, config.split_seed), TEST, TRAIN)
        split = split[first]
    else:
        split = given.astype(np.int8)
    if not (split == VALIDATION).any():
        own = np.flatnonzero((split == TRAIN) & is_first)
        split[own] = split_off_validation(split[own], hard[own], config.validation_fraction, config.split_seed)
        split[(split == TRAIN) & (split[first] == VALIDATION)] = VALIDATION
    return split


def _check_training(hard: IntArray, split: IntArray, names: tuple[str, ...], where: str) -> None:
    unseen = np.bincount(hard[split == TRAIN], minlength=len(names)) == 0
    if unseen.any():
        raise DataError(
            f"The class {names[int(np.flatnonzero(unseen)[0])]!r} has no training clip",
            where=where,
            fix="Move some of its clips to the training set, or leave the class out",
        )


def _clip_ids(raw: RawClips, n: int, limits: Limits) -> tuple[str, ...]:
    if raw.clip_ids is None:
        return numbered("clip_", n)
    where = raw.place("clip_ids")
    if len(raw.clip_ids) != n:
        raise DataError(f"{len(raw.clip_ids):,} clip ids for {n:,} clips", where=where)
    return clean_names(raw.clip_ids, where=where, limits=limits)


def _single(values: FloatArray, rows: IntArray) -> FloatArray:
    as_is = len(rows) == len(values) and values.dtype == np.float32 and values.flags.c_contiguous
    return values if as_is else taken(values, rows, np.float32)


def _check_ids(ids: tuple[str, ...], kept: IntArray, split: IntArray | None, raw: RawClips) -> None:
    """A name stands for one clip, which is trained on or tested on."""
    chosen = [ids[i] for i in kept]
    if len(set(chosen)) == len(chosen):
        return
    splits_of: dict[str, set[int]] = {}
    for name, part in zip(chosen, [0] * len(chosen) if split is None else split.tolist(), strict=True):
        splits_of.setdefault(name, set()).add(part)
    crossing = [name for name, parts in splits_of.items() if len(parts) > 1]
    if crossing:
        raise DataError(
            f"{len(crossing):,} clip(s) lie in more than one split, the first is {crossing[0]!r}",
            where=raw.where,
            fix="Keep every clip in one split",
        )
    check_unique(chosen, where=raw.place("clip_ids"))


def _without_copies(split: IntArray, first: IntArray, hard: IntArray, kept: IntArray, raw: RawClips) -> IntArray:
    """Rows that stay: of clips with equal features, those of the split that is held out furthest. Shape (m,).

    A clip that is trained on and tested on makes the figures worthless: copies of test clips neither train nor
    validate, copies of validation clips do not train.
    """
    furthest = split.copy()
    np.maximum.at(furthest, first, split)
    leaving = split < furthest[first]
    copies = int((first != np.arange(len(first))).sum())
    raw.facts["copies"] = copies
    for part, name in ((TRAIN, "training"), (VALIDATION, "validation")):
        rows = np.flatnonzero(leaving & (split == part))
        if len(rows):
            twin = int(np.flatnonzero((first == first[rows[0]]) & (split == furthest[first[rows[0]]]))[0])
            pair = f"{raw.row(int(kept[rows[0]]))} and {raw.row(int(kept[twin]))}"
            sentence = (
                f"Left out of {name}: {_clips(len(rows))} with the same features as held-out ones, such as {pair}"
            )
            raw.drop(f"{name}_copies", len(rows), sentence)
    if copies:
        raw.notes.append(f"{_clips(copies)} of the file repeat the features of an earlier one")
    return np.flatnonzero(~leaving)


def _first_equal_row(audio: FloatArray, visual: FloatArray) -> IntArray:
    """For each row, the first row of the same bytes in both modalities. Shape (n,).

    Rows with the same key are compared in full, so that no two different ones are taken for copies. That a copy is
    missed takes a third row that differs and has the same 64 bits as key.
    """
    key = _row_keys(audio, seed=0) + _row_keys(visual, seed=1)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    earlier: IntArray = first[place]
    copies = np.flatnonzero(earlier != np.arange(len(key)))
    step = max(1, _BLOCK // (4 * (audio.shape[1] + visual.shape[1])))
    for rows in np.split(copies, range(step, len(copies), step)):
        same = [(_bits(v)[rows] == _bits(v)[earlier[rows]]).all(axis=1) for v in (audio, visual)]
        earlier[rows] = np.where(same[0] & same[1], earlier[rows], rows)
    return earlier


def _row_keys(values: FloatArray, seed: int) -> NDArray[np.uint64]:
    """A random linear combination of each row's bits, modulo 2^64. Shape (n,).

    In whole numbers, since a sum of floats depends on its order, and so on where in the array a row stands.
    """
    weights = np.random.default_rng(seed).integers(2**64, size=values.shape[1], dtype=np.uint64) | 1
    keys = np.empty(len(values), np.uint64)
    step = max(1, _BLOCK // (8 * values.shape[1]))
    for start in range(0, len(values), step):
        keys[start : start + step] = _bits(values)[start : start + step].astype(np.uint64) @ weights
    return keys


def _bits(values: FloatArray) -> NDArray[np.uint32]:
    return values.view(np.uint32)
