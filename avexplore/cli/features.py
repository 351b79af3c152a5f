"""Where features come from: clips' own files (`avexplore features`), or shards of YouTube-8M (`avexplore gather`)."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import stored_run, workbench
from avexplore.cli.output import emit, progress, say, table
from avexplore.config import FeatureFileConfig
from avexplore.errors import ConfigError

if TYPE_CHECKING:
    from avexplore.data.media.extraction import Extraction

_SHOWN = 20


def features(
    folder: Annotated[Path, typer.Argument(help="Where the clips' files lie.")],
    labels: Annotated[
        Path,
        typer.Argument(help="CSV: file,label; or clip_id,sound,picture,labels; and start, end, split if you like."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The npz to write.")] = Path("clips.npz"),
    audio: Annotated[
        str, typer.Option(help="Describes sounds: log-mel, vggish:FILE, clap:FOLDER, onnx:FILE.")
    ] = "log-mel",
    visual: Annotated[
        str,
        typer.Option(
            help="Describes frames: color-texture, inception:FILE, clip:FOLDER, torchvision/NAME:FILE, onnx:FILE."
        ),
    ] = "color-texture",
    every: Annotated[float, typer.Option(help="Seconds from frame to frame.", min=0.04, max=3600)] = 1.0,
    seconds: Annotated[float, typer.Option("--limit", help="Seconds that decoding one clip may take.", min=1)] = 1800.0,
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine; as many as it has cores if not given.", min=1)
    ] = None,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Describe clips by features: decode sound and pictures, and let an extractor make vectors of them.

    Stopped or killed, the same command goes on where it was. Weights of networks are local files; nothing is fetched.
    """
    from avexplore.data.media.extraction import extract
    from avexplore.data.media.extractors import parse
    from avexplore.jobs.registry import has_gpu
    from avexplore.workbench import fanout

    # On a GPU one process makes the batches.
    count = workers or (1 if device != "cpu" and has_gpu() else os.cpu_count() or 1)
    with progress(quiet or json) as report:
        made = extract(
            folder, labels, out, parse("audio", audio), parse("visual", visual),
            every=every, seconds=seconds, device=device, report=report,
            spread=partial(fanout.each, workers=count, scheduler=scheduler),
        )  # fmt: skip
    if json:
        emit(
            {
                "features": str(made.features), "manifest": str(made.manifest), "table": str(made.table),
                "clips": len(made.accounts), "used": made.used, "decoded_now": made.fresh,
                "widths": dict(zip(("audio", "visual"), made.widths, strict=True)),
                "skipped": [{"clip_id": one.clip_id, "reason": one.notes} for one in made.skipped],
                "short": [{"clip_id": one.clip_id, "notes": one.notes} for one in made.short],
            }
        )  # fmt: skip
        return
    _tell(made, folder)


def _tell(made: Extraction, folder: Path) -> None:
    for title, accounts in (("Left out", made.skipped), ("Used, but", made.short)):
        if accounts:
            rows = [(one.clip_id, one.notes) for one in accounts[:_SHOWN]]
            if len(accounts) > _SHOWN:
                rows.append(("…", f"{len(accounts) - _SHOWN:,} more in {made.table}"))
            table(
                f"{title}: {len(accounts):,} of {len(made.accounts):,} clips",
                ("Clip", "Why" if title == "Left out" else "What"),
                rows,
            )
    audio, visual = made.widths
    say(
        f"{made.features}: {made.used:,} of {len(made.accounts):,} clips, {audio} numbers of sound and {visual} of "
        f"pictures each. What became of every clip: {made.table}"
    )
    say(
        f"Next: `avexplore run {made.features}`, then `avexplore app --folder {folder} --folder {made.manifest.parent}`"
    )


def gather(
    shards: Annotated[list[Path], typer.Argument(help="Shards of YouTube-8M, video level.", metavar="SHARD")],
    run: Annotated[str, typer.Option(help="A shipped run, by the beginning of its address.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The npz to write.")] = Path("features.npz"),
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find a shipped run's clips in shards of YouTube-8M, and write its file of features: then it can be trained anew.

    Nothing is written unless all clips are found.
    """
    from avexplore.data.clip_index import find, index_in, write_features

    bench, data = workbench(), stored_run(run).student.data
    index = index_in(bench.store.shipped, data.fingerprint) if isinstance(data, FeatureFileConfig) else Path()
    if not index.is_file():
        raise ConfigError("No index of this run's clips ships with it", where="--run", fix="See `avexplore runs`")
    with progress(quiet or json) as report:
        found = find(index, configure.existing(shards), report)
    content = {"clips": found.clips, "found": found.clips - found.missing, "by_file": found.by_file}
    if not json:
        rows = list(found.by_file.items())
        more = [(f"{len(rows) - _SHOWN:,} more files", sum(n for _, n in rows[_SHOWN:]))] if rows[_SHOWN:] else []
        table(f"{content['found']:,} of {found.clips:,} clips", ("File", "Clips"), [*rows[:_SHOWN], *more])
    write_features(index, found, data.fingerprint, out)
    bench.store.remember_files(data.fingerprint, (str(out.absolute()),))
    if json:
        emit(content | {"features": str(out)})
        return
    say(f"{out} holds the features of this run. Next: `avexplore tune --run {run} --set regularizer.weight=0.5`")
