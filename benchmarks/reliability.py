"""What survives: kills, two writers, a full disk, damage, and a crowd. Writes docs/reliability.md.

python benchmarks/reliability.py [--kills 50] [--writes 1000] [--damages 300] [--visitors 20] [--seconds 60]
"""

from __future__ import annotations

import argparse
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

import numpy as np
from crowd import crowd  # beside this file

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    options = parser.parse_args()
    logging.getLogger("avexplore").setLevel(logging.ERROR)
    import torch

    # Imported here, so that children need not do it each time.
    from avexplore.training import loop

    loop.SAVE_SECONDS = 0.0
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="avexplore-reliability-") as scratch:
        folder = Path(scratch)
        os.environ["AVEXPLORE_HOME"] = str(folder / "home")
        parts = [
            ("Killed at work", killed_work(options.kills, folder)),
            ("Killed while writing", killed_writers(options.kills, folder)),
            ("Two writers", two_writers(options.writes, folder)),
            ("A full disk", full_disk(folder)),
            ("Damage", damage(options.damages, folder)),
            (
                "A crowd",
                [
                    *crowd(options.visitors, options.seconds, demo=True),
                    "",
                    *crowd(options.visitors, options.seconds),
                ],
            ),
        ]
    lines = [
        "# Reliability, as measured",
        "",
        f"By `python benchmarks/reliability.py --kills {options.kills} --writes {options.writes} "
        f"--damages {options.damages}` on {platform.system()} {platform.machine()}, {os.cpu_count()} cores shared with "
        "other work, Python " + platform.python_version() + ". Smaller versions of these run with the tests.",
        "",
    ]
    for title, text in parts:
        lines += [f"## {title}", "", *text, ""]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
