"""Many trainings, on this machine's cores or a Dask cluster: `experiment`, `sweep` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import Chosen, describes_student, workbench
from avexplore.cli.output import emit, progress, say, table
from avexplore.config import DEFAULT_ARMS, ExperimentConfig, StudentConfig, SweepConfig, VaryConfig
from avexplore.errors import ConfigError


@describes_student
def experiment(
    chosen: Chosen,
    arms: Annotated[
        str,
        typer.Option(help="[form:]source[+I], proxies:aadml[+graph+I], baseline:cca, ..., separated by commas."),
    ] = ",".join(DEFAULT_ARMS),
    seeds: Annotated[int, typer.Option(help="Number of paired seeds.", min=2)] = 10,
    first_seed: Annotated[int, typer.Option(help="The first; a sweep's choice needs fresh ones.", min=0)] = 0,
    vary_teacher: Annotated[bool, typer.Option(help="Train the teacher anew for each seed.")] = True,
    split: Annotated[
        Literal["validation", "test"], typer.Option(help="test, or validation while parameters are being chosen.")
    ] = "test",
    reading: Annotated[
        Literal["own", "chosen"],
        typer.Option(help="Read each embedding as configured, or as does best for its arm on validation clips."),
    ] = "chosen",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the figures of every arm and seed to this .csv or .parquet."),
    ] = None,
    workers: options.Workers = 1,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Does the graph help? Every arm against its twin without LIR and against the controls, paired by seed."""
    from avexplore.experiments import alike, compare_arms, linked_pairs, reference_of, summary
    from avexplore.experiments.comparison import LINKED_PAIRS
    from avexplore.workbench import fanout

    student = chosen.student()
    names = tuple(name.strip() for name in arms.split(",") if name.strip())
    wanted = ExperimentConfig(student, names, seeds, first_seed, vary_teacher, split, reading)
    with progress(quiet or json) as report:
        found = fanout.make(wanted, workbench(device), workers=workers, scheduler=scheduler, report=report)
    if out is not None:
        from avexplore.analysis.run_tables import experiment_table, write_table

        write_table(experiment_table(found), out)
    comparisons = {metric: compare_arms(found, metric) for metric in found.metrics if metric != LINKED_PAIRS}
    if json:
        emit(
            {
                "arms": found.arms,
                "seeds": found.seeds,
                "metrics": found.metrics,
                "values": found.values,
                "comparisons": {
                    metric: [vars(c) | {"verdict": c.verdict} for c in rows] for metric, rows in comparisons.items()
                },
                "alike": {metric: alike(found, metric) for metric in comparisons},
                "summary": summary(found),
                "address": wanted.address,
                "config": wanted.to_json(),
            }
        )
        return
    for metric, rows in comparisons.items():
        head = ("Arm", "Mean", "Change", "95 % interval", "p, Holm", "Verdict")
        lines = [
            (c.arm, c.mean, f"{c.difference:+.4f}", f"{c.low:+.4f} {c.high:+.4f}", c.p_value, c.verdict) for c in rows
        ]
        table(f"{metric}, against {reference_of(found, metric)}, {seeds} paired seeds, {split} clips", head, lines)
    if links := linked_pairs(found):
        say("Class pairs linked: " + ", ".join(f"{arm} {count:.0f}" for arm, count in links.items()) + ".")
    say(
        "Arms that cannot be told apart in MAP, best first: "
        + "; ".join(", ".join(g) for g in alike(found, "map"))
        + "."
    )
    say(summary(found))


@describes_student
def sweep(
    chosen: Chosen,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="A parameter and its values, as lambda=0.5,1,2; the values may be left out. lambda, top_k, tau, "
            "penalty_discount, start_epoch, k, head, transform, or stage.field. May be repeated."
        ),
    ] = None,
    method: Annotated[
        Literal["tpe", "random", "grid"], typer.Option(help="Optuna's TPE, random choices, or every combination.")
    ] = "tpe",
    trials: Annotated[int, typer.Option(help="Combinations to try; grid tries all.", min=1)] = 16,
    seeds: Annotated[int, typer.Option(help="Students for each combination.", min=1)] = 2,
    objective: Annotated[
        Literal["map", "any_label_map", "hidden_pair_ap"], typer.Option(help="Figure on validation clips that decides.")
    ] = "map",
    workers: options.Workers = 1,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Which parameters do best on validation clips? Stopped and started again, it goes on where it was."""
    from avexplore.experiments.sweep import best_student, check, outcomes, sweep_summary
    from avexplore.workbench import fanout

    student = chosen.student()
    wanted = SweepConfig(
        student,
        tuple(parse_vary(student, text) for text in vary or ("lambda", "top_k", "tau")),
        method=method,
        trials=trials,
        seeds=seeds,
        objective=objective,
        seed=chosen.seed,
    )
    check(wanted)
    with progress(quiet or json) as report:
        found = fanout.make(wanted, workbench(device), workers=workers, scheduler=scheduler, report=report)
    ranking = outcomes(wanted, found)
    best = best_student(wanted, ranking[0])
    if json:
        trials_found: list[dict[str, Any]] = [vars(one) | {"gain": vars(one.gain)} for one in ranking]
        emit(
            {
                "objective": found.objective,
                "split": "validation",
                "trials": trials_found,
                "summary": sweep_summary(wanted, found),
                "best_address": best.address,
                "best": best.to_json(),
                "address": wanted.address,
                "sweep": wanted.to_json(),
            }
        )
        return
    head = ("Trial", *found.parameters, found.objective, "twin", "Difference")
    lines = [
        (one.number, *map(str, one.values.values()), one.objective, one.twin, f"{one.gain.mean:+.4f}")
        for one in ranking[:20]
    ]
    table(f"The best of {len(ranking)} trials, {seeds} seeds each, validation clips", head, lines)
    say(sweep_summary(wanted, found))
    say(f"Look at the best one: the Training page's address with ?student={best.address[:12]}")


@describes_student
def report(
    chosen: Chosen,
    seeds: Annotated[int, typer.Option(help="Students of each kind.", min=1)] = 3,
    figures: Annotated[
        str,
        typer.Option(
            help="start-epoch, edges, class-pairs, precision-scope, neighbors, losses, and training-size (20 trainings "
            "a seed), separated by commas."
        ),
    ] = "start-epoch,edges,class-pairs,precision-scope,neighbors,losses",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report.")] = Path("reports"),
    workers: options.Workers = 1,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """The papers' figures as one HTML page, with SVG and CSV of each. What is on this machine is used again."""
    from avexplore.reporting import write_report

    student = chosen.student()
    names = [name.strip() for name in figures.split(",") if name.strip()]
    with progress(quiet or json) as told:
        files = write_report(
            student,
            out,
            workbench(device),
            seeds=seeds,
            figures=names,
            workers=workers,
            scheduler=scheduler,
            report=told,
        )
    if json:
        emit({"files": [str(path) for path in files], "student": student.address, "seeds": seeds, "figures": names})
    else:
        say(f"Open {files[0]}")


def parse_vary(student: StudentConfig, text: str) -> VaryConfig:
    """`parameter` or `parameter=value,value,...`, values as JSON or plain text.

    Raises:
        ConfigError: If the parameter is not known, or a value is refused.
    """
    from avexplore.experiments.sweep import varied

    name, equals, values = text.partition("=")
    if not equals:
        return varied(student, name.strip())
    if not values.strip():
        raise ConfigError(f"Cannot read {text!r}", where="--vary", fix="Write parameter=value,value")
    return varied(student, name.strip(), [configure.parse_value(value) for value in values.split(",")])
