"""`avexplore tune`: what settings do to a stored run, with the figures that the page Tune shows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import stored_run, workbench
from avexplore.cli.output import emit, progress, table


def tune(
    run: Annotated[str, typer.Option(help="A stored run, by the beginning of its address.")],
    settings: options.Settings = None,
    address: Annotated[
        str | None, typer.Option(help="Settings as an address of the app has them, after `set=`; --set comes on top.")
    ] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Figures of a stored run read with other settings; what acts in training is trained if its features are there."""
    from avexplore.tuning.counts import TOP, Counts, first_answers
    from avexplore.tuning.live_graphs import LiveGraphs
    from avexplore.tuning.reading import differences, open_run
    from avexplore.tuning.settings import WorkingSettings, difference
    from avexplore.tuning.tuning import Tuning

    with progress(quiet or json) as report:
        bench, chosen = workbench(device), stored_run(run)
        student = chosen.student
        working = WorkingSettings.decode(address or "").apply(student)
        working = configure.override(working, configure.parse_settings(settings or []))
        changed = difference(student, working)
        tuning = Tuning(bench, open_run(bench, student), LiveGraphs())
        answer = tuning.settle(working, report)
        reading, clips = answer.reading, tuning.run.test_clips
        both = [
            Counts(first_answers(reading.embeddings, clips, direction), tuning.twin_answers[direction])
            for direction in (0, 1)
        ]
    gaps, twin = differences(reading.report, tuning.run.twin_report), tuning.run.twin_report.metrics
    metrics = reading.report.metrics
    content: dict[str, Any] = {
        "metrics": dict(metrics),
        "to_twin": gaps,
        "links": int((reading.presence > 0).sum()),
        "bootstraps": reading.bootstraps,
        "queries": len(clips.hard_label),
        "first_answers": TOP,
        "gain": {"audio_to_visual": both[0].gain, "visual_to_audio": both[1].gain},
        "lose": {"audio_to_visual": both[0].lose, "visual_to_audio": both[1].lose},
        "settings": changed.encode(),
        "words": str(changed),
        "run": chosen.key,
        "config": reading.config.to_json(),
    }
    if json:
        emit(content)
        return
    table(
        f"Test clips, {changed}",
        ("Figure", "Value", "To the twin"),
        # Figures of a twin that was stored before one of them existed lack that one.
        [(name, float(value), float(value - twin[name])) for name, value in metrics.items() if name in twin],
    )
