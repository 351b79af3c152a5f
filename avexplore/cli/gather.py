"""`avexplore gather`: the features of a shipped run's clips, out of the shards that they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import stored_run, workbench
from avexplore.cli.output import emit, progress, say, table
from avexplore.config import FeatureFileConfig
from avexplore.errors import ConfigError

_SHOWN = 20


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
