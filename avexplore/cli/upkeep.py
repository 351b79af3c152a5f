"""Commands around the method: stored runs, jobs, the store itself, exports, and single configs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from calendar import timegm
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import stored_run, workbench
from avexplore.cli.output import emit, picked, progress, say, size_text, table
from avexplore.config import ClipsConfig, Config, StudentConfig, from_json
from avexplore.errors import AvexploreError, Cancelled, ConfigError

# --- results ------------------------------------------------------------------------------------------------------


def runs(json: options.Json = False) -> None:
    """List what is stored and can be looked at."""
    found = workbench().runs()
    if json:
        emit({"runs": [picked(run, "key", "name", "shipped", "figures") for run in found]})
        return
    rows = [(r.key, r.name, r.source[:60], "shipped" if r.shipped else r.created) for r in found]
    table("Runs", ("Key", "Name", "Data", "Made"), rows)


SINGLE = ("embeddings", "soft-labels", "graph", "config")
"""What `export` writes as a file of its own kind."""
TABLE_NAMES = ("figures", "queries", "history", "edges", "projection", "clips")
"""What it writes as CSV or Parquet: `reporting.run_folder.TABLES`, which takes seconds to load."""


def _exported(incomplete: str) -> list[str]:
    """What a shell completes the first argument of `export` to."""
    keys = [run.key for run in workbench().runs() if run.student is not None]
    return [word for word in (*SINGLE, *TABLE_NAMES, *keys) if word.startswith(incomplete)]


def export(
    what: Annotated[
        str,
        typer.Argument(
            help="A run's key, for all of it as a folder; or embeddings, soft-labels, graph, config, or a table: "
            "figures, queries, history, edges, projection, clips.",
            autocompletion=_exported,
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder, or file; its ending says in which format, .csv or .parquet.")],
    run_key: options.RunKey = None,
    lir: Annotated[bool, typer.Option(help="Of the student with LIR, or of its twin.")] = True,
    quiet: options.Quiet = False,
) -> None:
    """Write a stored run for other programs: a folder that opens without avexplore, or one file of it.

    The folder holds a page to look at, tables, arrays, the graph in usual formats, weights, settings and origins.
    A single file is of the run that --run names; else of the newest of your own, or of the first one that ships.
    """
    from avexplore.analysis.run_tables import write_table
    from avexplore.cli import export as files
    from avexplore.pipeline import soft_labels
    from avexplore.reporting.run_folder import TABLES, write_run_folder

    single = what in (*SINGLE, *TABLE_NAMES)
    if not single and run_key is not None:
        raise ConfigError(
            f"{what!r} is nothing to write of a run", where="export", fix=f"Use {', '.join((*SINGLE, *TABLE_NAMES))}"
        )
    bench = workbench()
    run = stored_run(run_key if single else what)
    student: StudentConfig = run.student
    model = student if lir else student.twin
    graph = student.lir.affinity.stability.graph
    with progress(quiet) as report:
        get = partial(bench.get, report=report)
        if not single:
            write_run_folder(student, out, bench, report)
        elif what == "embeddings":
            files.write_embeddings(get(model).embeddings, get(ClipsConfig(student.data)), out)
        elif what == "soft-labels":
            files.write_soft_labels(soft_labels(graph.soft_labels, get), out)
        elif what == "graph":
            files.write_graph_file(get(graph), out)
        elif what == "config":
            files.save_text(out, json.dumps(model.to_json(), indent=1) + "\n")
        else:
            write_table(TABLES[what](student, model, get), out)
    written = what if single else "all"
    say(f"Wrote {out}: {written} of the {'shipped ' if run.shipped else ''}run {run.key}, {run.name}.")


def compute(
    file: Annotated[Path | None, typer.Argument(help="Any stage's config as JSON.")] = None,
    job: Annotated[Path | None, typer.Option(help="Folder of a job, which gets the progress.", hidden=True)] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make the result of any config, with everything upstream of it."""
    if job is not None:
        raise typer.Exit(run_job(job, device))
    if file is None:
        raise ConfigError("Name a config file", where="compute")
    config = configure.read_config(file, Config)
    started = time.perf_counter()
    with progress(quiet or json) as report:
        bench = workbench(device)
        bench.get(config, report)
    place = bench.store.folder(config)
    content = {"stage": config.stage, "address": config.address, "seconds": round(time.perf_counter() - started, 3)}
    if json:
        emit(content)
    else:
        say(f"{config.stage} {config.address[:12]} is in {place}")


def run_job(folder: Path, device: str | None = None) -> int:
    """What a worker process does: make the result that its folder names, and say how it goes there.

    Returns:
        The exit code: 0 done, 1 failed, 130 stopped.
    """
    from avexplore.jobs import JobReport, Registry, memory
    from avexplore.jobs.processes import end_children
    from avexplore.jobs.records import read_json
    from avexplore.jobs.registry import default_workers, has_gpu
    from avexplore.workbench import fanout

    request = read_json(folder / "request.json")
    if request is None:
        raise ConfigError("There is no job", where=str(folder))
    # Pages come first.
    if hasattr(os, "nice"):
        os.nice(5)
    report = JobReport(folder, int(request["attempts"]))
    registry = Registry(folder.parents[1])

    def too_much(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")
        report.say("failed", 0.0, sentence)
        # Left alone, they would live on and keep the memory.
        end_children()
        os._exit(1)

    memory.be_first_to_go()
    watched = memory.watch(memory.job_bytes(registry.workers), too_much)
    code = 1
    try:
        report.say("running", 0.0, "Starting")
        config = from_json(request["config"])
        fanout.make(config, workbench(device), workers=1 if has_gpu() else default_workers(), report=report)
        report.say("done", 1.0)
        code = 0
    except Cancelled as stopped:
        report.say("cancelled", 0.0, str(stopped))
        code = 130
    except AvexploreError as error:
        report.say("failed", 0.0, str(error))
        sys.stderr.write(f"{error}\n")
    except MemoryError:
        report.say("failed", 0.0, "There is not enough memory. Use fewer clips, a smaller batch or a smaller net.")
    except Exception as error:
        traceback.print_exc()
        # torch is not imported here for the sake of one name
        if type(error).__name__ == "OutOfMemoryError":
            report.say("failed", 0.0, "The GPU has not enough memory. Use a smaller batch or net, or the device cpu.")
        else:
            report.say("failed", 0.0, f"An unexpected {type(error).__name__} ended it; the log has more")
    watched.set()
    registry.look(now=True)
    return code


# --- health -------------------------------------------------------------------------------------------------------

LEAST_FREE = 1 << 30
"""Bytes of free disk below which writing results may soon fail."""


def health(json: options.Json = False) -> None:
    """Whether results can be written and jobs move; exit code 1 if something is wrong."""
    bench = workbench()
    root = bench.store.root
    free, problems = 0, []
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            free = shutil.disk_usage(root).free
        if free < LEAST_FREE:
            problems.append(f"Only {size_text(free)} are free where results are kept")
    except OSError as error:
        problems.append(f"The data folder cannot be written: {error.strerror or error}")
    try:
        counts = Counter(job.state for job in bench.jobs.all())
    except OSError as error:
        counts = Counter()
        problems.append(f"The jobs cannot be read: {error.strerror or error}")
    aside = len(bench.store.quarantine())
    jobs = {state: counts[state] for state in ("queued", "running", "failed")}
    if json:
        emit({"ok": not problems, "problems": problems, "free_bytes": free, "jobs": jobs, "set_aside": aside})
    else:
        listed = ", ".join(f"{count} {state}" for state, count in jobs.items())
        say("\n".join([*problems, f"{size_text(free)} free; jobs: {listed}; {aside} entries set aside."]))
    if problems:
        raise typer.Exit(1)


# --- jobs ---------------------------------------------------------------------------------------------------------

job_commands = typer.Typer(no_args_is_help=True, help="Slow work in processes of its own.")


def _address(key: str) -> str:
    found = [job.address for job in workbench().jobs.all() if job.address.startswith(key)]
    if len(found) != 1:
        raise ConfigError(f"{len(found)} jobs begin with {key!r}", where="jobs", fix="See `avexplore jobs list`")
    return str(found[0])


Key = Annotated[str, typer.Argument(help="Beginning of the address.")]


@job_commands.command("list")
def jobs_list(json: options.Json = False) -> None:
    """All jobs, the newest first."""
    found = workbench().jobs.all()
    if json:
        emit({"jobs": [picked(job, "address", "stage", "state", "fraction") for job in found]})
        return
    rows = [
        (j.address[:12], j.stage, j.state, f"{j.fraction:.0%}", f"{j.seconds:.0f} s", j.message[:60]) for j in found
    ]
    table("Jobs", ("Key", "Stage", "State", "Done", "Time", "Message"), rows)


@job_commands.command("submit")
def jobs_submit(file: Annotated[Path, typer.Argument(help="Any stage's config as JSON.")]) -> None:
    """Queue a config; it is worked on when there is room, whether this terminal stays open or not."""
    config = configure.read_config(file, Config)
    status = workbench().jobs.submit(config)
    say(f"{status.state}: {config.stage} {config.address[:12]}")


@job_commands.command("log")
def jobs_log(key: Key, lines: Annotated[int, typer.Option(min=1)] = 200) -> None:
    """The end of a job's output."""
    typer.echo(workbench().jobs.log(_address(key), lines))


@job_commands.command("cancel")
def jobs_cancel(key: Key) -> None:
    """Stop a job. What it has saved stays, so that it can go on later."""
    workbench().jobs.cancel(_address(key))


@job_commands.command("resume")
def jobs_resume(key: Key) -> None:
    """Go on with a job that failed or was stopped."""
    bench = workbench()
    address = _address(key)
    status = bench.jobs.status(address)
    config = from_json(status.config)
    bench.jobs.forget(address)
    say(bench.jobs.submit(config).state)


# --- store --------------------------------------------------------------------------------------------------------

store_commands = typer.Typer(no_args_is_help=True, help="What is kept on disk.")


@store_commands.command("info")
def store_info(json: options.Json = False) -> None:
    """Where results lie, how large they are, what trainings have saved on the way, and what was set aside."""
    store = workbench().store
    stages: dict[str, list[int]] = {}
    for summary in store.entries():
        if not summary.shipped:
            counted = stages.setdefault(summary.stage, [0, 0])
            counted[0] += 1
            counted[1] += summary.bytes
    aside = [picked(item, "name", "reason", "bytes") for item in store.quarantine()]
    states = [
        {"stage": state.stage, "address": state.address, "written": _iso(state.written), "bytes": state.bytes}
        for state in store.states()
    ]
    if json:
        content = {"folder": str(store.root), "bytes": store.size(), "stages": stages}
        emit(content | {"states": states, "set_aside": aside})
        return
    rows = [(stage, count, size_text(size)) for stage, (count, size) in sorted(stages.items())]
    table(f"{store.root}: {size_text(store.size())}", ("Stage", "Entries", "Size"), rows)
    if states:
        saved = [(s["stage"], str(s["address"])[:12], s["written"], size_text(float(s["bytes"]))) for s in states]
        table("States of trainings under way or cut off", ("Stage", "Address", "Written", "Size"), saved)
    if aside:
        table("Set aside", ("Entry", "Why", "Size"), [(a["name"], a["reason"], size_text(a["bytes"])) for a in aside])


@store_commands.command("check")
def store_check(json: options.Json = False) -> None:
    """Verify every checksum; set aside what is damaged; name what this version cannot list."""
    store = workbench().store
    count, damaged = store.check()
    unlisted = store.unlisted()
    if json:
        told = [picked(one, "stage", "address", "reason") for one in unlisted]
        emit({"checked": count, "damaged": damaged, "unlisted": told})
    else:
        say(f"Damaged: {', '.join(damaged)}" if damaged else "All entries are sound.")
        for one in unlisted:
            say(f"Kept, but not listed: {one.stage}/{one.address[:12]}. {one.reason}")
    if damaged:
        raise typer.Exit(1)


@store_commands.command("prune")
def store_prune(
    older_than: Annotated[float | None, typer.Option(help="What is older than so many days.", min=0)] = None,
    stage: Annotated[str | None, typer.Option(help="Of this stage only.")] = None,
    address: Annotated[str | None, typer.Option(help="The one whose address begins so.")] = None,
    outdated: Annotated[bool, typer.Option(help="Entries that this version cannot read any more.")] = False,
    set_aside: Annotated[bool, typer.Option(help="What was set aside as damaged.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove stored results, and states of trainings that nobody is at, by name, age or state. Shipped results stay."""
    bench = workbench()
    store = bench.store
    store.sweep()
    now = time.time()
    chosen, states = [], []

    def fits(its_stage: str, its_address: str, made: float) -> bool:
        right = stage in (None, its_stage) and its_address.startswith((address or "")[: len(its_address)])
        return right and (older_than is None or now - made > older_than * 86_400)

    if address or stage or outdated or older_than is not None:
        for item in store.entries(stage):
            meant = not item.shipped and (item.config is None or not outdated)
            if meant and fits(item.stage, item.address, _seconds(item.created)):
                chosen.append(item)
        if not outdated:
            wanted = [job.address for job in bench.jobs.all() if job.state in ("queued", "running")]
            states = [
                state
                for state in store.states()
                if fits(state.stage, state.address, state.written)
                and not any(job.startswith(state.address) for job in wanted)
                and not store.is_being_made(state)
            ]
    aside = store.quarantine() if set_aside else []
    total = sum(item.bytes for item in (*chosen, *states, *aside))
    if not (chosen or states or aside):
        say("Nothing fits, nothing was removed. Choose by --older-than, --stage, --address, --outdated or --set-aside.")
        return
    what = f"{len(chosen) + len(aside)} entries" + (f" and {len(states)} states of trainings" if states else "")
    if not yes and not typer.confirm(f"Remove {what}, {size_text(total)}?", err=True):
        raise Cancelled("Nothing was removed")
    for item in chosen:
        store.remove(item.address)
    for state in states:
        state.path.unlink(missing_ok=True)
    if aside:
        store.empty_quarantine()
    say(f"Removed {size_text(total)}.")


_ISO = "%Y-%m-%dT%H:%M:%SZ"


def _iso(seconds: float) -> str:
    return time.strftime(_ISO, time.gmtime(seconds))


def _seconds(created: str) -> float:
    try:
        return timegm(time.strptime(created, _ISO))
    except ValueError:
        return 0.0
