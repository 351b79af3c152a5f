"""The door to all data: which files make a data set, and reading it from its config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avexplore.artifacts import FeatureSet, Report, silent
from avexplore.config import DataConfig, FeatureFileConfig, SyntheticConfig
from avexplore.data.assembly import RawClips, assemble
from avexplore.data.files.container import Container
from avexplore.data.files.fingerprint import fingerprint
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.open import CONTAINERS, known_formats, open_arrays, role_of, sniff
from avexplore.data.files.tables import columns, is_list, names_classes, read_class_names, read_text
from avexplore.data.layouts.recognize import holds_several_labels, is_read_anew, read_layout
from avexplore.data.media.manifest import is_manifest
from avexplore.data.synthetic import generate
from avexplore.data.thinning import thinned
from avexplore.errors import DataError

Annotation = Literal["given", "random", "rarest"]
_OF_FEATURES = {suffix: container for container in CONTAINERS[:-1] for suffix in container.suffixes}
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
    YouTube-8M TFRecord shards. Beside them, a file of class names (CSV with `label_id,label_name`, or .txt with one a
    line), and a manifest of media files, which is no part of the data set: `media_manifest` finds it.

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
    usual, is_anew = bundle.look_inside(limits)
    annotation = usual if annotation == "auto" else annotation
    return FeatureFileConfig(
        fingerprint=bundle.fingerprint(limits),
        paths=tuple(str(p.absolute()) for p in bundle.paths if p != bundle.media),
        annotation=annotation,
        classes=tuple(classes),
        validation_fraction=validation_fraction,
        split_seed=split_seed,
        # Results of files that are understood as ever keep their address.
        reading=2 if is_anew else 1,
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
    if is_list(path):
        return False
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
        return thinned(generate(config, report), config.train_fraction, config.seed)
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
    limits.check_clips(len(raw.audio), sum(path.stat().st_size for path in bundle.arrays), where=raw.where)
    report(0.8, "Checking the clips")
    features = thinned(assemble(raw, config, limits), config.train_fraction, config.split_seed)
    report(1.0, f"Read {len(features.hard_label):,} clips of {len(features.classes)} classes")
    return features


@dataclass(frozen=True)
class _Bundle:
    """Files that make one data set."""

    container: Container
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

    def look_inside(self, limits: Limits) -> tuple[Annotation, bool]:
        """The annotation that fits, and whether earlier versions understood the arrays differently."""
        if self.container.holds == "records":
            return "random", False
        with open_arrays(self.arrays, limits) as file:
            return "random" if holds_several_labels(file) else "given", is_read_anew(file.headers)

    def read(self, config: FeatureFileConfig, report: Report, limits: Limits) -> RawClips:
        names = None if self.names is None else read_class_names(self.names, limits)
        if self.container.holds == "records":
            from avexplore.data.layouts.youtube8m import read_shards

            raw = read_shards(self.arrays, config, names, report, limits)
        else:
            with open_arrays(self.arrays, limits) as file:
                if config.reading == 1 and is_read_anew(file.headers):
                    raise DataError(
                        "An earlier version understood a part of these files differently (the split, the order of "
                        "clips or the axis of the features)",
                        where=file.where(),
                        fix="Open them again; results of before stay valid under their own name",
                    )
                raw = read_layout(file, limits)
            if names is not None and self.names is not None:
                where = self.names.name
                raw.classes = names.in_order(where=where)
                raw.at = {**raw.at, "classes": where}
        return raw


def _bundle(paths: Sequence[Path], limits: Limits) -> _Bundle:
    found = [(path, sniff(path, limits)) for path in paths]
    for path, container in found:
        # What is none of the formats is told by its name: first bytes alone leave a text, or a damaged TFRecord.
        promised = _OF_FEATURES.get(path.suffix.lower())
        if promised and (container.holds == "table" or (container.holds == "records" and promised is not container)):
            raise DataError("The format was not recognized", where=path.name, fix=f"Use {known_formats()} files")
    tables = [path for path, container in found if container.holds == "table"]
    media = [path for path in tables if is_media_manifest(path, limits)]
    names = [path for path in tables if path not in media]
    for path in names:
        read_class_names(path, limits)
    if len(names) > 1 or len(media) > 1:
        extra = (names if len(names) > 1 else media)[1]
        raise DataError("There is already a table of this kind", where=extra.name, fix="Give one table of each kind")
    arrays = [(path, container) for path, container in found if container.holds != "table"]
    if not arrays:
        raise DataError(
            "No file of features was given",
            where=", ".join(p.name for p in paths[:3]) or "data",
            fix=f"Give {known_formats()} files",
        )
    records = [container for _, container in arrays if container.holds == "records"]
    if records:
        if len(records) < len(arrays):
            raise DataError(f"{records[0].title} shards cannot be mixed with other files", where=arrays[0][0].name)
        return _Bundle(records[0], tuple(p for p, _ in arrays), ("",) * len(arrays), *_first(names, media))
    if len(arrays) == 1:
        return _Bundle(arrays[0][1], (arrays[0][0],), ("",), *_first(names, media))
    # Several files of one array each: their names say what they hold, so their order does not matter.
    ordered = sorted((path for path, _ in arrays), key=role_of)
    return _Bundle(arrays[0][1], tuple(ordered), tuple(role_of(p) for p in ordered), *_first(names, media))


def _first(names: list[Path], media: list[Path]) -> tuple[Path | None, Path | None]:
    return (names[0] if names else None), (media[0] if media else None)
