"""The report's page: every figure, the table of final figures, and where all of it comes from."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avexplore import __version__
from avexplore.artifacts import Report, silent
from avexplore.config import Config, StudentConfig, TeacherConfig
from avexplore.errors import StoreError
from avexplore.reporting.contents import FIGURES, FinalFigure, final_figures, needed, students
from avexplore.reporting.drawing import as_svg, with_plotly
from avexplore.reporting.figures import Figure
from avexplore.reporting.whole_run import origins
from avexplore.store import Provenance
from avexplore.store.provenance import provenance
from avexplore.workbench import Ready, Workbench, fanout

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1B2733; background: #fff; margin: 0 auto; max-width: 60rem;
       padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.8rem 0 .2rem; }
p.lead, figcaption, td, th, footer { color: #46535f; font-size: .9rem; } figure { margin: 0; }
figcaption { margin-top: .2rem; } a { color: #0072B2; } table { border-collapse: collapse; margin-top: .6rem; }
th { text-align: left; font-weight: 600; } td, th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #E3E7EB; }
td.n { text-align: right; font-variant-numeric: tabular-nums; } pre { font-size: .75rem; overflow: auto; }
code { font-size: .85em; } @media print { body { max-width: none; } h2 { break-after: avoid; } }
"""


def write_report(
    student: StudentConfig,
    folder: Path,
    bench: Workbench,
    *,
    seeds: int = 3,
    figures: Sequence[str] = tuple(FIGURES),
    workers: int = 1,
    scheduler: str | None = None,
    report: Report = silent,
) -> list[Path]:
    """Make what is missing, then write `report.html` and each figure as SVG and CSV.

    What is on this machine is used again: a stopped report goes on where it was.

    Args:
        student: With LIR; its own seed is replaced by each of the seeds.
        folder: Where the files go; those of the same names are replaced.
        bench: Where results come from.
        seeds: How many students of each kind.
        figures: Names out of `FIGURES`.
        workers, scheduler: As for `fanout.make_all`.
        report: Told of the progress.

    Returns:
        The files, the page first.

    Raises:
        AvexploreError: If a result cannot be made, or the folder cannot be written.
    """
    parts = needed(student, seeds, figures)
    missing = [part for part in parts if not isinstance(bench.ask(part, start=False), Ready)]
    if missing:
        fanout.make_all(
            missing, bench.store.root, workers=workers, scheduler=scheduler, device=bench.device, report=report
        )
    family = students(student, seeds)
    drawn = [figure for name in figures for figure in FIGURES[name][1](family, bench.get)]
    rows = final_figures(family, bench.get)
    files = {"report.html": _page(student, seeds, drawn, rows, origins(parts, bench)).encode()}
    for figure in drawn:
        files[f"{figure.name}.svg"] = as_svg(figure)
        files[f"{figure.name}.csv"] = figure.csv().encode()
    head = "figure,clips,without_lir,with_lir,difference,low,high"
    files["figures.csv"] = "\n".join([head, *(",".join(map(str, row)) for row in rows), ""]).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise StoreError(f"Cannot write: {error.strerror}", where=str(folder), fix="Name another folder") from error
    return [folder / name for name in files]


def _page(
    student: StudentConfig,
    seeds: int,
    figures: Sequence[Figure],
    rows: Sequence[FinalFigure],
    made: Sequence[tuple[Config, Provenance]],
) -> str:
    own_teacher = (
        "each with its own teacher" if isinstance(student.soft_labels, TeacherConfig) else "one soft-label file"
    )
    lead = (
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}, {own_teacher}; students with LIR beside their twins without, "
        "from a shared beginning. Estimated dependencies, not proven causes."
    )
    body = [f'<h1>avexplore report</h1><p class="lead">{html.escape(lead)}</p>']
    for number, figure in enumerate(figures, start=1):
        picture = with_plotly(figure).to_html(
            full_html=False,
            include_plotlyjs=number == 1,  # the library itself, once: nothing is fetched
            div_id=f"figure-{number}",
            config={"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": figure.name}},
        )
        body.append(
            f"<h2>{number}. {html.escape(figure.title)}</h2><figure>{picture}"
            f"<figcaption>{html.escape(figure.caption)} "
            f'<a href="{figure.name}.svg">SVG</a> · <a href="{figure.name}.csv">CSV</a></figcaption></figure>'
        )
    body.append(_table(rows))
    body.append(_provenance(student, made))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>avexplore report</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _table(rows: Sequence[FinalFigure]) -> str:
    head = ("Figure", "Clips", "Without LIR", "With LIR", "Difference", "95 % interval of the paired difference")
    lines = []
    for name, clips, before, after, change, low, high in rows:
        bounds = f"{low:+.4f} to {high:+.4f}" if low == low else "one seed: none"
        cells = (f"{before:.4f}", f"{after:.4f}", f"{change:+.4f}", bounds)
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        lines.append(f"<tr><td>{html.escape(name)}</td><td>{html.escape(clips)}</td>{numbers}</tr>")
    heads = "".join(f"<th>{cell}</th>" for cell in head)
    return (
        f"<h2>Figures at the end of the training</h2><table><tr>{heads}</tr>{''.join(lines)}</table>"
        '<p class="lead"><a href="figures.csv">CSV</a></p>'
    )


def _made_on(found: Provenance) -> str:
    count = found.threads
    return f"{found.device}, {count} thread{'s' * (count > 1)}" if count else found.device


def _provenance(student: StudentConfig, made: Sequence[tuple[Config, Provenance]]) -> str:
    here = provenance(student)
    facts: dict[str, Any] = {
        "avexplore": f"{__version__}, source {here.code}",
        "student": student.address,
        "data": ", ".join(here.data) or "generated",
        "Python": f"{here.python} on {here.platform}",
        "libraries": ", ".join(f"{name} {version}" for name, version in here.libraries.items()),
    }
    lines = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(str(v))}</td></tr>" for k, v in facts.items())
    results = "".join(
        f"<tr><td>{part.stage}</td><td><code>{part.address}</code></td><td>{html.escape(found.created)}</td>"
        f"<td>{html.escape(_made_on(found))}</td><td><code>{html.escape(found.code)}</code></td></tr>"
        for part, found in made
    )
    config = html.escape(json.dumps(student.to_json(), indent=1))
    return (
        f"<h2>Where this comes from</h2><table>{lines}</table>"
        f"<details><summary>{len(made)} results by address</summary><table><tr><th>Stage</th><th>Address</th>"
        f"<th>Made</th><th>On</th><th>By source</th></tr>{results}</table></details>"
        f"<details><summary>The student's configuration</summary><pre>{config}</pre></details>"
    )
