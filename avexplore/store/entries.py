"""Artifacts by address, in folders that are either whole or not there.

Layout: `<root>/artifacts/<stage>/<address>/{manifest.json, arrays}`. A folder is written under `<root>/staging` and
renamed into place, so a reader never meets half an entry and two writers of one address leave one. Every file has
its checksum in the manifest, and the manifest has its own. What does not fit is set aside in `<root>/quarantine`,
with the reason beside it, and counts as absent.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from avexplore.artifacts import Artifact
from avexplore.config import Config, from_json
from avexplore.errors import AvexploreError, StoreError
from avexplore.folders import give_files, home, may_read, shipped_models
from avexplore.store.codec import Packing, file_digest, pack, unpack
from avexplore.store.leftovers import (
    SavedState,
    batches_file,
    is_being_made,
    lock_file,
    saved_states,
    staging,
    state_file,
    sweep,
)
from avexplore.store.provenance import Provenance, provenance
from avexplore.store.writing import writing

FORMAT = 1
"""Version of the layout on disk. Raise it with a migration from the version before."""

_log = logging.getLogger("avexplore.store")

Manifest = dict[str, Any]
T = TypeVar("T")
MIGRATIONS: dict[int, Callable[[Manifest], Manifest]] = {}
"""From a layout version to the next: what a manifest of that version says in the next one's terms."""


@dataclass(frozen=True)
class Entry:
    """A stored result.

    Attributes:
        artifact: What the stage returned, arrays memory-mapped where large.
        provenance: Where it comes from.
        path: Its folder.
        content: SHA-256 over everything but the provenance: equal results have equal contents.
        shipped: Whether it came with avexplore.
    """

    artifact: Any
    provenance: Provenance
    path: Path
    content: str
    shipped: bool = False


@dataclass(frozen=True)
class Summary:
    """An entry as a list shows it, without its arrays.

    Attributes:
        config: What it is a result of; None if this version of avexplore cannot read its config.
        stage, address: Its place.
        created: UTC, ISO 8601.
        bytes: Size on disk.
        shipped: Whether it came with avexplore.
        path: Its folder.
    """

    config: Config | None
    stage: str
    address: str
    created: str
    bytes: int
    shipped: bool
    path: Path


@dataclass(frozen=True)
class SetAside:
    """A damaged or outdated entry that is kept, but not served."""

    name: str
    reason: str
    bytes: int
    path: Path


@dataclass(frozen=True)
class Unlisted:
    """An entry that is kept, but that nothing in this version asks for."""

    stage: str
    address: str
    reason: str
    path: Path


class _UnfitError(Exception):
    """An entry that must not be served; the message says why."""


class Store:
    """Results by address under one data folder, beside the read-only ones that are shipped.

    Args:
        root: The data folder; the user's own (`avexplore.store.home`) by default.
        shipped: Folder of shipped results; `models/` beside the package by default.
        read_only: Refuse to write, and leave damaged entries where they are.
    """

    def __init__(self, root: Path | None = None, shipped: Path | None = None, *, read_only: bool = False) -> None:
        self.root = home() if root is None else Path(root)
        self.shipped = shipped_models() if shipped is None else Path(shipped)
        self.read_only = read_only
        self._verified: dict[Path, tuple[Any, ...]] = {}
        self._summaries: dict[Path, tuple[int, Summary]] = {}
        self._guard = threading.Lock()

    # --- reading --------------------------------------------------------------------------------------------------

    def folder(self, config: Config) -> Path:
        """Where the result of a config lies, or would lie."""
        return self.root / "artifacts" / config.stage / config.address

    def __contains__(self, config: Config) -> bool:
        """Whether there is an entry, by a look at the folder; only `get` verifies it."""
        return any((place / "manifest.json").is_file() for place, _ in self._places(config))

    def get(self, config: Config) -> Entry | None:
        """The verified result of a config, or None.

        A damaged or outdated entry is set aside with its reason, and counts as absent. Checksums are verified once
        per process, and again if a file has changed since.
        """
        for place, shipped in self._places(config):
            found, reason = self._look(place, partial(self._read, place, config, shipped))
            if reason:
                self._set_aside(place, reason, shipped)
            elif found is not None:
                return found
        return None

    def _look(self, place: Path, read: Callable[[], T]) -> tuple[T | None, str]:
        """What `read` finds in a folder, None if nothing is there; and what is wrong with it, "" if nothing is."""
        reason = ""
        # An entry may be removed and written again between two looks at it; damage stays.
        for _ in range(3):
            try:
                return read(), ""
            except FileNotFoundError as error:
                if not (place / "manifest.json").exists():
                    return None, ""
                reason = f"A file is missing: {Path(error.filename or '').name}"
            except OSError as error:
                raise StoreError(f"Cannot read: {error.strerror or error}", where=str(place)) from error
            except _UnfitError as error:
                reason = str(error)
            except (AvexploreError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                reason = f"Its content does not fit this version: {error}"
        return None, reason

    def _places(self, config: Config) -> Iterator[tuple[Path, bool]]:
        yield self.folder(config), False
        yield self.shipped / config.stage / config.address, True

    def _read(self, place: Path, config: Config, shipped: bool) -> Entry:
        manifest = read_manifest(place)
        if manifest.get("address") != config.address or manifest.get("stage") != config.stage:
            raise _UnfitError("It belongs to another address")
        self._verify(place, manifest["files"])
        artifact = unpack(manifest["artifact"], place, manifest["files"])
        return Entry(artifact, Provenance.from_json(manifest["provenance"]), place, content_digest(manifest), shipped)

    def _verify(self, place: Path, files: dict[str, dict[str, Any]]) -> None:
        found = []
        for name, expected in files.items():
            if Path(name).name != name:
                raise _UnfitError(f"A file name leads outside: {name!r}")
            status = (place / name).stat()
            if status.st_size != expected["bytes"]:
                raise _UnfitError(f"{name} has {status.st_size} bytes instead of {expected['bytes']}")
            found.append((name, expected["sha256"], status.st_size, status.st_mtime_ns, status.st_ino))
        signature = tuple(found)
        if self._verified.get(place) == signature:
            return
        for name, expected in files.items():
            if file_digest(place / name) != expected["sha256"]:
                raise _UnfitError(f"{name} does not match its checksum")
        self._verified[place] = signature

    def entries(self, stage: str | None = None) -> list[Summary]:
        """All entries (of one stage), shipped ones first, then the newest first. Reads manifests only."""
        found: dict[str, Summary] = {}
        for base, shipped in ((self.shipped, True), (self.root / "artifacts", False)):
            for path in base.glob(f"{stage or '*'}/*/manifest.json"):
                summary = self._summary(path, shipped)
                if summary is not None:
                    found.setdefault(summary.address, summary)
        newest = sorted(found.values(), key=lambda s: (s.created, s.address), reverse=True)
        return sorted(newest, key=lambda s: not s.shipped)

    def unlisted(self) -> list[Unlisted]:
        """Entries that no config of this version asks for: they stay on disk, and no list shows them. Reads manifests.

        An earlier version of a stage made them, or a later avexplore, or their manifest cannot be read.
        """
        found = []
        for base, shipped in ((self.shipped, True), (self.root / "artifacts", False)):
            for path in sorted(base.glob("*/*/manifest.json")):
                summary = self._summary(path, shipped)
                if summary is not None and summary.config is not None:
                    continue
                try:
                    manifest = read_manifest(path.parent)
                    reason = _why_not_asked_for(manifest)
                except FileNotFoundError:
                    continue  # it was removed meanwhile
                except (_UnfitError, OSError, KeyError, TypeError, AttributeError) as error:
                    reason = str(error)
                if reason:
                    found.append(Unlisted(path.parts[-3], path.parts[-2], reason, path.parent))
        return found

    def changes(self) -> tuple[int, ...]:
        """Something that differs after entries were added or removed; () while that may not be told, just after."""
        folders = [self.root / "runs"]
        for base in (self.shipped, self.root / "artifacts"):
            try:
                with os.scandir(base) as stages:
                    folders += [base, *(Path(stage.path) for stage in stages if stage.is_dir())]
            except OSError:
                continue
        times = []
        for folder in folders:
            try:
                times.append(folder.stat().st_mtime_ns)
            except OSError:
                times.append(0)
        # File systems keep time in ticks: two changes in one look like one.
        return tuple(times) if time.time_ns() - max(times) > 2_000_000_000 else ()

    def _summary(self, path: Path, shipped: bool) -> Summary | None:
        try:
            stamp = path.stat().st_mtime_ns
            known = self._summaries.get(path)
            if known and known[0] == stamp:
                return known[1]
            manifest = read_manifest(path.parent)
            config = _asked_for(manifest)
            size = path.stat().st_size + sum(file["bytes"] for file in manifest["files"].values())
            created = str(manifest["provenance"].get("created", ""))
            summary = Summary(config, manifest["stage"], manifest["address"], created, size, shipped, path.parent)
        except (_UnfitError, OSError, KeyError, TypeError, AttributeError):
            return None
        self._summaries[path] = stamp, summary
        return summary

    # --- writing --------------------------------------------------------------------------------------------------

    def put(
        self,
        config: Config,
        artifact: Artifact,
        *,
        seconds: float = float("nan"),
        device: str = "cpu",
        threads: int = 0,
        durable: bool = True,
    ) -> Entry:
        """Store a result; if another process stored the same address first, theirs is kept and returned.

        Args:
            config: What it is a result of.
            artifact: The result.
            seconds: Wall time it took.
            device, threads: What computed it, as in `Provenance`.
            durable: Wait until it is on disk. Without, a power loss may damage it, which reading would notice.

        Raises:
            StoreError: If the disk is full or the folder cannot be written. Nothing of the entry is left then.
        """
        if self.read_only:
            raise StoreError("This avexplore only shows stored results", fix="Start it without --demo to compute")
        described = provenance(config, device=device, threads=threads, seconds=seconds)
        target = self.folder(config)
        staged = staging(self.root)
        try:
            with writing(self.root):
                staged.mkdir(parents=True)
                content = write_entry(staged, config, artifact, described, durable=durable)
                target.parent.mkdir(parents=True, exist_ok=True)
                for _ in range(20):
                    if publish(staged, target):
                        if durable:
                            _sync_folder(target.parent)
                        break
                    if (theirs := self.get(config)) is not None and not theirs.shipped:
                        return theirs
                    # What stood there was damaged and is set aside now, or it vanished: try again.
                    if target.is_dir() and not (target / "manifest.json").exists():
                        self._set_aside(target, "It has no manifest", shipped=False)
                else:
                    raise StoreError(
                        "A damaged result is in the way, and cannot be moved",
                        where=str(target),
                        fix="Stop what has it open, such as the app, and try again",
                    )
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        # Somebody may have removed it again already; the result is no worse for that.
        return self.get(config) or Entry(artifact, described, target, content)

    # --- damage and size ------------------------------------------------------------------------------------------

    def check(self) -> tuple[int, list[str]]:
        """Verify every file of every folder, also where this version cannot use it; set aside what is damaged.

        Returns:
            How many folders there are, and which are damaged, as "stage/beginning of the address".
        """
        damaged, count = [], 0
        for base, shipped in ((self.shipped, True), (self.root / "artifacts", False)):
            for place in sorted(path for path in base.glob("*/*") if path.is_dir()):
                count += 1
                self._verified.pop(place, None)
                try:
                    _, reason = self._look(place, partial(self._inspect, place, shipped))
                    if reason:
                        self._set_aside(place, reason, shipped)
                except StoreError as error:  # where it lies, somebody may still be able to read it
                    reason = str(error)
                    _log.warning("%s", error)
                if reason:
                    damaged.append(f"{place.parent.name}/{place.name[:12]}")
        return count, damaged

    def _inspect(self, place: Path, shipped: bool) -> None:
        try:
            manifest = read_manifest(place)
        except FileNotFoundError:
            if place.is_dir():
                raise _UnfitError("It has no manifest") from None
            return  # it was removed meanwhile
        if (manifest.get("stage"), manifest.get("address")) != (place.parent.name, place.name):
            raise _UnfitError("It belongs to another address")
        if (config := _asked_for(manifest)) is not None:
            self._read(place, config, shipped)
        else:
            self._verify(place, manifest["files"])

    def _set_aside(self, place: Path, reason: str, shipped: bool) -> None:
        where = f"{place.parent.name}/{place.name[:12]}"
        if shipped or self.read_only:
            _log.warning("Not used: %s is unfit. %s.", where, reason)
            return
        with self._guard:
            kept = self.root / "quarantine" / f"{place.parent.name}-{place.name[:16]}-{uuid.uuid4().hex[:8]}"
            try:
                kept.parent.mkdir(parents=True, exist_ok=True)
                place.rename(kept)
            except FileNotFoundError:
                return  # another process set it aside first
            except OSError as error:
                # Windows moves no folder with an open file. It counts as absent, wherever it lies.
                _log.warning("Not used, and it cannot be moved (%s): %s is unfit. %s.", error.strerror, where, reason)
                return
            self._verified.pop(place, None)
            with contextlib.suppress(OSError):  # a full disk
                (kept / "reason.txt").write_text(reason + "\n", encoding="utf-8")
        _log.warning("Set aside: %s is unfit and will be computed again. %s.", where, reason)

    def quarantine(self) -> list[SetAside]:
        """What was set aside, with the reasons."""
        found = []
        for path in sorted((self.root / "quarantine").glob("*")):
            note = path / "reason.txt"
            try:
                reason = note.read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                reason = "unknown"
            found.append(SetAside(path.name, reason, folder_size(path), path))
        return found

    def size(self) -> int:
        """Bytes under the data folder."""
        return folder_size(self.root)

    def remove(self, address: str) -> int:
        """Remove the stored (not the shipped) entries whose address begins so; returns the bytes freed.

        Raises:
            StoreError: If the beginning is too short to be meant, or an entry cannot be removed.
        """
        if len(address) < 8 or not set(address) <= set("0123456789abcdef"):
            raise StoreError("An address has at least 8 hexadecimal digits here", where=address[:80])
        freed = 0
        for path in (self.root / "artifacts").glob(f"*/{address}*"):
            freed += _discard(path, staging(self.root))
        return freed

    def empty_quarantine(self) -> int:
        """Remove what was set aside; returns the bytes freed."""
        freed = sum(item.bytes for item in self.quarantine())
        shutil.rmtree(self.root / "quarantine", ignore_errors=True)
        return freed

    # --- leftovers ------------------------------------------------------------------------------------------------

    def state_file(self, config: Config) -> Path:
        """Where the training of a config keeps its state, to go on from."""
        return state_file(self.root, config.stage, config.address)

    def batches_file(self, config: Config) -> Path:
        """Where resampled searches are kept that measurements of this kind have in common."""
        return batches_file(self.root, config.address)

    def lock_file(self, config: Config) -> Path:
        """What a process holds while it makes a slow result."""
        return lock_file(self.root, config.address)

    def states(self) -> list[SavedState]:
        """States of trainings that are under way or were cut off, the newest first."""
        return saved_states(self.root)

    def is_being_made(self, state: SavedState) -> bool:
        """Whether a process is at work on the training that a state belongs to."""
        return is_being_made(self.root, state.address)

    def sweep(self) -> int:
        """Remove what writers that died have left behind; returns how many folders and files."""
        return 0 if self.read_only else sweep(self.root)

    # --- files of the user ----------------------------------------------------------------------------------------

    def remember_files(self, fingerprint: str, paths: tuple[str, ...]) -> None:
        """Note where files of this content were last seen, so that a result can be made again from its config.

        Of a visitor's files it is noted that they are that visitor's.
        """
        visitor = next(filter(None, map(self.visitor_of, paths)), "")
        if not self.read_only and self.root == home():
            give_files(_plain(fingerprint), paths)
        if self.read_only or self.known_files(fingerprint, visitor) == paths:
            return
        target = self._files_note(fingerprint, visitor)
        with writing(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f".{uuid.uuid4().hex}")
            fresh.write_text(json.dumps([str(Path(path).resolve()) for path in paths]), encoding="utf-8")
            fresh.replace(target)

    def remember_run(self, address: str, name: str = "") -> None:
        """Note that somebody asked for this student itself, and not as one arm of an experiment among many.

        Args:
            address: The student's.
            name: What the run is called from now on; "" leaves it its name.
        """
        if self.read_only:
            return
        file = self.root / "runs" / address
        with writing(self.root):
            file.parent.mkdir(parents=True, exist_ok=True)
            if name:
                # A new file: what is listed follows the folder's time.
                fresh = file.with_name(f".{address}.{os.getpid()}")
                fresh.write_text(name, encoding="utf-8")
                fresh.replace(file)
            else:
                file.touch()

    def known_runs(self) -> dict[str, str]:
        """Names of the students that somebody asked for, by address; "" for one without a name of its own."""
        folder = self.root / "runs"
        files = [file for file in folder.iterdir() if file.name[0] != "."] if folder.is_dir() else []
        return {file.name: _first_line(file) for file in files}

    def known_files(self, fingerprint: str, visitor: str | None = None) -> tuple[str, ...]:
        """Where files of this content were last seen; () if nowhere, if they are gone, or if we may not read them.

        Args:
            fingerprint: Of the content.
            visitor: Look among this visitor's files and those that are nobody's; None looks among everybody's.
        """
        notes = [self._files_note(fingerprint, ""), *self._visitors_notes(fingerprint)]
        if visitor is not None:
            notes = [self._files_note(fingerprint, visitor), notes[0]]
        return next(filter(None, map(self._noted, notes)), ())

    def may_see(self, fingerprint: str, visitor: str) -> bool:
        """Whether a visitor may see what was made of these files: not if only other visitors brought them."""
        mine = (self._files_note(fingerprint, visitor), self._files_note(fingerprint, ""))
        return any(note.is_file() for note in mine) or not self._visitors_notes(fingerprint)

    def visitor_folder(self, visitor: str) -> Path:
        """Where a visitor's own things are kept."""
        return self.root / "visitors" / visitor

    def visitor_of(self, path: str | Path) -> str:
        """Whose a file is; "" if it is no visitor's."""
        place, visitors = Path(path).resolve(), (self.root / "visitors").resolve()
        return place.relative_to(visitors).parts[0] if visitors in place.parents else ""

    def _files_note(self, fingerprint: str, visitor: str) -> Path:
        name = _plain(fingerprint)
        return self.root / "files" / (f"{name}/{visitor}.json" if visitor else f"{name}.json")

    def _visitors_notes(self, fingerprint: str) -> list[Path]:
        return sorted((self.root / "files" / _plain(fingerprint)).glob("*.json"))

    def _noted(self, note: Path) -> tuple[str, ...]:
        try:
            paths = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return ()
        if not isinstance(paths, list):
            return ()
        found = tuple(path for path in paths if isinstance(path, str) and may_read(path) and Path(path).exists())
        return found if len(found) == len(paths) else ()


def _first_line(file: Path) -> str:
    """What a small file of text says; "" for anything else."""
    try:
        with file.open(encoding="utf-8") as text:
            return " ".join(text.readline(200).split())
    except (OSError, UnicodeDecodeError):
        return ""


def _plain(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:32]


def write_entry(
    folder: Path,
    config: Config,
    artifact: Artifact,
    described: Provenance,
    *,
    packing: Packing | None = None,
    durable: bool = True,
) -> str:
    """Write an entry's files into an empty folder; returns the digest of its content.

    Raises:
        OSError: If a file cannot be written.
    """
    tree, files = pack(artifact, folder, packing)
    manifest: Manifest = {
        "format": FORMAT,
        "stage": config.stage,
        "address": config.address,
        "config": config.to_json(),
        "artifact": tree,
        "files": files,
        "provenance": described.to_json(),
    }
    manifest["checksum"] = _manifest_digest(manifest)
    text = json.dumps(manifest, indent=1, allow_nan=False)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    if durable:
        for name in (*files, "manifest.json"):
            with (folder / name).open("r+b") as file:  # Windows syncs only what may be written
                os.fsync(file.fileno())
        _sync_folder(folder)
    return content_digest(manifest)


def read_manifest(place: Path) -> Manifest:
    """Read and check an entry's manifest, migrated to this version's format.

    Raises:
        _UnfitError: If it is damaged or of a format without a migration.
        OSError: If there is none, or it cannot be read.
    """
    try:
        manifest: Any = json.loads((place / "manifest.json").read_bytes())
    except (ValueError, RecursionError) as error:
        raise _UnfitError(f"The manifest is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("checksum") != _manifest_digest(manifest):
        raise _UnfitError("The manifest does not match its checksum")
    version = manifest.get("format")
    while version != FORMAT:
        if not isinstance(version, int) or version not in MIGRATIONS:
            raise _UnfitError(f"It has format {version}, this avexplore reads {FORMAT}")
        manifest = MIGRATIONS[version](manifest)
        version = manifest["format"]
    current: Manifest = manifest
    return current


def _asked_for(manifest: Manifest) -> Config | None:
    """The config that asks for this entry; None if this version of avexplore has none such."""
    return None if _why_not_asked_for(manifest) else from_json(manifest["config"])


def _why_not_asked_for(manifest: Manifest) -> str:
    """Why no config of this version asks for this entry; "" if one does."""
    try:
        config = from_json(manifest.get("config", {}))
    except AvexploreError as error:
        return f"This version cannot read its config: {error}"
    # An entry of an earlier version of its stage keeps its old address, which no config has any more.
    if config.address != manifest["address"]:
        return f"Another version of avexplore made it: here, its {config.stage} has another address"
    return ""


def _manifest_digest(manifest: Manifest) -> str:
    content = {name: value for name, value in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def content_digest(manifest: Manifest) -> str:
    """SHA-256 over an entry's values and the checksums of its files, whoever made it and when."""
    content = {"artifact": manifest["artifact"], "files": manifest["files"]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def publish(staged: Path, target: Path) -> bool:
    """Move a finished folder into place at once; False if something stands there already."""
    try:
        staged.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) or target.exists():
            return False
        raise
    return True


def folder_size(path: Path) -> int:
    """Bytes of all files below a folder; those that vanish meanwhile count nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - half the time of Path here
            except OSError:
                continue
    return total


def _discard(path: Path, aside: Path) -> int:
    """Remove a folder so that no reader meets half of it."""
    freed = folder_size(path)
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(
            f"Cannot remove it: {error.strerror or error}",
            where=str(path),
            fix="Stop what has it open, such as the app, and try again",
        ) from error
    shutil.rmtree(aside, ignore_errors=True)
    return freed


def _sync_folder(path: Path) -> None:
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
