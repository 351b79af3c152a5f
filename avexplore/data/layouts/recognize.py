"""Which arrays a file of features holds, and what they mean. The container (npz, npy, HDF5) does not matter here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import MODALITIES, SPLITS
from avexplore.data.assembly import RawClips, one_each
from avexplore.data.files.arrays import ArrayFile, Header
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.layouts.ave import ORDERS, read_release, without_background
from avexplore.data.layouts.columns import column, feature_axis, features, texts, train_test_indices
from avexplore.data.layouts.names import other_words, split_parts, without_group
from avexplore.data.layouts.pairs import aligned, has_two_orders
from avexplore.data.layouts.source import Source
from avexplore.data.layouts.told_split import says_split_anew, told_split
from avexplore.data.splits import TEST, TRAIN
from avexplore.errors import DataError
from avexplore.large_arrays import empty

Reader = Callable[[Source, Limits], RawClips]

YOUTUBE8M_SOURCE = "YouTube-8M (Abu-El-Haija et al., arXiv:1609.08675), CC BY 4.0"


def read_layout(file: ArrayFile, limits: Limits = DEFAULT_LIMITS) -> RawClips:
    """Recognize the layout of a file by the names of its arrays, and read it.

    Raises:
        DataError: If the arrays are of no known layout, or one that is needed cannot be read.
    """
    source, read = _recognized(file)
    raw = read(source, limits)
    raw.at = {name: source.where(name) for name in source.names} | dict(raw.at)
    raw.notes, raw.facts = source.notes, source.facts
    raw.not_read = source.not_read()
    for name in MODALITIES:
        if name in source.headers:
            raw.facts[f"{name}_shape"] = source.headers[name].shape
    return raw


def holds_several_labels(file: ArrayFile) -> bool:
    """Whether clips have several true labels, none of which is marked as the annotation.

    Raises:
        DataError: If the arrays are of no known layout.
    """
    source, _ = _recognized(file)
    if "labels" not in source.headers or {"hard_label", "annotated"} & set(source.headers):
        return False
    shape = source.headers["labels"].shape
    if len(shape) < 2 or min(shape) < 2 or source.headers["labels"].dtype.kind not in "biuf":
        return False
    labels = source.read("labels")
    if len(shape) == 3 or set(ORDERS) & source.names:
        labels = without_background(labels)
        return bool((np.count_nonzero(labels, axis=1) > 1).any())
    return not one_each(labels)


def is_read_anew(headers: Mapping[str, Header]) -> bool:
    """Whether earlier versions read something else out of such a file, or left a part of it unread."""
    shapes = [headers[name].shape for name in MODALITIES if name in headers]
    try:
        moved = any(len(shape) > 2 and feature_axis(shape, "") != len(shape) - 1 for shape in shapes)
    except DataError:
        moved = True
    has_orders = "labels" in headers and len(headers["labels"].shape) < 3 and bool(set(ORDERS) & set(headers))
    has_words = set(headers) >= _NEEDED and bool(_optional_words(headers))
    return moved or has_words or has_orders or has_two_orders(headers) or says_split_anew(headers)


def _recognized(file: ArrayFile) -> tuple[Source, Reader]:
    """The arrays under the names of the first layout that fits, and how that is read."""
    names = {*file.headers, *file.refused}
    if names >= _NEEDED and (words := _optional_words(file.headers)):
        source = Source(file, words)
        source.need(_NEEDED)
        source.say("Read " + ", ".join(f"{theirs} as {ours}" for ours, theirs in words.items()))
        return source, _read_own
    if found := _in_view(file, {}, ""):
        return found
    parts = split_parts(names)
    if {TRAIN, TEST} <= set.intersection(*({*parts.get(name, {})} for name in _NEEDED)):
        view = {f"{name}_{SPLITS[part]}": stored for name, by in parts.items() for part, stored in by.items()}
        source = Source(file, view)
        source.need(view)
        return source, _read_parts
    for group, view in without_group(names).items():
        if found := _in_view(file, view, f"The arrays are those of the group {group}"):
            return found
    words = other_words(names)
    said = ", ".join(f"{theirs} as {ours}" for ours, theirs in words.items())
    if found := _in_view(file, words, f"Read {said}"):
        return found
    raise _unknown(file, names)


def _optional_words(headers: Mapping[str, Header]) -> dict[str, str]:
    """Names of classes and clips, and a split, beside our own arrays in other words and of a shape that fits."""
    if "audio" not in headers or not headers["audio"].shape:
        return {}
    one_each = headers["audio"].shape[:1]
    found = {}
    for ours, theirs in other_words(headers).items():
        header = headers[theirs]
        fits = {
            "split": header.shape == one_each,
            "clip_ids": header.shape == one_each and header.dtype.kind in "SU" and not has_two_orders(headers),
            "classes": len(header.shape) == 1 and header.dtype.kind in "SU" and header.shape != one_each,
        }
        if fits.get(ours):
            found[ours] = theirs
    return found


def _in_view(file: ArrayFile, view: Mapping[str, str], said: str) -> tuple[Source, Reader] | None:
    """The arrays under other names, and how they are read; None if they are of no layout."""
    seen = {*view, *({*file.headers, *file.refused} - set(view.values()))}
    for needed, read in _LAYOUTS:
        if needed <= seen:
            source = Source(file, view)
            source.need(needed)
            if view:
                source.say(said)
            return source, read
    return None


def _unknown(file: ArrayFile, names: set[str]) -> DataError:
    where = file.where()
    for name in sorted(file.refused):
        if "pandas" in file.refused[name].what or (name in _NEEDED and names >= _NEEDED):
            return file.refused[name]
    if {"audio", "visual"} <= names:
        return DataError(
            "There are audio and visual arrays but no labels",
            where=where,
            fix="Add `labels`: one class index per clip; predictions of a teacher, one column per class, go to "
            "`avexplore graph FILE.npz` or the Soft labels page",
        )
    closest, missing = min(((needed, needed - names) for needed, _ in _LAYOUTS), key=lambda pair: len(pair[1]))
    fix = "Store `audio`, `visual` and `labels`"
    if len(missing) < len(closest):
        fix = f"To be read as {', '.join(sorted(closest))} it lacks {', '.join(sorted(missing))}"
    groups = without_group(names)
    if len(groups) > 12:
        some = ", ".join(sorted(groups)[:3])
        return DataError(
            f"It holds {len(groups):,} groups ({some}, ...), perhaps one for each clip",
            where=where,
            fix="Store one array per modality, with one row per clip: `audio`, `visual` and `labels`",
        )
    found = ", ".join(sorted(names)[:12]) or "nothing"
    return DataError(f"Its arrays are of no known layout: {found}", where=where, fix=fix)


def _read_own(file: Source, limits: Limits) -> RawClips:
    """The layout that `export_features` writes; only `audio`, `visual` and `labels` are needed."""
    if len(file.headers["labels"].shape) == 3 or set(ORDERS) & file.names:
        return read_release(file, limits)
    strings = {k: texts(file, k) for k in ("classes", "clip_ids", "media", "source", "provenance") if k in file}
    optional = {k: file.read(k) for k in ("true_audio", "true_visual", "true_graph") if k in file}
    annotated: dict[str, NDArray] = {}
    for key, how in (
        ("hard_label", "given"),
        ("annotated", "given"),
        ("annotated_random", "random"),
        ("annotated_rarest", "rarest"),
    ):
        if key in file:
            annotated.setdefault(how, column(file, key))
    if "given" not in annotated and "random" in annotated:
        annotated["given"] = annotated["random"]
    youtube8m = {"annotated_random", "shard", "row"} <= file.names
    ids = strings.get("clip_ids")
    if ids is None and youtube8m:
        shard, row = column(file, "shard"), column(file, "row")
        ids = [f"shard {s} row {r}" for s, r in zip(shard.tolist(), row.tolist(), strict=False)]
    source = " ".join(strings.get("source", []))[:500]
    media = strings.get("media")
    n = file.headers["audio"].shape[0] if file.headers["audio"].shape else 0
    if media is not None and (ids is None or len(media) != n):
        raise DataError("Media paths need one entry and a clip id per clip", where=file.where("media"))
    audio, visual = (features(file, name, limits) for name in MODALITIES)
    audio, visual, ordered = aligned(file, audio, visual, ids)
    return RawClips(
        where=file.where(),
        audio=audio,
        visual=visual,
        labels=file.read("labels"),
        classes=strings.get("classes"),
        annotated=annotated,
        split=told_split(file, n),
        clip_ids=ordered,
        media={} if media is None or ids is None else dict(zip(ids, media, strict=True)),
        source=source or (YOUTUBE8M_SOURCE if youtube8m else ""),
        true_audio=optional.get("true_audio"),
        true_visual=optional.get("true_visual"),
        true_graph=optional.get("true_graph"),
    )


def _read_layout_a(file: Source, limits: Limits) -> RawClips:
    """`audio_train`, `audio_test`, `visual_train`, ... `lab_test`, as AVE and VEGAS features are often shared."""
    return _joined_parts(file, {"audio": "audio", "visual": "visual", "labels": "lab"}, ("train", "test"), limits)


def _read_parts(file: Source, limits: Limits) -> RawClips:
    """The same in other words, perhaps with validation clips: `train/audio`, `y_test`, `val_video` ..."""
    found = [part for part in SPLITS if all(f"{name}_{part}" in file.headers for name in _NEEDED)]
    return _joined_parts(file, {name: name for name in _NEEDED}, found, limits)


def _joined_parts(file: Source, words: Mapping[str, str], found: Sequence[str], limits: Limits) -> RawClips:
    parts: dict[str, NDArray] = {}
    lengths: dict[str, int] = {}
    at = {}
    for name in ("audio", "visual", "labels"):
        pieces = []
        keys = {part: f"{words[name]}_{part}" for part in found}
        for part, key in keys.items():
            rows = file.headers[key].shape[0] if file.headers[key].shape else -1
            if name == "labels" and file.headers[key].shape[:1] == (1,) and lengths[part] > 1:
                rows = file.headers[key].shape[1]  # a row vector of MATLAB
            if lengths.setdefault(part, rows) != rows:
                raise DataError(
                    f"{rows:,} rows where audio_{part} has {lengths[part]:,}",
                    where=file.where(key),
                    fix="Both modalities and the labels must list the same clips in the same order",
                )
            pieces.append(column(file, key, squeeze=True) if name == "labels" else features(file, key, limits))
        for part, piece in zip(found[1:], pieces[1:], strict=True):
            if piece.shape[1:] != pieces[0].shape[1:]:
                raise DataError(
                    f"Training clips have shape {pieces[0].shape[1:]}, {part} clips {piece.shape[1:]}",
                    where=f"{words[name]} in {file.where()}",
                )
        shape = (sum(map(len, pieces)), *pieces[0].shape[1:])
        parts[name] = np.concatenate(pieces, out=empty(shape, np.result_type(*pieces)))
        at[name] = ", ".join(file.where(key) for key in keys.values())
        if name != "labels":
            file.facts[f"{name}_shape"] = tuple(file.headers[key].shape for key in keys.values())
    counts = [max(lengths[part], 0) for part in found]
    file.say(f"The split is that of the arrays for {', '.join(found)}", split_from="arrays per split")
    starts = dict(zip(found, np.cumsum([0, *counts]).tolist(), strict=False))

    def row(i: int) -> str:
        part = next(part for part in reversed(found) if i >= starts[part])
        return f"row {i - starts[part]} of {part}"

    return RawClips(
        where=file.where(),
        audio=parts["audio"],
        visual=parts["visual"],
        labels=parts["labels"],
        split=np.repeat(np.array([SPLITS.index(part) for part in found], np.int8), counts),
        classes=texts(file, "classes") if "classes" in file else None,
        row=row,
        at=at,
    )


def _read_layout_b(file: Source, limits: Limits) -> RawClips:
    """`audio_feat`, `visual_feat`, `Label_ID` and `Train_test` or `Split` with "1" for train, "0" for test."""
    key = "Train_test" if "Train_test" in file else "Split"
    file.say(f"The split is that of {key}, with 1 for train and 0 for test", split_from=key)
    for name in MODALITIES:
        file.facts[f"{name}_shape"] = file.headers[f"{name}_feat"].shape
    return RawClips(
        where=file.where(),
        audio=features(file, "audio_feat", limits),
        visual=features(file, "visual_feat", limits),
        labels=column(file, "Label_ID", squeeze=True),
        split=train_test_indices(column(file, key, squeeze=True), file.where(key)),
        classes=texts(file, "classes") if "classes" in file else None,
        at={"audio": file.where("audio_feat"), "visual": file.where("visual_feat"), "labels": file.where("Label_ID")},
    )


_NEEDED = frozenset({"audio", "visual", "labels"})
_LAYOUTS = (
    (_NEEDED, _read_own),
    (
        frozenset({"audio_train", "audio_test", "visual_train", "visual_test", "lab_train", "lab_test"}),
        _read_layout_a,
    ),
    (frozenset({"audio_feat", "visual_feat", "Label_ID", "Train_test"}), _read_layout_b),
    (frozenset({"audio_feat", "visual_feat", "Label_ID", "Split"}), _read_layout_b),
)
