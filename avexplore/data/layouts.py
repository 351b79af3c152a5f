"""Which arrays a file of features holds, and what they mean. The container (npz, npy, HDF5) does not matter here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import SPLITS, FloatArray, IntArray
from avexplore.data.arrays import ArrayFile, Header
from avexplore.data.assembly import RawClips
from avexplore.data.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from avexplore.data.splits import TEST, TRAIN, VALIDATION
from avexplore.errors import DataError

YOUTUBE8M_SOURCE = "YouTube-8M (Abu-El-Haija et al., arXiv:1609.08675), CC BY 4.0"

_SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "1": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "0": TEST,
}
_SLAB = 64 * MEBIBYTE


def read_layout(file: ArrayFile, limits: Limits = DEFAULT_LIMITS) -> RawClips:
    """Recognize the layout of a file by the names of its arrays, and read it.

    Raises:
        DataError: If the arrays are of no known layout.
    """
    names = set(file.headers)
    for needed, read in _LAYOUTS:
        if needed <= names:
            return read(file, limits)
    where = file.path.name
    if {"audio", "visual"} <= names:
        raise DataError(
            "There are audio and visual arrays but no labels",
            where=where,
            fix="Add `labels`: one class index per clip; for predictions of a teacher load them as soft labels",
        )
    found = ", ".join(sorted(names)[:12]) or "nothing"
    closest, missing = min(((needed, needed - names) for needed, _ in _LAYOUTS), key=lambda pair: len(pair[1]))
    fix = "Store `audio`, `visual` and `labels`"
    if len(missing) < len(closest):
        fix = f"To be read as {', '.join(sorted(closest))} it lacks {', '.join(sorted(missing))}"
    raise DataError(f"Its arrays are of no known layout: {found}", where=where, fix=fix)


def _read_own(file: ArrayFile, limits: Limits) -> RawClips:
    """The layout that `export_features` writes; only `audio`, `visual` and `labels` are needed."""
    known = file.headers
    strings = {k: texts(file, k) for k in ("classes", "clip_ids", "media", "source") if k in known}
    optional = {k: file.read(k) for k in ("true_audio", "true_visual", "true_graph") if k in known}
    annotated: dict[str, NDArray] = {}
    for key, how in (
        ("hard_label", "given"),
        ("annotated", "given"),
        ("annotated_random", "random"),
        ("annotated_rarest", "rarest"),
    ):
        if key in known:
            annotated.setdefault(how, column(file, key))
    if "given" not in annotated and "random" in annotated:
        annotated["given"] = annotated["random"]
    youtube8m = {"annotated_random", "shard", "row"} <= set(known)
    ids = strings.get("clip_ids")
    if ids is None and youtube8m:
        shard, row = column(file, "shard"), column(file, "row")
        ids = [f"shard {s} row {r}" for s, r in zip(shard.tolist(), row.tolist(), strict=False)]
    source = " ".join(strings.get("source", []))[:500]
    media = strings.get("media")
    n = known["audio"].shape[0] if known["audio"].shape else 0
    if media is not None and (ids is None or len(media) != n):
        raise DataError("Media paths need one entry and a clip id per clip", where=f"media in {file.path.name}")
    return RawClips(
        where=file.path.name,
        audio=features(file, "audio", limits),
        visual=features(file, "visual", limits),
        labels=file.read("labels"),
        classes=strings.get("classes"),
        annotated=annotated,
        split=split_indices(column(file, "split"), file.path.name) if "split" in known else None,
        clip_ids=ids,
        media={} if media is None or ids is None else dict(zip(ids, media, strict=True)),
        source=source or (YOUTUBE8M_SOURCE if youtube8m else ""),
        true_audio=optional.get("true_audio"),
        true_visual=optional.get("true_visual"),
        true_graph=optional.get("true_graph"),
    )


def _read_layout_a(file: ArrayFile, limits: Limits) -> RawClips:
    """`audio_train`, `audio_test`, `visual_train`, ... `lab_test`, as AVE and VEGAS features are often shared."""
    parts: dict[str, NDArray] = {}
    lengths: dict[str, int] = {}
    for short, name in (("audio", "audio"), ("visual", "visual"), ("lab", "labels")):
        halves = []
        for part in ("train", "test"):
            key = f"{short}_{part}"
            rows = file.headers[key].shape[0] if file.headers[key].shape else -1
            if lengths.setdefault(part, rows) != rows:
                raise DataError(
                    f"{rows:,} rows where audio_{part} has {lengths[part]:,}",
                    where=f"{key} in {file.path.name}",
                    fix="Both modalities and the labels must list the same clips in the same order",
                )
            halves.append(column(file, key, squeeze=True) if name == "labels" else features(file, key, limits))
        if halves[0].shape[1:] != halves[1].shape[1:]:
            raise DataError(
                f"Training clips have shape {halves[0].shape[1:]}, test clips {halves[1].shape[1:]}",
                where=f"{short} in {file.path.name}",
            )
        parts[name] = np.concatenate(halves)
    split = np.repeat(np.array([TRAIN, TEST], np.int8), [max(lengths["train"], 0), max(lengths["test"], 0)])
    classes = texts(file, "classes") if "classes" in file.headers else None
    return RawClips(
        where=file.path.name,
        audio=parts["audio"],
        visual=parts["visual"],
        labels=parts["labels"],
        split=split,
        classes=classes,
    )


def _read_layout_b(file: ArrayFile, limits: Limits) -> RawClips:
    """`audio_feat`, `visual_feat`, `Label_ID` and `Train_test` or `Split` with "1" for train, "0" for test."""
    key = "Train_test" if "Train_test" in file.headers else "Split"
    return RawClips(
        where=file.path.name,
        audio=features(file, "audio_feat", limits),
        visual=features(file, "visual_feat", limits),
        labels=column(file, "Label_ID", squeeze=True),
        split=split_indices(column(file, key, squeeze=True), file.path.name),
        classes=texts(file, "classes") if "classes" in file.headers else None,
    )


_LAYOUTS = (
    (frozenset({"audio", "visual", "labels"}), _read_own),
    (
        frozenset({"audio_train", "audio_test", "visual_train", "visual_test", "lab_train", "lab_test"}),
        _read_layout_a,
    ),
    (frozenset({"audio_feat", "visual_feat", "Label_ID", "Train_test"}), _read_layout_b),
    (frozenset({"audio_feat", "visual_feat", "Label_ID", "Split"}), _read_layout_b),
)


def features(file: ArrayFile, name: str, limits: Limits = DEFAULT_LIMITS) -> FloatArray:
    """Features averaged over all axes but the first and the last. Shape (n, d), floating point.

    Read slab by slab, so that an array with a time axis never lies in memory as a whole.
    """
    header = file.headers[name]
    where = f"{name} in {file.path.name}"
    if header.dtype.kind not in "fiu":
        raise DataError(f"Expected numbers, got {header.dtype}", where=where, fix="Store the features as float32")
    if len(header.shape) < 2 or 0 in header.shape:
        raise DataError(
            f"Expected one row of features per clip, got shape {header.shape}",
            where=where,
            fix="Store (clips, features), or (clips, seconds, features) to be averaged",
        )
    if len(header.shape) == 2:
        limits.check_bytes(header.nbytes, where=where)
        return file.read(name)
    n, d = header.shape[0], header.shape[-1]
    limits.check_bytes(n * d * 4, where=where)
    means = np.empty((n, d), np.float32)
    rows = max(1, _SLAB // max(1, header.nbytes // n))
    for start in range(0, n, rows):
        slab = file.read_rows(name, start, start + rows)
        means[start : start + rows] = slab.mean(axis=tuple(range(1, slab.ndim - 1)), dtype=np.float64)
    return means


def column(file: ArrayFile, name: str, *, squeeze: bool = False) -> NDArray:
    """A vector; with `squeeze` also from shape (n, 1)."""
    header: Header = file.headers[name]
    shape = header.shape
    if squeeze and len(shape) == 2 and name.lower().startswith("lab") and shape[1] > 1:
        return file.read(name)
    fits = len(shape) == 1 or (squeeze and len(shape) == 2 and shape[1] == 1)
    if not fits:
        raise DataError(f"Expected one entry per clip, got shape {shape}", where=f"{name} in {file.path.name}")
    return file.read(name).reshape(-1)


def texts(file: ArrayFile, name: str) -> list[str]:
    """The strings of an array, as they are stored.

    Raises:
        DataError: If the array holds something else, or bytes that are no text.
    """
    return strings(file.read(name), where=f"{name} in {file.path.name}")


def strings(values: NDArray, where: str) -> list[str]:
    """The entries of an array of fixed-length strings, as Python strings."""
    if values.dtype.kind not in "SU" or values.ndim > 1:
        raise DataError(f"Expected a list of strings, got {values.dtype} of shape {values.shape}", where=where)
    try:
        flat = values.reshape(-1).tolist()
        return [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in flat]
    except (ValueError, UnicodeError) as error:
        raise DataError("Some strings are damaged", where=where, fix="Store them again") from error


def split_indices(values: NDArray, where: str) -> IntArray:
    """Index into `SPLITS` per clip, from words ("train", "test", ...), from "1" = train and "0" = test, or from 0/1.

    Numbers mean what the strings mean, except where 2 occurs: then they are indices into train, validation, test.
    """
    where = f"split in {where}"
    fix = f"Use the words {', '.join(SPLITS)}, or 1 for train and 0 for test"
    if values.dtype.kind in "SU":
        raw = [text.strip().lower() for text in strings(values, where)]
        known: Mapping[str, int] = _SPLIT_WORDS
        if unknown := [text for text in raw if text not in known]:
            raise DataError(f"Unknown split {unknown[0][:40]!r}", where=where, fix=fix)
        return np.array([known[text] for text in raw], np.int8)
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1, 2)).all():
        raise DataError("Unknown split", where=where, fix=fix)
    whole = values.astype(np.int8)
    if (whole == 2).any():
        return whole
    return np.where(whole == 1, TRAIN, TEST).astype(np.int8)
