"""The door to all data: which files make a data set, and reading it from its config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avexplore.artifacts import FeatureSet, Report, silent
from avexplore.config import DataConfig, FeatureFileConfig, SyntheticConfig
from avexplore.data.assembly import RawClips, assemble, one_each
from avexplore.data.files.fingerprint import fingerprint
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.open import Format, open_arrays, role_of, sniff
from avexplore.data.files.tables import columns, names_classes, read_class_names, read_text
from avexplore.data.layouts.recognize import read_layout
from avexplore.data.media.manifest import is_manifest
from avexplore.data.synthetic import generate
from avexplore.errors import DataError

Annotation = Literal["given", "random", "rarest"]
_OF_FEATURES = (".npz", ".npy", ".h5", ".hdf5", ".tfrecord")
"""Names that promise features: what is none of the formats there is no table that lacks its columns."""


def feature_file(
    *paths: str | Path,
    annotation: Annotation | Literal["auto"] = "auto",
    classes: Sequence[str] = (),
    validation_fraction: float = 0.15,
    split_seed: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> FeatureFileConfig:
    """The config of a data set in files: tells the format, orders the files, computes the fingerprint.

    One npz or HDF5 file; or several npy or HDF5 files named after what they hold (audio, visual, labels, ...); or
    YouTube-8M TFRecord shards. Beside them, a CSV file of class names (`label_id,label_name`), and a manifest of media
    files, which is no part of the data set: `media_manifest` finds it.

    Args:
        paths: The files, in any order.
        annotation: Which of several true labels is kept; "auto" is "given" where
            the files hold one, else "random".
        classes: Keep these classes only; empty keeps all (of TFRecords: the most frequent ones that co-occur).
        validation_fraction: Share of the training clips that validate, where the files do not say.
        split_seed: Draws validation clips, test clips where the files do not say, and the random annotation.
        limits: Bounds on sizes.

    Raises:
        DataError: If the files cannot make a data set together.
    """
    bundle = _bundle([Path(p) for p in paths], limits)
    if annotation == "auto":
        annotation = bundle.usual_annotation(limits)
    return FeatureFileConfig(
        fingerprint=bundle.fingerprint(limits),
        paths=tuple(str(p.absolute()) for p in bundle.paths if p != bundle.media),
        annotation=annotation,
        classes=tuple(classes),
        validation_fraction=validation_fraction,
        split_seed=split_seed,
    )


def media_manifest(paths: Sequence[str | Path], limits: Limits = DEFAULT_LIMITS) -> Path | None:
    """The manifest of media files among the files of a data set, or the one that `avexplore features` left beside them.

    Args:
        paths: As for `feature_file`.
        limits: Bounds on sizes.

    Returns:
        Its path; None if there is none.
    """
    given = [Path(path) for path in paths]
    for path in given:
        if path.suffix.lower() in (".csv", ".json") and is_media_manifest(path, limits):
            return path
    beside = (path.with_name(f"{path.stem}.media") / "manifest.csv" for path in given)
    return next((path for path in beside if path.is_file()), None)


def is_media_manifest(path: Path, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Whether a file of text is a manifest of media files rather than a table of class names.

    Raises:
        DataError: If it is no text.
    """
    text = read_text(path, limits)
    if path.suffix.lower() == ".json":
        return True
    header = columns(text, where=path.name)
    return is_manifest(header) and not names_classes(header)


def load_features(config: DataConfig, report: Report = silent, *, limits: Limits = DEFAULT_LIMITS) -> FeatureSet:
    """Generate or read the clips that a config names.

    Raises:
        DataError: If files are missing, have changed, or hold something that cannot be used.
    """
    if isinstance(config, SyntheticConfig):
        return generate(config, report)
    if not config.paths:
        raise DataError(
            "It is not known where the features lie", where="features", fix="Open the files again by their paths"
        )
    bundle = _bundle([Path(p) for p in config.paths], limits)
    report(0.05, "Checking the files")
    known = bundle.fingerprint(limits) == config.fingerprint
    if not known and (bundle.media is None or bundle.fingerprint(limits, with_media=True) != config.fingerprint):
        raise DataError(
            "The files have changed since they were opened, or are others",
            where=", ".join(p.name for p in bundle.paths[:3]),
            fix="Open them again; results of the old files stay valid under the old name",
        )
    report(0.2, "Reading the features")
    raw = bundle.read(config, report, limits)
    report(0.8, "Checking the clips")
    features = assemble(raw, config, limits)
    report(1.0, f"Read {len(features.hard_label):,} clips of {len(features.classes)} classes")
    return features


@dataclass(frozen=True)
class _Bundle:
    """Files that make one data set."""

    format: Format
    arrays: tuple[Path, ...]
    """Files of arrays or shards, in their canonical order."""
    roles: tuple[str, ...]
    names: Path | None
    media: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*self.arrays, *(p for p in (self.names, self.media) if p is not None))

    def fingerprint(self, limits: Limits, *, with_media: bool = False) -> str:
        """Of the features and the names of classes. Where media files lie changes no result.

        Args:
            limits: On file sizes.
            with_media: As it was until manifests were left out of it: configs that were stored then stay valid.
        """
        media = self.media if with_media else None
        tables = [(role, path) for role, path in (("class names", self.names), ("media files", media)) if path]
        roles = [*self.roles, *(role for role, _ in tables)]
        paths = [*self.arrays, *(path for _, path in tables)]
        return fingerprint(paths, roles if any(roles) else (), limits=limits)

    def usual_annotation(self, limits: Limits) -> Annotation:
        if self.format == "tfrecord":
            return "random"
        if len(self.arrays) > 1 and self.format != "npy":
            return "given"  # the AVE release: one class per clip
        with open_arrays(self.arrays, limits) as file:
            headers = file.headers
            if {"hard_label", "annotated"} & set(headers):
                return "given"
            matrix = "labels" in headers and len(headers["labels"].shape) == 2 and headers["labels"].shape[1] > 1
            return "random" if matrix and not one_each(file.read("labels")) else "given"

    def read(self, config: FeatureFileConfig, report: Report, limits: Limits) -> RawClips:
        names = None if self.names is None else read_class_names(self.names, limits)
        if self.format == "tfrecord":
            from avexplore.data.layouts.youtube8m import read_shards

            raw = read_shards(self.arrays, config, names, report, limits)
        else:
            with open_arrays(self.arrays, limits) as file:
                raw = read_layout(file, limits)
            if names is not None and self.names is not None:
                where = self.names.name
                raw.classes = names.in_order(where=where)
                raw.at = {**raw.at, "classes": where}
        return raw


def _bundle(paths: Sequence[Path], limits: Limits) -> _Bundle:
    formats = [sniff(path, limits) for path in paths]
    for path, kind in zip(paths, formats, strict=True):
        # What is none of the formats is told by its name: first bytes alone leave a text, or a damaged TFRecord.
        named = path.suffix.lower()
        if named in _OF_FEATURES and (kind == "csv" or (kind == "tfrecord" and named != ".tfrecord")):
            raise DataError(
                "The format was not recognized", where=path.name, fix="Use npz, npy, HDF5 or YouTube-8M TFRecord files"
            )
    tables = [path for path, kind in zip(paths, formats, strict=True) if kind == "csv"]
    media = [path for path in tables if is_media_manifest(path, limits)]
    names = [path for path in tables if path not in media]
    for path in names:
        read_class_names(path, limits)
    if len(names) > 1 or len(media) > 1:
        extra = (names if len(names) > 1 else media)[1]
        raise DataError("There is already a table of this kind", where=extra.name, fix="Give one table of each kind")
    arrays = [(path, kind) for path, kind in zip(paths, formats, strict=True) if kind != "csv"]
    if not arrays:
        raise DataError(
            "No file of features was given",
            where=", ".join(p.name for p in paths[:3]) or "data",
            fix="Give an npz, npy, HDF5 or YouTube-8M TFRecord file",
        )
    kinds = {kind for _, kind in arrays}
    if "tfrecord" in kinds:
        if len(kinds) > 1:
            raise DataError("TFRecord shards cannot be mixed with other files", where=arrays[0][0].name)
        return _Bundle("tfrecord", tuple(p for p, _ in arrays), ("",) * len(arrays), *_first(names, media))
    if len(arrays) == 1:
        return _Bundle(arrays[0][1], (arrays[0][0],), ("",), *_first(names, media))
    # Several files of one array each: their names say what they hold, so their order does not matter.
    ordered = sorted((path for path, _ in arrays), key=role_of)
    return _Bundle(arrays[0][1], tuple(ordered), tuple(role_of(p) for p in ordered), *_first(names, media))


def _first(names: list[Path], media: list[Path]) -> tuple[Path | None, Path | None]:
    return (names[0] if names else None), (media[0] if media else None)
