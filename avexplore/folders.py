"""Where avexplore keeps its files, and which other folders it may read from."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import avexplore
from avexplore.errors import DataError

NAMED = "AVEXPLORE_FOLDERS"
"""Environment variable: the folders named at start, separated as in PATH. Not set, any file may be read."""
ALONE = "AVEXPLORE_ALONE"
"""Environment variable: "1" where the app is for whoever sits at this machine alone. Files that they gave to a command
before may be read again, too."""


def home() -> Path:
    """The one data folder: `AVEXPLORE_HOME`, or the platform's default for user data."""
    if chosen := os.environ.get("AVEXPLORE_HOME"):
        return Path(chosen).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_data_dir("avexplore", appauthor=False))


def app_folder() -> Path:
    """The folder of `app.py`, `pages/`, `models/` and `.streamlit/`: the checkout, or what the wheel carries."""
    package = Path(avexplore.__file__).resolve().parent
    carried = package / "_app"
    return carried if carried.is_dir() else package.parent


def shipped_models() -> Path:
    """The read-only results that come with avexplore: `AVEXPLORE_MODELS`, or `models/` beside the package."""
    chosen = os.environ.get("AVEXPLORE_MODELS")
    return Path(chosen).expanduser().resolve() if chosen else app_folder() / "models"


def name_folder(folder: Path) -> None:
    """Let this process, and the jobs that it starts, read from one more folder, as if it had been named at start."""
    named = [name for name in os.environ.get(NAMED, "").split(os.pathsep) if name]
    if str(folder.resolve()) not in named:
        os.environ[NAMED] = os.pathsep.join([*named, str(folder.resolve())])


def readable_folders() -> tuple[Path, ...] | None:
    """The folders that files may be read from, links followed; None if any may.

    Who types a path in a terminal or in Python reads what they like. The app, which also gets paths from configs and
    from other people's files, is started with a list, and so are the jobs that it starts.
    """
    named = os.environ.get(NAMED)
    if named is None:
        return None
    chosen = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    given = given_files() if os.environ.get(ALONE) == "1" else ()
    return (*(folder.resolve() for folder in (home(), shipped_models(), *chosen)), *given)


def give_files(name: str, paths: Iterable[str | Path]) -> None:
    """Note files that a command was given in a terminal, or a call in Python. The app, told paths by others, cannot.

    Args:
        name: Of the note, the same for the same content.
        paths: What was given.
    """
    if NAMED in os.environ:
        return
    note = home() / "given" / f"{name}.json"
    text = json.dumps([str(Path(path).resolve()) for path in paths])
    with contextlib.suppress(OSError):  # it only saves naming a folder later
        if note.is_file() and note.read_text(encoding="utf-8") == text:
            return
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        note.parent.mkdir(exist_ok=True)
        fresh = note.with_name(f".{uuid.uuid4().hex}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(note)


def given_files() -> tuple[Path, ...]:
    """The files that were given to commands on this data folder."""
    folder = home() / "given"
    try:
        return _given_in(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=4)
def _given_in(folder: Path, changed: int) -> tuple[Path, ...]:
    found: list[Path] = []
    for note in sorted(folder.glob("[!.]*.json")):
        try:
            paths = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        found += [Path(path) for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
    return tuple(found)


def allowed(path: str | Path) -> Path:
    """The true place of a file, links followed, if it may be read.

    Every path that comes from a config, an address, an upload or a manifest goes through here before it is opened.

    Args:
        path: A file that may or may not exist.

    Raises:
        DataError: If it lies outside the data folder and the folders named at start, or makes no sense.
    """
    folders = readable_folders()
    try:
        true = Path(path).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null character, links in a circle
        raise DataError("The path cannot be looked up", where=Path(path).name[:200], fix="Check the path") from error
    if folders is not None and not any(true.is_relative_to(folder) for folder in folders):
        raise DataError(
            "The file lies outside the folders that this avexplore may read",
            where=Path(path).name[:200],
            fix="Start it with `avexplore app --folder FOLDER`, or upload the file",
        )
    return true


def may_read(path: str | Path) -> bool:
    """Whether `allowed` lets a path pass."""
    try:
        allowed(path)
    except DataError:
        return False
    return True
