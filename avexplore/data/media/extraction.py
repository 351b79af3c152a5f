"""From a folder of clips and a table of labels to a file of features, with a manifest, pictures and an account.

`features.npz` holds features, labels, splits, clip ids and where they come from. Beside it, `features.media/` holds
`manifest.csv` (where each clip's files and pictures lie), `clips.csv` (what became of each clip, and why), `pictures/`
and `records/`. No path of a media file enters the features: moved files change nothing that was computed.
"""

from __future__ import annotations

import atexit
import csv
import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import avexplore
from avexplore.artifacts import ExtractedClips, Report, silent
from avexplore.config import ExtractionConfig
from avexplore.data.export import whole_file
from avexplore.data.files.fingerprint import check_file
from avexplore.data.media import records
from avexplore.data.media.clip_list import Clip, ClipList, read_clips
from avexplore.data.media.decoding import SECONDS, Decoder, Unreadable, require
from avexplore.data.media.describe import EVERY, Described, describe
from avexplore.data.media.extractors import ExtractorSpec, load
from avexplore.data.media.manifest import MediaEntry, kind_of, to_csv
from avexplore.data.media.records import Record
from avexplore.data.media.weights import remember
from avexplore.errors import DataError
from avexplore.folders import allowed, home

Task = tuple[Clip, str, dict[str, Any]]
"""A clip, the address of its record, and what is the same for all clips."""
Spread = Callable[[Callable[[Task], "str | None"], Sequence[Task]], Iterable["str | None"]]
"""How many calls are made at once: yields what each returns, in any order."""


@dataclass(frozen=True)
class Account:
    """What became of one clip.

    Attributes:
        clip_id: Its name.
        used: Whether its features are in the file.
        claimed, sound, picture: Seconds that its files claim to hold, and seconds that were there of each side.
        notes: Why it was left out, or what it lacks; "" if nothing is to be said.
    """

    clip_id: str
    used: bool
    claimed: float | None
    sound: float | None
    picture: float | None
    notes: str


@dataclass(frozen=True)
class Extraction:
    """What an extraction left.

    Attributes:
        features: The file of features.
        manifest: Where the clips' files lie.
        table: The account as CSV.
        accounts: Of every clip, in the order of the table of labels.
        fresh: How many clips were decoded now; the others were known.
        widths: Numbers per clip, audio and visual.
    """

    features: Path
    manifest: Path
    table: Path
    accounts: tuple[Account, ...]
    fresh: int
    widths: tuple[int, int]

    @property
    def used(self) -> int:
        """Clips in the file."""
        return sum(account.used for account in self.accounts)

    @property
    def skipped(self) -> tuple[Account, ...]:
        """Clips left out."""
        return tuple(account for account in self.accounts if not account.used)

    @property
    def short(self) -> tuple[Account, ...]:
        """Clips in the file of which something is to be said."""
        return tuple(account for account in self.accounts if account.used and account.notes)


def extract(
    folder: Path,
    table: Path,
    out: Path,
    audio: ExtractorSpec,
    visual: ExtractorSpec,
    *,
    every: float = EVERY,
    seconds: float = SECONDS,
    device: str | None = None,
    spread: Spread = map,
    report: Report = silent,
) -> Extraction:
    """Describe every clip of a table and write one file of features.

    Killed, the same call goes on with the clips that are not done yet, and ends with the same bytes.

    Args:
        folder: Where the media files lie.
        table: CSV of labels, as `clip_list` describes it.
        out: The npz to write.
        audio, visual: What describes each side.
        every: Seconds from frame to frame.
        seconds: That decoding one clip may take.
        device: What networks run on; None takes a GPU where there is one.
        spread: How many clips are worked on at once; by `map` one after the other, in this process.
        report: Told of each clip.

    Raises:
        DataError: If the table, the folder or an extractor cannot be used, or no clip is left.
        Cancelled: If `report` says so.
    """
    if out.suffix.lower() != ".npz":
        raise DataError("Features are written as npz", where=out.name, fix="Give a name that ends in .npz")
    require()
    report(0.0, "Reading the table")
    clips = read_clips(folder, table)
    specs = {"audio": audio, "visual": visual}
    widths = load(audio, device).width, load(visual, device).width
    extractors = {side: spec.identity for side, spec in specs.items()}
    for spec in specs.values():
        if spec.path:
            remember(Path(spec.path))
    place = out.with_name(f"{out.stem}.media")
    settings = {
        "folder": place.absolute(), "audio": audio, "visual": visual, "every": every, "seconds": seconds,
        "device": device,
    }  # fmt: skip
    tasks = _tasks(clips, extractors, every, place, settings)
    unlasting = _work(tasks, spread, report, len(clips.clips))
    report(0.99, "Writing the features")
    accounts, used = _accounts(clips, extractors, every, place, unlasting)
    _write(out, used, extractors, table, every)
    _write_tables(place, accounts, used)
    report(1.0, f"{len(used):,} of {len(accounts):,} clips")
    return Extraction(out, place / "manifest.csv", place / "clips.csv", tuple(accounts), len(tasks), widths)


def extraction_of(
    folder: Path, table: Path, audio: ExtractorSpec, visual: ExtractorSpec, every: float = EVERY
) -> ExtractionConfig:
    """The config of an extraction: identified by the files as they are now.

    Raises:
        DataError: If the table or the folder cannot be used.
    """
    extractors = {"audio": audio.identity, "visual": visual.identity}
    return ExtractionConfig(
        _fingerprint(read_clips(folder, table), extractors, every),
        folder=str(folder.absolute()),
        table=str(table.absolute()),
        audio=audio.kind,
        audio_weights=audio.path,
        visual=visual.kind,
        visual_weights=visual.path,
        every=every,
    )


def features_of(config: ExtractionConfig) -> Path:
    """Where the features of an extraction that the app asked for lie."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(config.folder).name).strip(".")[:60] or "clips"
    return home() / "features" / config.address[:16] / f"{name}.npz"


def run_extraction(
    config: ExtractionConfig, report: Report = silent, *, device: str | None = None, spread: Spread = map
) -> ExtractedClips:
    """Make the features that a config names, in the data folder.

    Raises:
        DataError: If files have changed since, or as `extract` does.
        Cancelled: If `report` says so.
    """
    audio = ExtractorSpec("audio", config.audio, config.audio_weights)
    visual = ExtractorSpec("visual", config.visual, config.visual_weights)
    folder, table = allowed(config.folder), allowed(config.table)
    if extraction_of(folder, table, audio, visual, config.every).fingerprint != config.fingerprint:
        raise DataError(
            "The clips or their table have changed since this was asked for", where=folder.name, fix="Ask for it again"
        )
    made = extract(
        folder, table, features_of(config), audio, visual,
        every=config.every, device=device, spread=spread, report=report,
    )  # fmt: skip
    return ExtractedClips(
        clip_ids=tuple(one.clip_id for one in made.accounts),
        used=np.array([one.used for one in made.accounts]),
        seconds=np.array([(one.claimed, one.sound, one.picture) for one in made.accounts], np.float32),
        notes=tuple(one.notes for one in made.accounts),
        widths=made.widths,
        features=str(made.features),
    )


def _fingerprint(clips: ClipList, extractors: dict[str, str], every: float) -> str:
    lines = []
    for clip in clips.clips:
        there = clip.clip_id not in clips.missing
        key = records.address(clip, extractors, every) if there else clips.missing[clip.clip_id]
        lines.append(json.dumps([clip.clip_id, key, clip.labels, clip.split]))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# --- the work on single clips -------------------------------------------------------------------------------------


def _tasks(
    clips: ClipList, extractors: dict[str, str], every: float, place: Path, settings: dict[str, Any]
) -> list[Task]:
    found: dict[str, Task] = {}
    for clip in clips.clips:
        if clip.clip_id not in clips.missing:
            key = records.address(clip, extractors, every)
            if key not in found and records.read(place, key) is None:
                found[key] = (clip, key, settings)
    return list(found.values())


def _work(tasks: Sequence[Task], spread: Spread, report: Report, total: int) -> dict[str, str]:
    """Describe the clips that are not known yet; returns what may end otherwise another time, and why it failed."""
    began = time.monotonic()
    unlasting: dict[str, str] = {}
    known = total - len(tasks)
    for done, failure in enumerate(spread(describe_task, tasks), 1):
        if failure:
            key, _, reason = failure.partition(" ")
            unlasting[key] = reason
        left = (time.monotonic() - began) / done * (len(tasks) - done)
        report(0.98 * (known + done) / total, f"{known + done:,} of {total:,} clips, {_time(left)} left")
    return unlasting


def _time(seconds: float) -> str:
    """A time for people.

    >>> _time(50), _time(180), _time(9000)
    ('50 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def describe_task(task: Task) -> str | None:
    """Describe one clip and keep its record.

    Returns:
        None; or its key and a reason, where it failed in a way that is not kept, since it may go well another time.
    """
    clip, key, settings = task
    sound, picture = (load(settings[side], settings["device"]) for side in ("audio", "visual"))
    _one_thread()
    made, skipped = Described(), ""
    try:
        for path in {clip.sound, clip.picture} - {""}:
            check_file(Path(path))
        if not clip.sound or not clip.picture:
            skipped = "no picture file" if clip.sound else "no sound file"
        else:
            made = describe(clip, _decoder(settings["seconds"]), sound, picture, every=settings["every"])
            skipped = _lack(made)
    except Unreadable as error:
        if not error.lasting:
            return f"{key} {error.what}"
        skipped = error.what
    except DataError as error:
        skipped = error.what
    records.write(settings["folder"], key, made, skipped)
    return None


def _lack(made: Described) -> str:
    sides = {"sound": (made.sound_seconds, made.audio), "picture": (made.picture_seconds, made.visual)}
    lacks = [side for side, (seconds, vector) in sides.items() if seconds is None or vector is None]
    return f"no {' and no '.join(lacks)}" if lacks else ""


@lru_cache(1)
def _decoder(seconds: float) -> Decoder:
    """One child for all clips that a process works on."""
    decoder = Decoder(seconds=seconds)
    atexit.register(decoder.close)
    return decoder


@lru_cache(1)
def _one_thread() -> None:
    """The last digits of sums depend on the number of threads: one, however many workers there are."""
    import sys

    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


# --- what is written ----------------------------------------------------------------------------------------------


def _accounts(
    clips: ClipList, extractors: dict[str, str], every: float, place: Path, unlasting: dict[str, str]
) -> tuple[list[Account], list[tuple[Clip, Record]]]:
    accounts: list[Account] = []
    used: list[tuple[Clip, Record]] = []
    for clip in clips.clips:
        if clip.clip_id in clips.missing:
            accounts.append(Account(clip.clip_id, False, None, None, None, clips.missing[clip.clip_id]))
            continue
        key = records.address(clip, extractors, every)
        record = records.read(place, key)
        if record is None:
            reason = unlasting.get(key, "it changed meanwhile; try again")
            accounts.append(Account(clip.clip_id, False, None, None, None, reason))
            continue
        fits = not record.skipped and record.audio is not None and record.visual is not None
        notes = "; ".join(record.notes) if fits else record.skipped
        seconds = record.claimed, record.sound_seconds, record.picture_seconds
        accounts.append(Account(clip.clip_id, fits, *seconds, notes))
        if fits:
            used.append((clip, record))
    if not used:
        first = accounts[0]
        raise DataError(
            f"None of the {len(accounts):,} clips can be used; the first, {first.clip_id!r}: {first.notes}",
            where="clips",
            fix="Every clip needs sound and a picture that can be decoded",
        )
    return accounts, used


def _write(
    out: Path, used: Sequence[tuple[Clip, Record]], extractors: dict[str, str], table: Path, every: float
) -> None:
    classes = tuple(sorted({label for clip, _ in used for label in clip.labels}))
    column = {name: c for c, name in enumerate(classes)}
    several = any(len(clip.labels) > 1 for clip, _ in used)
    if several:
        labels: NDArray[Any] = np.zeros((len(used), len(classes)), np.uint8)
        for row, (clip, _) in enumerate(used):
            labels[row, [column[label] for label in clip.labels]] = 1
    else:
        labels = np.array([column[clip.labels[0]] for clip, _ in used], np.int64)
    splits = {clip.split for clip, _ in used}
    if "" in splits and len(splits) > 1:
        bare = next(clip.clip_id for clip, _ in used if not clip.split)
        raise DataError(
            f"Clip {bare!r} has no split, others have one", where=table.name, fix="Fill the column, or leave it out"
        )
    audio, visual = (np.stack([getattr(record, side) for _, record in used]) for side in ("audio", "visual"))
    provenance = {
        "by": f"avexplore {avexplore.__version__}", "extractors": extractors, "every": every,
        "table": hashlib.sha256(table.read_bytes()).hexdigest(),
    }  # fmt: skip
    named = " and ".join(_short(text) for text in extractors.values())
    arrays: dict[str, NDArray[Any]] = {
        "audio": audio,
        "visual": visual,
        "labels": labels,
        "classes": np.array(classes),
        "clip_ids": np.array([clip.clip_id for clip, _ in used]),
        "source": np.array([f"{len(used):,} clips of {table.name}, described by {named}"[:500]]),
        "provenance": np.array([json.dumps(provenance, sort_keys=True)]),
    }
    if splits != {""}:
        arrays["split"] = np.array([clip.split for clip, _ in used])
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def _short(extractor: str) -> str:
    """An extractor in a line of text.

    >>> _short("vggish 0123456789abcdef"), _short("log-mel")
    ('vggish (01234567)', 'log-mel')
    """
    kind, _, digest = extractor.partition(" ")
    return f"{kind} ({digest[:8]})" if digest else kind


def _write_tables(place: Path, accounts: Sequence[Account], used: Sequence[tuple[Clip, Record]]) -> None:
    entries = {clip.clip_id: _entry(clip, record, place / "pictures") for clip, record in used}
    with whole_file(place / "manifest.csv") as stream:
        stream.write(to_csv(entries, place).encode())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip_id", "used", "seconds_claimed", "seconds_of_sound", "seconds_of_picture", "notes"])
    for account in accounts:
        seconds = ("" if s is None else f"{s:.2f}" for s in (account.claimed, account.sound, account.picture))
        writer.writerow([_safe(account.clip_id), "yes" if account.used else "no", *seconds, _safe(account.notes)])
    with whole_file(place / "clips.csv") as stream:
        stream.write(text.getvalue().encode())


def _entry(clip: Clip, record: Record, pictures: Path) -> MediaEntry:
    def at(name: str) -> str:
        return str((pictures / name).resolve()) if name else ""

    video = clip.sound if clip.sound == clip.picture and kind_of(clip.sound) == "video" else ""
    still = clip.picture if not video and kind_of(clip.picture) == "picture" else ""
    moving = clip.picture if not video and not still else ""
    return MediaEntry(
        video=video or moving,
        sound="" if video else clip.sound,
        picture=still,
        thumbnail=at(record.poster),
        sound_picture=at(record.sound_picture),
        start=clip.start,
        end=clip.end,
    )


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
