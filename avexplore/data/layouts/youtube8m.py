"""YouTube-8M as it is distributed: TFRecord shards of video-level features.

Each record is one video: `video_id`, `labels` (all its classes), `mean_audio` (128) and `mean_rgb` (1,024). Since all
labels are there, one of them is kept as the annotation and the others become hidden labels.

References:
    Abu-El-Haija et al., YouTube-8M: A Large-Scale Video Classification Benchmark, arXiv:1609.08675; CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, Report
from avexplore.config import FeatureFileConfig
from avexplore.data.assembly import RawClips
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.names import clean_name, instead
from avexplore.data.files.tables import ClassNames
from avexplore.data.files.tfrecord import Feature, parse_example, read_records
from avexplore.data.layouts.recognize import YOUTUBE8M_SOURCE
from avexplore.errors import DataError
from avexplore.large_arrays import empty, taken

AUDIO, VISUAL, LABELS = "mean_audio", "mean_rgb", "labels"
_USED = {AUDIO, VISUAL, LABELS, "video_id", "id"}
USUAL_CLASSES = 28
"""How many classes are chosen where the user names none."""
_LEAST_CLIPS = 8
_NARROW = 0.5
_LARGEST_LABEL = 10**6


def read_shards(
    paths: Sequence[Path],
    config: FeatureFileConfig,
    names: ClassNames | None,
    report: Report,
    limits: Limits = DEFAULT_LIMITS,
) -> RawClips:
    """Read the clips of several shards, with the chosen classes as labels.

    Clips without any of the classes are left out. The shards hold no split, so test clips are drawn later, class by
    class, with the config's `split_seed`.

    Raises:
        DataError: If a shard is damaged or of another kind, a class is unknown, or a video occurs twice.
    """
    audio: FloatArray | None = None
    visual: FloatArray | None = None
    labels: list[IntArray] = []
    ids: list[str] = []
    others: set[str] = set()
    for i, path in enumerate(paths):
        report(0.2 + 0.5 * i / len(paths), f"Reading shard {i + 1} of {len(paths)}")
        for row, record in enumerate(read_records(path, limits)):
            where = f"record {row} of {path.name}"
            example = parse_example(record, where=where)
            audio = _with_row(audio, len(ids), example, AUDIO, where)
            visual = _with_row(visual, len(ids), example, VISUAL, where)
            labels.append(_labels(example, where))
            ids.append(_identifier(example, where, limits) or f"shard {i} row {row}")
            others |= {name for name in example if name.isprintable()} - _USED
            if row == 0:
                _check_total(len(paths), audio.shape[1] + visual.shape[1], path, limits)
        if len(ids) > limits.clips:
            raise DataError(f"More than {limits.clips:,} clips", where=path.name, fix="Use fewer shards")
    where = paths[0].name if len(paths) == 1 else f"{len(paths)} shards"
    if audio is None or visual is None:
        raise DataError("There are no records", where=where)
    numbers = _chosen(labels, config, names, where)
    true = _multi_hot(labels, numbers)
    kept = np.flatnonzero(true.any(axis=1))
    if len(kept) == 0:
        raise DataError("No clip carries one of the chosen classes", where=where, fix="Choose other classes")
    known = names.names if names is not None else {}
    raw = RawClips(
        where=where,
        audio=taken(audio, kept),
        visual=taken(visual, kept),
        labels=true[kept].astype(np.uint8),
        complete=True,
        classes=[known.get(number, f"class_{number:04d}") for number in numbers],
        clip_ids=[ids[k] for k in kept],
        source=YOUTUBE8M_SOURCE,
        not_read=tuple(sorted(others)),
    )
    occurring = len(np.unique(np.concatenate(labels)))
    if not config.classes:
        raw.notes.append(
            f"Of {occurring:,} classes the {len(numbers)} most frequent ones that occur together were chosen; choose "
            "classes to take others"
        )
    without = len(ids) - len(kept)
    raw.drop("clips_without_label", without, f"Left out: {without:,} clip(s) with none of the classes")
    raw.facts |= {"audio_shape": (len(ids), audio.shape[1]), "visual_shape": (len(ids), visual.shape[1])}
    return raw


def _with_row(rows: FloatArray | None, count: int, example: dict[str, Feature], name: str, where: str) -> FloatArray:
    """The features of `count` records, and of one more; with room for as many again where there is none left."""
    values = floats(example, name, where, width=None if rows is None else rows.shape[1])
    if rows is None:
        rows = empty((1024, values.size), np.float32)
    elif count == len(rows):
        rows = np.concatenate([rows, rows], out=empty((2 * count, values.size), np.float32))
    rows[count] = values
    return rows


def floats(example: dict[str, Feature], name: str, where: str, *, width: int | None = None) -> FloatArray:
    """A feature of a record. Shape (d,), float32.

    Args:
        example: The record.
        name: Of the feature.
        where: The record, for messages.
        width: How many values there must be; None takes any number.

    Raises:
        DataError: If it is not there, holds no finite numbers, or has another width.
    """
    values = example.get(name)
    if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.size == 0:
        others = ", ".join(sorted(key for key in example if key.isprintable())[:8]) or "nothing"
        fix = "Use video-level records of YouTube-8M, which hold mean_audio, mean_rgb and labels"
        raise DataError(f"There is no feature {name!r}, only {others}", where=where, fix=fix)
    if width is not None and values.size != width:
        raise DataError(f"{name} has {values.size} values instead of {width}", where=where)
    if not np.isfinite(values).all():
        raise DataError(f"{name} holds NaN or infinite values", where=where, fix="Remove the record")
    found: FloatArray = values.astype(np.float32, copy=False)
    return found


def _labels(example: dict[str, Feature], where: str) -> IntArray:
    values = example.get(LABELS)
    if values is None:
        raise DataError("There is no feature 'labels'", where=where, fix="Use the shards that carry labels")
    if isinstance(values, list) and not values:
        return np.zeros(0, np.int64)
    if isinstance(values, list) or values.dtype != np.int64:
        raise DataError("Labels must be whole numbers", where=where)
    if values.size and (values.min() < 0 or values.max() > _LARGEST_LABEL):
        raise DataError(f"Labels range over {values.min()}..{values.max()}", where=where, fix="Download it again")
    numbers: IntArray = values.astype(np.int64, copy=False)
    return numbers


def _identifier(example: dict[str, Feature], where: str, limits: Limits) -> str:
    for name in ("video_id", "id"):
        values = example.get(name)
        if isinstance(values, list) and values and values[0]:
            return clean_name(values[0], where=f"{name}, {where}", limits=limits)
    return ""


def _check_total(shards: int, columns: int, path: Path, limits: Limits) -> None:
    # A record of a shard takes about as much memory as on disk.
    limits.check_bytes(shards * path.stat().st_size, where=f"{shards} shards")
    if columns > 2 * limits.columns:
        raise DataError(f"{columns:,} features are beyond the limit", where=path.name)


def _chosen(labels: list[IntArray], config: FeatureFileConfig, names: ClassNames | None, where: str) -> list[int]:
    """Numbers of the classes to keep."""
    flat = np.concatenate(labels) if labels else np.zeros(0, np.int64)
    if flat.size == 0:
        raise DataError("No record carries a label", where=where, fix="Use the train or validate shards")
    if not config.classes:
        return frequent_and_joined(labels, USUAL_CLASSES, names)
    by_name = {f"class_{number:04d}": int(number) for number in np.unique(flat)}
    if names is not None:
        by_name |= {name: number for number, name in names.names.items()}
    numbers = []
    for name in config.classes:
        if name not in by_name:
            hint = "Give the CSV file with the class names as well" if names is None else instead(name, tuple(by_name))
            raise DataError(f"There is no class {name!r}", where=where, fix=hint)
        numbers.append(by_name[name])
    return numbers


def frequent_and_joined(labels: Sequence[IntArray], count: int, names: ClassNames | None = None) -> list[int]:
    """The most frequent classes that co-occur enough to have a graph.

    A class is a candidate if it is on at least 8 clips, on no more than half of them (broader ones say little), and
    has a name where names are known. Of the candidates, the class with the fewest clips shared with other candidates
    is dropped until `count` are left, ties in favor of the more frequent.

    Returns:
        Class numbers, the most frequent first.

    Raises:
        DataError: If fewer than two classes qualify.
    """
    numbers, clips = np.unique(np.concatenate(list(labels)), return_counts=True)
    known = np.array([names is None or int(number) in names.names for number in numbers], bool)
    candidates = known & (clips >= _LEAST_CLIPS) & (clips <= max(_LEAST_CLIPS, _NARROW * len(labels)))
    numbers, clips = numbers[candidates], clips[candidates]
    by_frequency = np.argsort(-clips, kind="stable")[: 6 * count]
    numbers, clips = numbers[by_frequency], clips[by_frequency]
    true = _multi_hot(labels, numbers.tolist()).astype(np.float32)
    alive = np.ones(len(numbers), bool)
    while alive.sum() > count:
        shared = true @ alive.astype(np.float32) > 1
        joined = (true[shared]).sum(axis=0)
        order = np.lexsort((clips, joined))
        alive[next(i for i in order if alive[i])] = False
    kept = [int(number) for number in numbers[alive]]
    if len(kept) < 2:
        raise DataError(
            f"Only {len(kept)} class(es) occur on {_LEAST_CLIPS} clips or more",
            where="YouTube-8M shards",
            fix="Add shards, or name the classes to keep",
        )
    return kept


def _multi_hot(labels: Sequence[IntArray], numbers: Sequence[int]) -> BoolArray:
    true = np.zeros((len(labels), len(numbers)), bool)
    if len(numbers) == 0:
        return true
    lengths = [len(values) for values in labels]
    rows, flat = np.repeat(np.arange(len(labels)), lengths), np.concatenate(list(labels))
    order = np.argsort(numbers)
    ranked = np.asarray(numbers)[order]
    at = np.searchsorted(ranked, flat).clip(0, len(ranked) - 1)
    hit = ranked[at] == flat
    true[rows[hit], order[at[hit]]] = True
    return true
