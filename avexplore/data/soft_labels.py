"""Soft labels that somebody else's teacher computed: an npz file with `audio` and `visual`, one row per clip.

Optional arrays: `classes` (names), `split` (train, validation, test), `hard_label` (annotated class, -1 where unknown),
`kind` (a word of `soft_label_kinds.KINDS`), `temperature` and `platt` (calibration of logits). Without `kind`, it is
told from the values where these leave no doubt, and asked for otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from avexplore.artifacts import MODALITIES, FloatArray, IntArray, SoftLabels
from avexplore.config import SoftLabelFileConfig
from avexplore.data.assembly import whole_numbers
from avexplore.data.files.arrays import ArrayFile, Header
from avexplore.data.files.fingerprint import fingerprint
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.names import check_unique, clean_names, numbered
from avexplore.data.files.open import open_arrays
from avexplore.data.layouts.columns import split_indices, strings, texts
from avexplore.data.layouts.names import other_words
from avexplore.data.layouts.source import Source
from avexplore.data.published import _RELEASES, _Release
from avexplore.data.soft_label_kinds import KINDS, as_before, calibration, tell, understand
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError


def holds_soft_labels(headers: Mapping[str, Header]) -> bool:
    """Whether a file holds soft labels rather than features to train on.

    It does if it says of which `kind` they are, if there are no `labels` to train with, or if both modalities have one
    column for each of the `classes`.
    """
    if not set(MODALITIES) <= set(headers):
        return False
    if "kind" in headers or not ("labels" in headers or "labels" in other_words(headers)):
        return True
    audio, visual = (headers[name].shape for name in MODALITIES)
    return "classes" in headers and len(audio) == 2 and audio == visual and audio[1:] == headers["classes"].shape


def soft_label_file(
    path: str | Path,
    *,
    training_rows: int | None = None,
    class_names: tuple[str, ...] = (),
    kind: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> SoftLabelFileConfig:
    """The config of a file of soft labels: computes its fingerprint, and checks that it can be read.

    Args:
        path: An npz file with `audio` and `visual`, shape (n, C) each.
        training_rows: The first so many rows are training clips; none or 0 takes the file's `split`, else all rows.
        class_names: Names of the C classes, where the file holds none.
        kind: A word of `soft_label_kinds.KINDS`; "auto" takes that of the file, or tells it from the values.
        limits: Bounds on size.

    Raises:
        DataError: If the file cannot be used, or its values do not tell of which kind they are.
    """
    print_ = fingerprint((Path(path),), limits=limits)
    config = SoftLabelFileConfig(
        fingerprint=print_,
        path=str(path),
        training_rows=training_rows or 0,
        class_names=class_names,
        kind=kind,  # type: ignore[arg-type]
    )
    if kind == "auto":
        with open_arrays((Path(path),), limits) as opened:
            file = _source(opened)
            if "kind" not in file:
                with _located(file):
                    config = config.replace(kind=tell(_both(file)))
    load_soft_labels(config, limits=limits)
    return config


def load_soft_labels(config: SoftLabelFileConfig, *, limits: Limits = DEFAULT_LIMITS) -> SoftLabels:
    """Read and check a file of soft labels.

    Raises:
        DataError: If the file changed, or an array has the wrong shape, type or values.
    """
    if not config.path:
        raise DataError("It is not known where the soft labels lie", where="soft labels", fix="Open the file again")
    path = Path(config.path)
    if fingerprint((path,), limits=limits) != config.fingerprint:
        raise DataError("The file has changed since it was opened", where=path.name, fix="Open it again")
    with open_arrays((path,), limits) as file:
        return _read(_source(file), config, limits)


def _source(file: ArrayFile) -> Source:
    """The arrays under our names for them."""
    names = {*file.headers, *file.refused}
    words = {ours: theirs for ours, theirs in other_words(names).items() if ours not in ("labels", "clip_ids")}
    source = Source(file, words)
    if words:
        source.say("Read " + ", ".join(f"{theirs} as {ours}" for ours, theirs in words.items()))
    return source


def _both(file: Source) -> tuple[FloatArray, FloatArray]:
    where = file.where()
    if missing := [name for name in MODALITIES if name not in file]:
        found = ", ".join(sorted(file.names)[:12]) or "nothing"
        raise DataError(
            f"There is no array {missing[0]!r}, only {found}",
            where=where,
            fix="Store `audio` and `visual`, shape (clips, classes) each",
        )
    audio, visual = (_values(file, name) for name in MODALITIES)
    if audio.shape != visual.shape:
        raise DataError(
            f"audio has shape {audio.shape}, visual {visual.shape}",
            where=where,
            fix="Both modalities must list the same clips and classes in the same order; features need `labels`",
        )
    return audio, visual


@contextmanager
def _located(file: Source) -> Iterator[None]:
    """Name the file in errors that know of a modality, or of soft labels as such, only."""
    try:
        yield
    except DataError as error:
        if error.where not in (*MODALITIES, "soft labels"):
            raise
        where = file.where(error.where) if error.where in MODALITIES else file.where()
        raise DataError(error.what, where=where, fix=error.fix) from error


def _read(file: Source, config: SoftLabelFileConfig, limits: Limits) -> SoftLabels:
    audio, visual = _both(file)
    n, count = audio.shape
    release = _RELEASES.get(config.fingerprint)
    notes = [release.note] if release else []
    classes = _classes(file, config, release, count, limits, notes)
    split = _split(file, config, release, n, notes)
    hard = _hard(file, n, count) if release is None else release.hard_label
    word = config.kind if config.kind != "auto" else _stored_kind(file) or as_before((audio, visual))
    with _located(file):
        meaning = understand(word, (audio, visual))
    temperature, platt = (file.read(name) if name in file else None for name in ("temperature", "platt"))
    scale, slopes = calibration(temperature, platt, count, meaning.kind, file.where())
    notes += file.notes
    notes.append(meaning.said)
    if not_read := file.not_read():
        notes.append(f"Not read, since nothing here uses them: {', '.join(not_read)}")
    return SoftLabels(
        audio=meaning.values[0],
        visual=meaning.values[1],
        kind=meaning.kind,
        classes=classes,
        split=split,
        hard_label=hard,
        normalized=meaning.competing,
        temperature=scale,
        platt=slopes,
        warnings=tuple(notes),
        reading={
            "kind": word,
            "independent": not meaning.competing,
            **{f"{name}_shape": audio.shape for name in MODALITIES},
            **{f"{name}_width": count for name in MODALITIES},
            "not_read": not_read,
            "dropped": {},
            **file.facts,
        },
    )


def _values(file: Source, name: str) -> FloatArray:
    header, where = file.headers[name], file.where(name)
    if header.dtype.kind not in "fiu":
        raise DataError(f"Expected numbers, got {header.dtype}", where=where, fix="Store soft labels as float32")
    if len(header.shape) != 2:
        fix = "Bring seconds or frames of a clip together first: their mean and their maximum are different labels"
        raise DataError(f"Expected shape (clips, classes), got {header.shape}", where=where, fix=fix)
    if header.shape[0] < 2 or header.shape[1] < 2:
        raise DataError(f"Shape {header.shape} holds too little", where=where, fix="Use two clips and classes or more")
    raw = file.read(name)
    wide = raw.dtype.itemsize > 4 and bool((np.abs(raw[np.isfinite(raw)]) > 1e30).any())
    if wide:
        raise DataError("Values beyond 1e30 are no soft labels", where=where)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is located below
        values: FloatArray = raw.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        row, col = np.argwhere(bad)[0]
        raise DataError(
            f"{int(bad.sum()):,} value(s) are NaN or infinite, the first in row {row}, column {col}",
            where=where,
            fix="Remove these clips, or clip logits to a finite range",
        )
    return values


def _classes(
    file: Source,
    config: SoftLabelFileConfig,
    release: _Release | None,
    count: int,
    limits: Limits,
    notes: list[str],
) -> tuple[str, ...]:
    where = file.where("classes")
    if config.class_names:
        names = clean_names(config.class_names, where="class names", limits=limits)
    elif "classes" in file:
        names = clean_names(texts(file, "classes"), where=where, limits=limits)
    elif release is not None:
        names = release.classes
    else:
        notes.append("The file holds no class names, so the classes are numbered")
        names = numbered("class_", count)
    if len(names) != count:
        raise DataError(f"{len(names)} class names for {count} columns", where=where, fix="Give one name per column")
    check_unique(names, where=where)
    return names


def _split(file: Source, config: SoftLabelFileConfig, release: _Release | None, n: int, notes: list[str]) -> IntArray:
    if config.training_rows > n:
        raise DataError(
            f"{config.training_rows:,} training rows of {n:,} rows", where=file.where(), fix="Use fewer, or 0 for all"
        )
    if config.training_rows:
        file.facts["split_from"] = "training rows"
        split = np.full(n, TEST, np.int8)
        split[: config.training_rows] = TRAIN
        if release is not None and config.training_rows == release.rows[0]:
            split[release.rows[0] : release.rows[0] + release.rows[1]] = VALIDATION
        return split
    if "split" in file:
        header = file.headers["split"]
        if header.shape != (n,):
            raise DataError(f"Expected {n:,} entries, got shape {header.shape}", where=file.where("split"))
        stored = split_indices(file.read("split"), file.where("split"))
        if not (stored == TRAIN).any():
            raise DataError("There are no training clips", where=file.where("split"))
        file.facts["split_from"] = "split"
        return stored
    file.facts["split_from"] = "none"
    if release is not None:
        notes.append(
            f"All rows count as training clips, as in the authors' own graphs, the {release.rows[2]} test clips among "
            f"them; {release.rows[0]} training rows leave validation and test clips out"
        )
    else:
        notes.append("All rows count as training clips, because the file does not say which are")
    return np.full(n, TRAIN, np.int8)


def _hard(file: Source, n: int, count: int) -> IntArray:
    name = next((key for key in ("hard_label", "labels") if key in file), None)
    if name is None:
        return np.full(n, -1, np.int64)
    where = file.where(name)
    header = file.headers[name]
    if header.shape not in ((n,), (n, 1)):
        raise DataError(f"Expected one class index per clip, got shape {header.shape}", where=where)
    hard = whole_numbers(file.read(name).reshape(-1), where)
    if hard.min() < -1 or hard.max() >= count:
        raise DataError(
            f"Labels range over {hard.min()}..{hard.max()} but there are {count} classes",
            where=where,
            fix="Count from 0; use -1 where a label is unknown",
        )
    return hard


def _stored_kind(file: Source) -> str:
    """The word of the file, "" where it has none."""
    if "kind" not in file:
        return ""
    where = file.where("kind")
    if file.headers["kind"].nbytes > 1024:
        raise DataError("Expected one word", where=where)
    values = strings(file.read("kind"), where)
    word = values[0].strip().lower() if len(values) == 1 else ""
    if word not in KINDS:
        raise DataError(f"Unknown kind {word[:40]!r}", where=where, fix=f"Use one of {', '.join(KINDS)}")
    return word
