"""How far the class graph reaches: hundreds of classes in both modalities, and millions of clips.

    python benchmarks/reach.py --data FOLDER --write docs/reach.md
    python benchmarks/reach.py --data FOLDER --quick

Two sets of soft labels of a size at which nobody can look at single edges:

- VGGSounder, 309 classes x 2 = 618 nodes, 15,446 clips. Its file says how many of 7 models voted for a class from
  the sound alone and from the picture alone. With v votes of m models and the class's mean share of votes b over all
  clips, the soft label is the log-odds of (v + b) / (m + 1): their share, with one more vote cast by the average.
- AudioSet, 527 classes x 2 = 1,054 nodes, simulated: one standard normal per class and clip, with the correlations that
  give every pair of classes AudioSet's own joint count over 2,084,320 clips (tetrachoric correlations; pairs met less
  often than by chance, or in fewer than 5 clips, count as independent, since most of AudioSet's labels were never
  asked for), made positive definite by raising its eigenvalues, which changes them by .003 on average. Each modality
  hears or sees that number through noise of its own, of standard deviation 0.7 by ear and 0.5 by eye.

CPU seconds of one core; the search with covariance and CPDAG. Peak memory is that of a process which does nothing else,
less what it held before the search. Exponents are slopes of least squares on logarithms.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import hosts
import numpy as np

from avexplore import large_arrays
from avexplore.artifacts import FloatArray

Row = tuple[str, ...]
PARTS = ("real", "growth", "millions", "memory", "hosts")
SIMULATED_CLIPS = 20_000
NOISE = (0.7, 0.5)
FEWEST = 5.0
CHUNK = 4096
WIDTHS = {"audio": 128, "visual": 1024}  # as in YouTube-8M
CLASSES = 28
STEPS = 50
BOUND = 2 << 30
GROUP = Path("/sys/fs/cgroup/memory/avexplore-reach")
"""A control group (version 1) that may have so many bytes in memory, pages of files included."""


# --- data ---------------------------------------------------------------------------------------------------------


def vggsounder(folder: Path) -> FloatArray:
    """Log-odds of the models' votes. Shape (15446, 618), float32."""
    with np.load(folder / "vggsounder" / "vggsounder_labels_and_model_votes.npz") as file:
        models, classes = file["n_models"].astype(np.float64), len(file["classes"])
        blocks = []
        for modality in ("a", "v"):
            votes = np.zeros((len(models), classes))
            row, column, count = file[f"votes_{modality}_coo"].T
            votes[row, column] = count
            average = (votes / models[:, None]).mean(axis=0)
            share = (votes + average) / (models[:, None] + 1.0)
            with np.errstate(divide="ignore"):  # a class without any vote is constant, and left out below
                blocks.append(np.where(average > 0, np.log(share) - np.log1p(-share), 0.0))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def tetrachoric(joint: FloatArray, clips: float) -> FloatArray:
    """Correlations of normals whose joint exceedances have these counts. Shape (C, C), positive definite."""
    from scipy.special import ndtr, ndtri

    chance = np.diag(joint) / clips
    limit = -ndtri(chance)
    upper = np.triu_indices(len(joint), 1)
    h, k = limit[upper[0]], limit[upper[1]]
    independent = ndtr(-h) * ndtr(-k)
    wanted = joint[upper] / clips
    node, weight = np.polynomial.legendre.leggauss(24)

    def together(r: FloatArray) -> FloatArray:
        """P(X > h, Y > k) at correlation r, by integrating the density over the correlation (Plackett 1954)."""
        at = r[:, None] * (node + 1) / 2
        free = 1 - at**2
        density = np.exp(-(h[:, None] ** 2 - 2 * at * (h * k)[:, None] + k[:, None] ** 2) / (2 * free))
        above: FloatArray = independent + (density / (2 * np.pi * np.sqrt(free))) @ weight * r / 2
        return above

    low, high = np.zeros(len(h)), np.full(len(h), 0.95)
    for _ in range(30):
        middle = (low + high) / 2
        below = together(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found = np.where((wanted <= independent) | (joint[upper] < FEWEST), 0.0, (low + high) / 2)
    matrix = np.eye(len(joint))
    matrix[upper] = matrix[upper[::-1]] = found
    values, vectors = np.linalg.eigh(matrix)
    matrix = (vectors * values.clip(1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(matrix))
    regular: FloatArray = matrix / scale[:, None] / scale[None, :]
    return regular


def audioset(folder: Path, clips: int = SIMULATED_CLIPS) -> FloatArray:
    """Simulated soft labels with AudioSet's co-occurrence. Shape (clips, 1054), float32."""
    with np.load(folder / "ave" / "audioset_full_joint527.npz") as file:
        factor = np.linalg.cholesky(tetrachoric(file["joint"].astype(np.float64), float(file["n_clips"])))
    rng = np.random.default_rng(0)
    held = rng.standard_normal((clips, len(factor)), np.float32) @ factor.T.astype(np.float32)
    return np.concatenate([held + s * rng.standard_normal(held.shape, np.float32) for s in NOISE], axis=1)


def random_linear(p: int, degree: float, n: int, seed: int) -> FloatArray:
    """Linear Gaussian data of a random DAG, weights +-U(.25, 1). Shape (n, p)."""
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.random((p, p)) < degree / (p - 1), 1) * rng.uniform(0.25, 1.0, (p, p))
    weights *= rng.choice([-1.0, 1.0], (p, p))
    data = rng.normal(size=(n, p))
    for y in range(p):
        data[:, y] += data @ weights[:, y]
    return data[:, rng.permutation(p)]


def chunks(rows: int, columns: int) -> Iterator[FloatArray]:
    """Rows with a factor in common, made as they are asked for. Each of shape (<= CHUNK, columns), float32."""
    rng = np.random.default_rng(0)
    for first in range(0, rows, CHUNK):
        block = rng.standard_normal((min(CHUNK, rows - first), columns), np.float32)
        block += block[:, :1]
        yield block


# --- measurements, each in a process of its own ----------------------------------------------------------------------


def peak_mib() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if platform.system() == "Linux" else peak / 2**20


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    result = call()
    return time.process_time() - begun, result


def one_search(data: FloatArray, engine: str, c: float = 2.0, limit: float = math.inf) -> dict[str, float]:
    """Figures of one search; one that takes longer than `limit` CPU seconds is stopped, and has no edges and score."""
    from avexplore.errors import Cancelled
    from avexplore.graph.algebra.cpdag import dag_to_cpdag
    from avexplore.graph.inputs.checks import check_columns
    from avexplore.graph.inputs.covariance import correlation
    from avexplore.graph.search.search import search
    from avexplore.graph.search.warm_up import warm_up

    names = tuple(f"audio:{k}" for k in range(data.shape[1]))
    varying = data[:, data.std(axis=0) > 0]
    kept = check_columns(varying[:, :], names[: varying.shape[1]]).columns
    table = varying[:, kept]
    warm_up()
    before = peak_mib()

    begun = time.process_time()

    def stop_when_over(fraction: float, message: str = "", **figures: float) -> None:
        if time.process_time() - begun > limit:
            raise Cancelled("over the limit")

    def run() -> dict[str, float]:
        try:
            result = search(
                correlation(table),
                len(table),
                penalty_discount=c,
                engine=engine,  # type: ignore[arg-type]
                report=stop_when_over,
            )
        except Cancelled:
            return {"edges": math.nan, "score": math.nan}
        cpdag = dag_to_cpdag(result.dag)
        return {"edges": int((cpdag | cpdag.T).sum()) // 2, "score": result.score}

    seconds, found = timed(run)
    return {"nodes": table.shape[1], "clips": len(table), "seconds": seconds, "mib": peak_mib() - before, **found}


def search_of(source: str, engine: str, folder: str, limit: float) -> dict[str, float]:
    return one_search((vggsounder if source == "vggsounder" else audioset)(Path(folder)), engine, limit=limit)


def search_of_random(p: int, degree: float, n: int, engine: str) -> dict[str, float]:
    return one_search(random_linear(p, degree, n, 1), engine)


def covariance_pass(rows: int, columns: int) -> dict[str, float]:
    from avexplore.graph.inputs.covariance import CorrelationAccumulator

    accumulator = CorrelationAccumulator(columns)
    accumulator.add(next(chunks(8, columns)))
    before, spent = peak_mib(), 0.0
    for block in chunks(rows, columns):
        spent += timed(lambda b=block: accumulator.add(b))[0]  # type: ignore[misc]
    accumulator.correlation()
    return {"clips": rows, "nodes": columns, "seconds": spent, "mib": peak_mib() - before}


class Resident:
    """The most that this process has in memory while it works, in MiB, looked at every 20 ms.

    Attributes:
        anonymous: Of its own, which nothing but swapping takes from it.
        mapped: Of files, which leaves memory when the system needs it; programs and libraries are among them.
    """

    def __enter__(self) -> Resident:
        self.anonymous = self.mapped = self.seconds = 0.0
        self._done, self._begun = threading.Event(), time.process_time()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.anonymous = max(self.anonymous, float(status["RssAnon"].split()[0]) / 1024)
            self.mapped = max(self.mapped, float(status["RssFile"].split()[0]) / 1024)
            if self._done.wait(0.02):
                return

    def __exit__(self, *exception: object) -> None:
        self.seconds = time.process_time() - self._begun
        self._done.set()
        self._thread.join()

    def figures(self, stage: str) -> dict[str, float]:
        found = {"anonymous": self.anonymous, "mapped": self.mapped, "seconds": self.seconds}
        return {f"{stage}.{name}": value for name, value in found.items()}


def write_clips(folder: Path, clips: int) -> None:
    """Features around a point for each class, as one npy file per array."""
    rng = np.random.default_rng(0)
    labels = rng.integers(CLASSES, size=clips)
    np.save(folder / "labels.npy", labels)
    for name, width in WIDTHS.items():
        points = rng.standard_normal((CLASSES, width), np.float32)
        out = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (clips, width))
        for first in range(0, clips, CHUNK):
            part = labels[first : first + CHUNK]
            out[first : first + CHUNK] = points[part] + 3 * rng.standard_normal((len(part), width), np.float32)
        out.flush()


def clips_of(folder: str, mapped: bool, home: str = "") -> Any:
    """The config of the files, in a process that works on one thread and keeps large arrays in files, or does not."""
    import torch

    from avexplore import large_arrays
    from avexplore.data import feature_file

    torch.set_num_threads(1)
    os.environ["AVEXPLORE_HOME"] = f"{folder}/{home or ('mapped' if mapped else 'in memory')}"
    if not mapped:
        large_arrays.LARGE = sys.maxsize
    return feature_file(*(f"{folder}/{name}.npy" for name in (*WIDTHS, "labels")))


def short_run(data: Any) -> Any:
    """QUICK with one epoch, LIR from its start, and two bootstraps."""
    from avexplore.config.base import override
    from avexplore.config.presets import preset

    one, fewer = {"epochs": 1}, {"bootstraps": 2, "null_bootstraps": 2}
    changes = {"teacher": one, "stability": fewer, "student": one, "regularizer": {"start_epoch": 0}}
    return override(preset("quick", data), changes)


def bounded(clips: int, folder: str) -> dict[str, float]:
    """`training` in mapped files, where memory and the pages of all files together are bounded."""
    (GROUP / "memory.limit_in_bytes").write_text(str(BOUND))
    (GROUP / "cgroup.procs").write_text(str(os.getpid()))
    begun = time.perf_counter()
    found = training(clips, True, folder, "bounded")
    return found | {"elapsed": time.perf_counter() - begun}


def can_be_bounded() -> bool:
    try:
        GROUP.mkdir(exist_ok=True)
    except OSError:
        return False
    return (GROUP / "memory.limit_in_bytes").exists()


def training(clips: int, mapped: bool, folder: str, home: str = "") -> dict[str, float]:
    """A teacher, a class graph and a student with LIR, stored."""
    from avexplore.workbench import Workbench

    student = short_run(clips_of(folder, mapped, home))
    bench = Workbench(device="cpu")
    teacher = student.stability.graph.soft_labels
    found: dict[str, float] = {"clips": clips}
    for stage, config in (
        ("read", student.data),
        ("teacher", teacher),
        ("graph", student.stability),
        ("student", student),
    ):
        with Resident() as resident:
            made = bench.get(config)
        found |= resident.figures(stage)
    return found | {"embeddings": zlib.crc32(made.embeddings.audio.data, zlib.crc32(made.embeddings.visual.data))}


def some_steps(clips: int, folder: str) -> dict[str, float]:
    """A teacher and a student with LIR that are made ready and do some steps, and what they say of all clips."""
    import torch

    from avexplore.artifacts import Affinity
    from avexplore.data import load_features
    from avexplore.nets.two_branch import to_arrays
    from avexplore.training import network_outputs, read_outputs, student, teacher
    from avexplore.training.inputs import inputs_to_arrays
    from avexplore.training.loop import Training

    config = short_run(clips_of(folder, mapped=True))
    found: dict[str, float] = {"clips": clips}

    def step(task: Any, plan: Any) -> None:
        with Resident() as resident:
            rows = torch.randperm(len(task.rows), generator=torch.Generator().manual_seed(0))
            batches = [rows[k * 256 : (k + 1) * 256].expand(task.members, 256) for k in range(STEPS)]
            Training(task, plan).runner.run(batches, plan.learning_rate, 1.0)
        found.update(resident.figures(f"{plan.where} steps"))

    with Resident() as resident:
        features = load_features(config.data)
    found |= resident.figures("read")
    of_teacher = config.stability.graph.soft_labels
    with Resident() as resident:
        task, maps = teacher.task_of(features, of_teacher, "cpu")
    found |= resident.figures("inputs")
    step(task, teacher.plan_of(of_teacher))
    with Resident() as resident:
        labels, _ = teacher.calibrated(teacher._outputs(task.net, maps, features), features, of_teacher)
    found |= resident.figures("soft labels")
    del task
    affinity = Affinity(labels.nodes, np.eye(2 * CLASSES))
    with Resident() as resident:
        of_student, maps = student.task_of(features, config, labels, affinity, "cpu")
    found |= resident.figures("student inputs")
    step(of_student, student.plan_of(config))
    with Resident() as resident:
        weights = to_arrays(of_student.net) | inputs_to_arrays(maps)
        read_outputs(network_outputs(features, config, weights), config, of_student.linked)
    return found | resident.figures("embeddings")


def apart(function: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """The result from a process of its own, so that its peak memory is its own, too."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        found = pool.submit(function, *arguments).result()
    print(function.__name__, *arguments[:3], {k: round(v, 3) for k, v in found.items()}, flush=True)
    return found


# --- what is said of it ---------------------------------------------------------------------------------------------


def exponent(x: list[float], y: list[float]) -> float:
    """Slope of ln y over ln x by least squares.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def table(head: Row, rows: list[Row]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def real_sizes(folder: Path, lines: list[str], limit: float) -> None:
    rows: list[Row] = []
    for source, name in (("vggsounder", "VGGSounder votes"), ("audioset", "AudioSet, simulated")):
        for engine in ("boss", "grasp", "both"):
            m = apart(search_of, source, engine, str(folder), limit)
            done = not math.isnan(m["score"])
            rows.append(
                (
                    name,
                    f"{m['nodes']:,.0f}",
                    f"{m['clips']:,.0f}",
                    {"boss": "BOSS", "grasp": "GRaSP", "both": "BOSS, then GRaSP"}[engine],
                    f"{m['seconds']:.1f}" if done else f"stopped after {limit:.0f}",
                    f"{m['mib']:.0f}",
                    f"{m['edges']:,.0f}" if done else "",
                    f"{m['score']:,.0f}" if done else "",
                )
            )
    lines += ["## Class graphs of hundreds of classes", ""]
    lines += ["One start, c = 2. Columns that never vary or repeat another are left out of the nodes.", ""]
    head = ("data", "nodes", "clips", "engine", "CPU s", "MiB", "edges", "score")
    lines += table(head, rows)


def growth(lines: list[str], quick: bool) -> None:
    engines = ("boss", "grasp")
    lines += ["## How cost grows", ""]
    lines += ["Random linear data, one start, c = 2, 2,000 clips unless said otherwise.", ""]
    sizes = (75, 150, 300) if quick else (75, 150, 300, 600, 1054)
    degrees = (2.0, 4.0) if quick else (2.0, 3.0, 4.0, 6.0)
    clips = (1000, 2000, 4000) if quick else (1000, 4000, 16_000, 64_000)
    rows: list[Row] = []
    said = []
    for what, cases, value in (
        ("nodes", [(p, 4.0, 2000) for p in sizes], "nodes"),
        ("edges", [(300, d, 2000) for d in degrees], "edges"),
        ("clips", [(100, 4.0, n) for n in clips], "clips"),
    ):
        slopes = []
        for engine in engines:
            found = [apart(search_of_random, *case, engine) for case in cases]
            for case, m in zip(cases, found, strict=True):
                cells = (f"{m['nodes']:,.0f}", f"{case[1]:g}", f"{m['edges']:,.0f}", f"{m['clips']:,.0f}")
                rows.append((what, engine.upper() if engine == "boss" else "GRaSP", *cells, f"{m['seconds']:.3f}"))
            slopes.append(exponent([m[value] for m in found], [m["seconds"] for m in found]))
        said.append((what, *(f"{slope:.2f}" for slope in slopes)))
    lines += table(("grows", "engine", "nodes", "degree", "edges", "clips", "CPU s"), rows)
    lines += ["Time grows as this power of nodes (degree held), of edges (nodes held) and of clips:", ""]
    lines += table(("grows", "BOSS", "GRaSP"), said)
    lines += [
        "The search itself sees the correlation matrix and the number of clips only. More clips find more and weaker "
        "edges, which is what it then costs; the pass over the clips is linear.",
        "",
    ]


def millions(lines: list[str], quick: bool) -> None:
    counts = (20_000, 40_000) if quick else (200_000, 2_000_000)
    found = [apart(covariance_pass, rows, 1054) for rows in counts]
    lines += ["## 2,000,000 clips", ""]
    lines += [f"The covariance in one pass over float32 rows of 1,054 columns that come {CHUNK:,} at a time.", ""]
    rows: list[Row] = [(f"{m['clips']:,.0f}", f"{m['seconds']:.1f}", f"{m['mib']:.0f}") for m in found]
    lines += table(("clips", "CPU s", "MiB"), rows)
    last = found[-1]
    seconds = last["seconds"] * 2e6 / last["clips"]
    disk = 2e6 * 1054 * 4 / 2**30
    slope = exponent([m["clips"] for m in found], [m["seconds"] for m in found])
    lines += [
        f"Exponent in the clips: {slope:.2f}. So 2,000,000 clips need {seconds / 60:.1f} minutes of one core for the "
        f"pass, the memory above whatever their number, and the time to read {disk:.1f} GiB of float32; then a search "
        "as in the table at the top. Each bootstrap needs a pass of its own.",
        "",
    ]


def memory(lines: list[str], folder: Path | None, quick: bool) -> None:
    few, many = (20_000, 40_000) if quick else (200_000, 2_000_000)
    runs, steps, within = {}, {}, None
    for clips in (few, many):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            write_clips(Path(place), clips)
            if clips == few:
                runs = {mapped: apart(training, clips, mapped, place) for mapped in (True, False)}
                within = apart(bounded, clips, place) if can_be_bounded() else None
            steps[clips] = apart(some_steps, clips, place)
    same = len({run["embeddings"] for run in (*runs.values(), within) if run}) == 1
    width = sum(WIDTHS.values())
    lines += ["## Training data beyond memory", ""]
    lines += [
        f"Files of {WIDTHS['visual']:,} visual and {WIDTHS['audio']} audio features, float32 "
        f"({', '.join(f'{clips:,} clips: {clips * width * 4 / 2**30:.2f} GiB' for clips in (few, many))}), of "
        f"{CLASSES} classes. Arrays of more than {large_arrays.LARGE // 2**20} MiB lie in files of the data folder "
        "that are mapped; whitening and outputs are made block by block. Memory is the most that the process has "
        "resident (`/proc/self/status`, every 20 ms, with Python, NumPy and PyTorch): of its own (RssAnon), and pages "
        "of mapped files (RssFile), which leave memory when the system needs it. One thread.",
        "",
        f"{few:,} clips: QUICK with one epoch for teacher and student, LIR from its start, and 2 bootstraps, through "
        f"the store. All in memory, the embeddings {'are the same to the bit' if same else 'DIFFER'}.",
        "",
    ]
    rows: list[Row] = []
    for stage in ("read", "teacher", "graph", "student"):
        cells = [f"{runs[True][f'{stage}.seconds']:.0f}"]
        for mapped in (True, False):
            cells += [f"{runs[mapped][f'{stage}.{kind}']:,.0f}" for kind in ("anonymous", "mapped")]
        rows.append((stage, *cells))
    head = ("stage", "CPU s", "own MiB", "mapped MiB", "own MiB, all in memory", "mapped MiB, all in memory")
    lines += table(head, rows)
    if within is not None:
        lines += [
            f"Where all memory and the pages of all files together are bounded to {BOUND / 2**30:.0f} GiB (a control "
            f"group, as a container has), the same {few:,} clips take {within['elapsed']:.0f} s.",
            "",
        ]
    lines += [
        f"How cost grows: made ready to train (means, whitening, inputs of training and validation clips), {STEPS} "
        "steps of 256 clips (3 members at once), and what the networks say of all clips.",
        "",
    ]
    stages = [name.removesuffix(".seconds") for name in steps[few] if name.endswith(".seconds")]
    rows = []
    for stage in stages:
        cells = []
        for clips in (few, many):
            cells += [f"{steps[clips][f'{stage}.{kind}']:,.0f}" for kind in ("seconds", "anonymous", "mapped")]
        slope = exponent([few, many], [max(steps[clips][f"{stage}.seconds"], 0.01) for clips in (few, many)])
        rows.append((stage, *cells, f"{slope:.2f}"))
    kinds = ("CPU s", "own MiB", "mapped MiB")
    columns = ("stage", *(f"{clips:,} clips: {kind}" for clips in (few, many) for kind in kinds), "exponent of CPU s")
    lines += table(columns, rows)


def page(lines: list[str], before: str) -> str:
    """The page with these parts new and all others as they were before.

    >>> old = page(["## Slow", "", "10 s", "## Maps", "", "large"], "")
    >>> new = page(["## Slow", "", "1 s"], old)
    >>> "10 s" in new, "1 s" in new, "large" in new
    (False, True, True)
    """
    parts: dict[str, str] = {}
    for text in (before, "\n".join(["", *lines])):
        for part in text.split("\n## ")[1:]:
            title, _, body = part.partition("\n")
            parts[title] = body.strip("\n")
    head = [
        "# Reach",
        "How far the class graph reaches: hundreds of classes in both modalities, millions of clips, several machines.",
        f"By `python benchmarks/reach.py` on {platform.system()} {platform.machine()}, one core, shared.",
    ]
    return "\n\n".join([*head, *(f"## {title}\n\n{body}" for title, body in parts.items())]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with vggsounder/ and ave/, the real co-occurrence")
    parser.add_argument("--quick", action="store_true", help="smaller sizes of what is made up")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--scratch", type=Path, help="where 22 GB fit; the system's folder for such files by default")
    parser.add_argument("--limit", type=float, default=300.0, help="CPU seconds after which a search is stopped")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    chosen = options.only or PARTS
    lines: list[str] = []
    if "real" in chosen:
        if options.data is not None:
            real_sizes(options.data, lines, options.limit)
        else:
            print("skipped: --data names no folder of real data", flush=True)
    if "growth" in chosen:
        growth(lines, options.quick)
    if "millions" in chosen:
        millions(lines, options.quick)
    if "memory" in chosen:
        if Path("/proc/self/status").exists():
            memory(lines, options.scratch, options.quick)
        else:
            print("skipped: memory is read from /proc, which only Linux has", flush=True)
    if "hosts" in chosen:
        if hosts.available():
            lines += hosts.report(3 if options.quick else 8)
        else:
            print("skipped: hosts are network namespaces, which take root on Linux", flush=True)
    if options.write:
        before = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(page(lines, before), encoding="utf-8")
    print(json.dumps({"written": str(options.write) if options.write else None}))


if __name__ == "__main__":
    main()
