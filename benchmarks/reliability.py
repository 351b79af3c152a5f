"""What survives: kills, two writers, a full disk, damage, a crowd, a long time, odd links and mutated files.

    python benchmarks/reliability.py
    python benchmarks/reliability.py --only "A soak" --minutes 5

Writes docs/reliability.md anew; with --only these sections of it, and leaves the others as they are. In full it takes
hours. Every number of the document comes from here.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from crowd import crowd  # beside this file
from soak import soak

from avexplore.artifacts import History
from avexplore.cli.configure import override
from avexplore.config import Config, SoftLabelFileConfig, StudentConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.errors import StoreError
from avexplore.pipeline import shared_prefix
from avexplore.store import Store
from avexplore.workbench import Workbench

ROOT = Path(__file__).resolve().parents[1]


def student(seed: int) -> StudentConfig:
    """Small, but with every stage: some seconds of work."""
    chosen = preset("tiny", SyntheticConfig(clips=1200, classes=8), seed)
    changes = {
        "teacher": {"epochs": 40},
        "stability": {"bootstraps": 60, "null_bootstraps": 30},
        "student": {"epochs": 60},
        "regularizer": {"start_epoch": 30},
    }
    return override(chosen, changes)


def contents(store: Store) -> dict[str, str]:
    """Digest of each stored result, by stage and address."""
    found = {}
    for summary in store.entries():
        entry = store.get(summary.config) if summary.config else None
        if entry is not None:
            found[f"{summary.stage}/{summary.address[:12]}"] = entry.content
    return found


def forked(work: Callable[[], None]) -> int:
    """Run in a child process that starts at once; returns its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def kill_until_done(config: Config, home: Path, kills: int, longest: float, seed: int) -> tuple[int, int]:
    """Start, kill at a random moment, start again ... then let it finish. Returns kills and starts."""
    rng = np.random.default_rng(seed)
    done = starts = 0
    while True:
        starts += 1
        child = forked(lambda: Workbench(Store(home, home / "none"), device="cpu").get(config) and None)
        moment = rng.uniform(0.02, longest) if done < kills else float("inf")
        end = time.perf_counter() + moment
        while time.perf_counter() < end:
            finished, status = os.waitpid(child, os.WNOHANG)
            if finished:
                if status:
                    raise RuntimeError(f"the work itself failed: {status}")
                return done, starts
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        done += 1


def killed_work(kills: int, folder: Path) -> list[str]:
    """Kills in trainings (a teacher, a prefix, two students) and in bootstraps, until there were enough."""
    names = {
        "teacher": "the teacher's training",
        "stability": "bootstraps of the graph",
        "prefix": "the common beginning",
        "student": "a student's training",
    }
    counts = dict.fromkeys(names, 0)
    starts = rounds = same = results = damaged = 0
    whole, killed = Store(folder / "whole", folder / "none"), Store(folder / "killed", folder / "none")
    while sum(counts.values()) < kills:
        config = student(rounds)
        assert config.stability is not None
        assert config.soft_labels is not None
        prefix = shared_prefix(config)
        assert prefix is not None
        for part in (config.soft_labels, config.stability, prefix, config, config.twin):
            began = time.perf_counter()
            Workbench(whole, device="cpu").get(part)
            alone = time.perf_counter() - began
            done, begun = kill_until_done(part, killed.root, 4, max(0.1, 0.6 * alone), 7 * rounds + starts)
            counts[part.stage] += done
            starts += begun
        rounds += 1
    reference, after = contents(whole), contents(killed)
    same = sum(after.get(name) == digest for name, digest in reference.items())
    results, damaged = len(reference), len(killed.quarantine())
    total = sum(counts.values())
    listed = ", ".join(f"{counts[stage]} in {name}" for stage, name in names.items())
    return [
        f"`kill -9` at {total} random moments ({listed}), {starts} starts, {rounds} whole runs. "
        f"**{same} of {results} results are the same, byte for byte,** as those of undisturbed runs; {damaged} entries "
        "were damaged.",
    ]


def killed_writers(kills: int, folder: Path) -> list[str]:
    """Kills while entries are written."""
    home = folder / "writers"
    rng = np.random.default_rng(5)

    def write() -> None:
        store = Store(home, folder / "none")
        while True:
            number = int(np.random.default_rng().integers(10_000))
            values = np.random.default_rng(number).normal(size=20_000 + number * 20)
            store.put(SoftLabelFileConfig(f"entry {number}"), History({"loss": values}))

    for _ in range(kills):
        child = forked(write)
        time.sleep(rng.uniform(0.02, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    store = Store(home, folder / "none")
    swept = store.sweep()
    found = store.entries()
    whole = sum(store.get(s.config) is not None for s in found if s.config)
    left = len(list((home / "staging").iterdir()))
    return [
        f"`kill -9` at {kills} random moments of writing: {len(found)} entries were finished, **{whole} of them are "
        f"whole**, {len(store.quarantine())} were set aside; {swept} unfinished folders were swept, {left} are left.",
    ]


WRITER = """
import sys
from pathlib import Path
import numpy as np
from avexplore.artifacts import History
from avexplore.config import SoftLabelFileConfig
from avexplore.store import Store
root, seed, times = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store, config = Store(root), SoftLabelFileConfig("contended")
for turn in range(times):
    if turn % 3 == seed:
        store.remove(config.address)
    store.put(config, History({"loss": np.full(5000, 7.0)}), durable=False)
    found = store.get(config)
    assert found is None or (found.artifact.columns["loss"] == 7.0).all()
"""


def two_writers(times: int, folder: Path) -> list[str]:
    """Two processes write, read and remove one address."""
    home = folder / "contended"
    began = time.perf_counter()
    arguments = [[sys.executable, "-c", WRITER, str(home), str(seed), str(times)] for seed in (0, 1)]
    codes = [process.wait() for process in [subprocess.Popen(a) for a in arguments]]
    store = Store(home)
    store.put(SoftLabelFileConfig("contended"), History({"loss": np.full(5000, 7.0)}))
    count = len(list((home / "artifacts" / "soft_labels").iterdir()))
    whole = store.get(SoftLabelFileConfig("contended")) is not None
    return [
        f"Two processes wrote, read and (every third time) removed one address {times:,} times each, in "
        f"{time.perf_counter() - began:.0f} s: exit codes {codes}, **{count} entry left, "
        f"{'whole' if whole else 'DAMAGED'}**, {len(store.quarantine())} set aside, "
        f"{len(list((home / 'staging').iterdir()))} unfinished folders.",
    ]


def full_disk(folder: Path) -> list[str]:
    """A real, full file system where we may mount one, else a limit on file size."""
    place = folder / "small"
    place.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    )
    try:
        store = Store(place / "home", folder / "none")
        if not mounted:
            import resource

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        store.put(SoftLabelFileConfig("small"), History({"loss": np.zeros(10_000)}))
        message = "it was written"
        try:
            store.put(SoftLabelFileConfig("large"), History({"loss": np.zeros(400_000)}))
        except StoreError as error:
            message = str(error).replace(str(place), "...")
        left = [p.name for p in (place / "home" / "staging").iterdir()]
        kept = Store(place / "home", folder / "none").get(SoftLabelFileConfig("small")) is not None
        how = "A full 2 MB file system" if mounted else "A limit on file size in place of a full disk"
        return [
            f"{how}: “{message}” Left half written: {len(left)} folders. "
            f"What was stored before is {'still there' if kept else 'LOST'}.",
        ]
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=False)
        else:
            import resource

            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def damage(times: int, folder: Path) -> list[str]:
    """Random damage to random files of real entries."""
    rng = np.random.default_rng(9)
    source = Store(folder / "whole", folder / "none")
    Workbench(source, device="cpu").get(student(0))  # stored already, unless this is measured alone
    known = [s.config for s in source.entries() if s.config is not None]
    reference = {c.address: source.get(c) for c in known}
    home = folder / "damaged"
    served = wrong = 0
    for _ in range(times):
        config = known[rng.integers(len(known))]
        entry = reference[config.address]
        assert entry is not None
        place = Store(home).folder(config)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(entry.path, place)
        path = sorted(place.iterdir())[rng.integers(len(list(place.iterdir())))]
        content = bytearray(path.read_bytes())
        kind = rng.integers(4)
        if kind == 0:
            content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            content = content[: rng.integers(len(content))]
        elif kind == 2:
            content += bytes(rng.integers(0, 256, 7, dtype=np.uint8))
        else:
            start = int(rng.integers(len(content)))
            content[start : start + 64] = bytes(min(64, len(content) - start))
        changed = bytes(content) != path.read_bytes()
        path.write_bytes(content)
        found = Store(home, folder / "none").get(config)
        served += found is not None and changed
        wrong += found is not None and found.content != entry.content
    aside = len(Store(home).quarantine())
    return [
        f"{times} random damages (a flipped bit, a cut, an appended tail, zeros) to files of real entries: {aside} set "
        f"aside with a reason, {served} of a changed file served, **{wrong} with another content**.",
    ]


def links(count: int) -> list[str]:
    """Odd links to every page."""
    found = _asked_for_json("fuzz_links.py", "--links", str(count))
    rows = [
        f"| {page} | {one['parameters']} | {one['links']:,} | {len(one['failures'])} | {one['slowest']:.1f} |"
        for page, one in found.items()
    ]
    return [
        f"By `python benchmarks/fuzz_links.py --links {count} --seed 1`: links whose parameters are odd, huge, or a "
        "mutation of what the page would write itself. Each opens its page, without a traceback.",
        "",
        "| page | parameters | links | failed | slowest, s |",
        "|---|---|---|---|---|",
        *rows,
    ]


def files(inputs: int) -> list[str]:
    """Mutated files for every reader."""
    found = _asked_for_json("fuzz_readers.py", "--inputs", str(inputs))
    rows = [
        f"| {name} | {one['valid']:,} | {one['refused']:,} | {one['failed']} | {one['slowest_s']:.3f} |"
        for name, one in found.items()
    ]
    crashes = sum(one["crashed"] for one in found.values())
    return [
        f"By `python benchmarks/fuzz_readers.py --inputs {inputs} --seed 1`: {inputs:,} mutated inputs for each of "
        f"{len(found)} readers, all that stand in the lists of containers and graph formats. Each is either a valid "
        "result or refused with an AvexploreError.",
        "",
        "| reader | valid | refused | failed | slowest, s |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Beside these, {crashes} inputs crashed the HDF5 library or hung it, as some do with other "
        "seeds. So files are read in a process of their own: that process ends, and the file is refused.",
    ]


def _asked_for_json(script: str, *options: str) -> dict[str, dict[str, Any]]:
    environment = {name: value for name, value in os.environ.items() if name != "AVEXPLORE_HOME"}
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name(script)), *options, "--seed", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if not done.stdout:
        raise RuntimeError(f"{script} ended with code {done.returncode}:\n{done.stderr[-4000:]}")
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=30, help="of the soak")
    parser.add_argument("--links", type=int, default=2000)
    parser.add_argument("--inputs", type=int, default=20_000, help="for each reader")
    parser.add_argument("--only", action="append", default=[], help="title of a section; may be repeated")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    options = parser.parse_args()
    logging.getLogger("avexplore").setLevel(logging.ERROR)
    sections: dict[str, Callable[[Path], list[str]]] = {
        "Killed at work": lambda folder: killed_work(options.kills, folder),
        "Killed while writing": lambda folder: killed_writers(options.kills, folder),
        "Two writers": lambda folder: two_writers(options.writes, folder),
        "A full disk": full_disk,
        "Damage": lambda folder: damage(options.damages, folder),
        "A crowd": lambda folder: [
            *crowd(options.visitors, options.seconds, demo=True),
            "",
            *crowd(options.visitors, options.seconds),
        ],
        "A soak": lambda folder: soak(10, options.minutes),
        "Odd links": lambda folder: links(options.links),
        "Mutated files": lambda folder: files(options.inputs),
    }
    if unknown := set(options.only) - set(sections):
        parser.error(f"no section {sorted(unknown)[0]!r}; there are {', '.join(sections)}")
    known = written(options.out) if options.only else {}
    import torch

    # Imported here, so that children need not do it each time.
    from avexplore.training import loop

    loop.SAVE_SECONDS = 0.0
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="avexplore-reliability-") as scratch:
        os.environ["AVEXPLORE_HOME"] = str(Path(scratch) / "home")
        for title in options.only or sections:
            known[title] = sections[title](Path(scratch))
    lines = [
        "# Reliability, as measured",
        "",
        f"By `python benchmarks/reliability.py` on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; `--only` measures one section anew. Smaller "
        "versions of these run with the tests.",
        "",
    ]
    for title in sections:
        if title in known:
            lines += [f"## {title}", "", *known[title], ""]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


def written(path: Path) -> dict[str, list[str]]:
    """The sections of the document as it is."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            found[title] = []
        elif title:
            found[title].append(line)
    return {name: "\n".join(lines).strip().split("\n") for name, lines in found.items()}


if __name__ == "__main__":
    main()
