"""Which arrays a file of features holds, and what they mean. The container (npz, npy, HDF5) does not matter here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avexplore.data.assembly import RawClips
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.npy import ArrayFile
from avexplore.data.layouts.ave import read_release
from avexplore.data.layouts.columns import column, features, split_indices, texts, train_test_indices
from avexplore.data.splits import TEST, TRAIN
from avexplore.errors import DataError

YOUTUBE8M_SOURCE = "YouTube-8M (Abu-El-Haija et al., arXiv:1609.08675), CC BY 4.0"


def read_layout(file: ArrayFile, limits: Limits = DEFAULT_LIMITS) -> RawClips:
    """Recognize the layout of a file by the names of its arrays, and read it.

    Raises:
        DataError: If the arrays are of no known layout.
    """
    names = set(file.headers)
    for needed, read in _LAYOUTS:
        if needed <= names:
            raw = read(file, limits)
            raw.at = {name: file.where(name) for name in names}
            return raw
    where = file.where()
    if {"audio", "visual"} <= names:
        raise DataError(
            "There are audio and visual arrays but no labels",
            where=where,
            fix="Add `labels`: one class index per clip; predictions of a teacher, one column per class, go to "
            "`avexplore graph FILE.npz` or the Soft labels page",
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
    if len(known["labels"].shape) == 3:
        return read_release(file, limits)
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
        raise DataError("Media paths need one entry and a clip id per clip", where=file.where("media"))
    return RawClips(
        where=file.where(),
        audio=features(file, "audio", limits),
        visual=features(file, "visual", limits),
        labels=file.read("labels"),
        classes=strings.get("classes"),
        annotated=annotated,
        split=split_indices(column(file, "split"), file.where("split")) if "split" in known else None,
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
                    where=file.where(key),
                    fix="Both modalities and the labels must list the same clips in the same order",
                )
            halves.append(column(file, key, squeeze=True) if name == "labels" else features(file, key, limits))
        if halves[0].shape[1:] != halves[1].shape[1:]:
            raise DataError(
                f"Training clips have shape {halves[0].shape[1:]}, test clips {halves[1].shape[1:]}",
                where=f"{short} in {file.where()}",
            )
        parts[name] = np.concatenate(halves)
    split = np.repeat(np.array([TRAIN, TEST], np.int8), [max(lengths["train"], 0), max(lengths["test"], 0)])
    classes = texts(file, "classes") if "classes" in file.headers else None
    return RawClips(
        where=file.where(),
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
        where=file.where(),
        audio=features(file, "audio_feat", limits),
        visual=features(file, "visual_feat", limits),
        labels=column(file, "Label_ID", squeeze=True),
        split=train_test_indices(column(file, key, squeeze=True), file.where(key)),
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
