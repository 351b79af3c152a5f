"""`avexplore compare`: anybody's result files, paired row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from avexplore.cli import options
from avexplore.cli.output import emit, picked, say, table


def compare(
    files: Annotated[
        list[Path],
        typer.Argument(help="CSV files with a row per query or seed and a column per measure; the first is the base."),
    ],
    on: Annotated[
        list[str] | None,
        typer.Option(help="Column that says what a row is about; seed, query, clip_id ... without. May be repeated."),
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="Column to compare; all with numbers without. May be repeated.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Column that names the arms, where one file holds all of them; the first is the base."),
    ] = None,
    average: Annotated[bool, typer.Option("--average", help="Take the mean of rows that are about the same.")] = False,
    level: Annotated[
        float, typer.Option(help="Chance of calling any difference confirmed that is none.", min=1e-6, max=0.5)
    ] = 0.05,
    json: options.Json = False,
) -> None:
    """Is one result file better than another? Paired intervals, a permutation test, and what cannot be told apart.

    Rows are paired by what they are about. p-values are Holm-corrected over all files and measures together.
    """
    from avexplore.experiments import alike, compare_measures
    from avexplore.experiments.comparison import seeds_needed
    from avexplore.experiments.result_files import pair_tables, read_table, split_table
    from avexplore.retrieval.significance import Interval, verdict

    tables: dict[str, Any] = {name: read_table(path) for name, path in zip(_arms(files), files, strict=True)}
    if by is not None:
        split = {name: split_table(one, by, where=name) for name, one in tables.items()}
        one_file = len(files) == 1
        tables = {
            arm if one_file else f"{name}: {arm}": rows for name, arms in split.items() for arm, rows in arms.items()
        }
    names = list(tables)
    paired = pair_tables(tables, on=on or (), measures=measure or (), average=average)
    report, base = paired.report, names[0]
    comparisons = compare_measures(report, reference=base)
    groups = {m: alike(report, m, level=level / len(report.metrics)) for m in report.metrics}
    needed = seeds_needed((len(names) - 1) * len(report.metrics), level)
    said = {
        (c.arm, c.metric): verdict(
            Interval(c.difference, c.low, c.high, c.seeds), c.p_value, level=level, words=("higher", "lower")
        )
        for rows in comparisons.values()
        for c in rows
    }
    if json:
        rows = {
            m: [
                picked(c, "arm", "mean", "difference", "low", "high", "p_value") | {"verdict": said[c.arm, m]}
                for c in found
            ]
            for m, found in comparisons.items()
        }
        emit(
            {
                "reference": base,
                "on": paired.on,
                "pairs": len(paired.ids),
                "pairs_needed": needed,
                "level": level,
                "means": {
                    m: dict(zip(names, report.values[:, :, k].mean(1), strict=True))
                    for k, m in enumerate(report.metrics)
                },
                "comparisons": rows,
                "alike": groups,
                "left_out": paired.left_out,
            }
        )
        return
    for k, (m, found) in enumerate(comparisons.items()):
        head = ("", "Mean", "Change", "95 % interval", "p, Holm", "Verdict")
        lines: list[tuple[object, ...]] = [(base, f"{report.values[0, :, k].mean():.4f}", "", "", "", "")]
        lines += [
            (
                c.arm,
                f"{c.mean:.4f}",
                f"{c.difference:+.4f}",
                f"{c.low:+.4f} {c.high:+.4f}",
                f"{c.p_value:.4f}",
                said[c.arm, m],
            )
            for c in found
        ]
        table(f"{m}, against {base}, {len(paired.ids)} pairs by {', '.join(paired.on)}", head, lines)
    for m, found_groups in groups.items():
        if len(names) > 2:
            apart = "; ".join(", ".join(group) for group in found_groups)
            say(f"{m}: cannot be told apart, highest first: {apart}.")
    if len(paired.ids) < needed:
        say(f"{len(paired.ids)} pairs are too few to confirm anything here: it takes {needed}.")
    if len(paired.on) > 1:
        say(
            f"Rows that share a {paired.on[0]} are not independent: `--on {paired.on[0]} --average` tests over "
            f"the means of each {paired.on[0]}."
        )
    for sentence in paired.left_out:
        say(f"Left out: {sentence}.")


def _arms(files: list[Path]) -> list[str]:
    """A name for each file: without its folder where that is enough.

    >>> _arms([Path("a/map.csv"), Path("b/map.csv")]), _arms([Path("a/one.csv"), Path("b/two.csv")])
    (['a/map.csv', 'b/map.csv'], ['one', 'two'])
    """
    stems = [path.stem for path in files]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in files]
    return [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]
