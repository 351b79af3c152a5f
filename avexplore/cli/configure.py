"""From what a person types to a config: data files, presets, and single fields by name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from avexplore.config import Config, DataConfig, GraphConfig, SyntheticConfig, from_json
from avexplore.config import override as override
from avexplore.errors import ConfigError, DataError

C = TypeVar("C", bound=Config)


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`--set stage.field=value`, value as JSON or plain text, by stage and field.

    Raises:
        ConfigError: If one does not look like that.

    >>> parse_settings(["student.epochs=5", "regularizer.form=pull"])
    {'student': {'epochs': 5}, 'regularizer': {'form': 'pull'}}
    """
    found: dict[str, dict[str, Any]] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        stage, dot, field = name.strip().partition(".")
        if not (equals and dot and field):
            raise ConfigError(f"Cannot read {setting!r}", where="--set", fix="Write stage.field=value")
        found.setdefault(stage, {})[field] = parse_value(text)
    return found


def parse_value(text: str) -> Any:
    """A value as JSON, or as the text that it is.

    >>> parse_value("0.5"), parse_value("pull")
    (0.5, 'pull')
    """
    try:
        return json.loads(text.strip())
    except (ValueError, RecursionError):
        return text.strip()


def data_config(
    files: list[Path] | None,
    annotation: str | None,
    classes: list[str] | None,
    seed: int,
    class_names: Path | None = None,
) -> DataConfig:
    """The data that were named, or the synthetic benchmark.

    Args:
        files: Feature files; none for the synthetic benchmark.
        annotation: Which true label is kept as the annotation; None decides by what the files hold.
        classes: Names to keep; none for all.
        seed: Of the synthetic benchmark.
        class_names: A file with the classes' names.

    Raises:
        ConfigError: If classes are named, but no files are.
    """
    if class_names is not None:
        if not files:
            raise ConfigError("The synthetic benchmark names its classes itself", where="--class-names")
        files = [*files, class_names]
    if not files:
        return SyntheticConfig(seed=seed)
    from avexplore.data import feature_file

    chosen: Any = annotation or "auto"
    return feature_file(*existing(files), annotation=chosen, classes=[name.strip() for name in classes or ()])


def existing(files: list[Path]) -> list[Path]:
    """The same files.

    Raises:
        DataError: If one does not exist; with its whole path, as it was typed.
    """
    for path in files:
        if not path.exists():
            raise DataError("There is no such file", where=str(path))
    return files


def graph_of_soft_labels(
    path: Path, training_rows: int | None, seed: int, kind: str | None = None
) -> GraphConfig | None:
    """The class graph of a file of soft labels; None if the file holds features.

    The graph is learned from the training clips where the file or `training_rows` says which these are, else from all.

    Raises:
        DataError: If the file cannot be read.
    """
    from avexplore.data.files.open import peek
    from avexplore.data.soft_labels import holds_soft_labels, soft_label_file

    headers = peek(path)
    if not holds_soft_labels(headers):
        if kind is not None:
            raise DataError("This file holds features, so it has no kind of soft labels", where=path.name)
        return None
    source = soft_label_file(path, training_rows=training_rows, kind=kind or "auto")
    return GraphConfig(source, rows="train" if training_rows or "split" in headers else "all", seed=seed)


def read_config(path: Path, kind: type[C]) -> C:
    """A config from a JSON file, as the app's download or `--json` output holds it.

    Raises:
        ConfigError: If the file is no such config.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"Not JSON: {error}", where=str(path)) from error
    if isinstance(content, dict) and "stage" not in content and isinstance(content.get("config"), dict):
        content = content["config"]
    config = from_json(content)
    if not isinstance(config, kind):
        raise ConfigError(f"This is a {config.stage} config, not a {kind.stage or kind.__name__} one", where=str(path))
    return config
