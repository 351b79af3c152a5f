"""How fast and how good the compiled graph search is, beside causal-learn and FLOP on the same data with the same BIC.

    python benchmarks/graph_search.py --quick
    python benchmarks/graph_search.py --write docs/benchmarks-graph.md
    python benchmarks/graph_search.py --only against --write docs/benchmarks-graph.md

What is measured replaces its section of the document; the other sections stay.

CPU seconds of one process throughout; ours with correlation and CPDAG, causal-learn's with everything it does. Its
lambda_value is c / 2. Ratios are of medians measured in turns. FLOP is flopsearch, whose graphs are scored again by our
least squares; what it draws at random cannot be seeded.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.inputs.covariance import bootstrap_correlations, correlation
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search.search import SearchResult, search, search_many
from avexplore.graph.search.warm_up import warm_up

SCORES = Path(__file__).parents[2] / "shared" / "data" / "causalcmr" / "prediction_500.npz"
PARTS = ("against", "speed", "start", "certainty", "flop", "quality")
Row = tuple[str, ...]
Section = tuple[str, Row, list[Row]]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    result = call()
    return time.process_time() - begun, result


def ours(data: FloatArray, c: float, **options: Any) -> tuple[SearchResult, IntArray]:
    result = search(correlation(data), len(data), penalty_discount=c, **options)
    return result, dag_to_cpdag(result.dag)


def theirs(data: FloatArray, c: float, algorithm: str, seed: int) -> IntArray:
    """causal-learn's CPDAG in our convention."""
    from causallearn.search.PermutationBased.BOSS import boss
    from causallearn.search.PermutationBased.GRaSP import grasp

    random.seed(seed)
    run = grasp if algorithm == "grasp" else boss
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # unit variance, as ours; no matter to the graph, but to the comparison of scores
        graph = run((data - data.mean(0)) / data.std(0), parameters={"lambda_value": c / 2}, verbose=False)
    ends = graph.graph
    undirected = (ends == -1) & (ends.T == -1)
    found: IntArray = (((ends.T == 1) & (ends == -1)) | undirected).astype(np.int8)
    return found


def score_of(data: FloatArray, cpdag: IntArray, c: float) -> float:
    from avexplore.graph.algebra.cpdag import consistent_dag

    return bic_score(correlation(data), len(data), consistent_dag(cpdag), c)


def distance(a: IntArray, b: IntArray) -> int:
    differs = a != b
    return int(np.triu(differs | differs.T).sum())


def random_linear(p: int, degree: float, n: int, seed: int, kind: str = "er") -> tuple[FloatArray, IntArray]:
    """Linear Gaussian data; weights +-U(.25, 1); Erdos-Renyi or scale-free (preferential attachment)."""
    rng = np.random.default_rng(seed)
    dag = np.zeros((p, p), np.int8)
    if kind == "er":
        dag = np.triu(rng.random((p, p)) < degree / (p - 1), 1).astype(np.int8)
    else:
        each = max(1, round(degree / 2))
        weight = np.ones(p)
        for y in range(1, p):
            chosen = rng.choice(y, size=min(each, y), replace=False, p=weight[:y] / weight[:y].sum())
            dag[chosen, y] = 1
            weight[chosen] += 1
    names = rng.permutation(p)
    place = np.argsort(names)
    data = rng.normal(size=(n, p))
    weights = dag * rng.uniform(0.25, 1.0, (p, p)) * rng.choice([-1.0, 1.0], (p, p))
    for y in range(p):
        data[:, y] += data @ weights[:, y]
    return data[:, place], dag[np.ix_(place, place)]


def against_causal_learn(cases: list[tuple[str, FloatArray]], repeats: int) -> Section:
    rows: list[Row] = []
    for name, data in cases:
        for engine in ("grasp", "boss"):
            fast, slow = [], []
            for seed in range(repeats):
                slow.append(timed(lambda d=data, e=engine, s=seed: theirs(d, 2.0, e, s))[0])  # type: ignore[misc]
                fast += [
                    timed(lambda d=data, e=engine, s=s: ours(d, 2.0, engine=e, strategy="single", seed=s))[0]  # type: ignore[misc]
                    for s in range(seed * 5, seed * 5 + 5)
                ]
            a, b = float(np.median(slow)), float(np.median(fast))
            rows.append((name, engine, f"{a:.2f}", f"{b * 1e3:.1f}", f"{a / b:.0f}"))
            print(*rows[-1], flush=True)
    return "One start, c = 2", ("data", "engine", "causal-learn, s", "ours, ms", "times faster"), rows


def speeds(real: FloatArray | None, quick: bool) -> Section:
    rows: list[Row] = []

    def note(what: str, seconds: float) -> None:
        rows.append((what, f"{seconds:.3f}"))
        print(*rows[-1], flush=True)

    if real is not None:
        n = len(real)
        for engine in ("boss", "grasp", "both"):
            times = [timed(lambda e=engine, s=s: ours(real, 2.0, engine=e, seed=s))[0] for s in range(20)]  # type: ignore[misc]
            note(f"30 real nodes, c = 2, one start, {engine}", float(np.median(times)))
        for count in (100,) if quick else (100, 500):
            begun = time.perf_counter()
            took, _ = timed(lambda b=count: search_many(bootstrap_correlations(real, b), n, engine="boss", threads=2))  # type: ignore[misc]
            wall = time.perf_counter() - begun
            note(f"{count} bootstraps, c = 2, BOSS: CPU", took)
            note(f"{count} bootstraps, c = 2, BOSS: elapsed, 2 threads", wall)
        path = np.geomspace(1, 10, 19)
        note("path of 19 penalties, one start each", timed(lambda: [ours(real, c) for c in path])[0])
    for p, degree in ((600, 4.0),) if quick else ((600, 4.0), (1054, 4.0)):
        data, _ = random_linear(p, degree, 2000, 1)
        for engine in ("boss", "grasp"):
            took, _ = timed(lambda d=data, e=engine: ours(d, 2.0, engine=e))  # type: ignore[misc]
            note(f"{p} random nodes of degree {degree:g}, one start, {engine}", took)
    return "Speed", ("what", "CPU s"), rows


def certainty(real: FloatArray, seeds: int) -> Section:
    """How far the graphs of different seeds agree: each ends in a local optimum, not always the same."""
    rows: list[Row] = []
    for c in (4.0, 2.0):
        runs = [timed(lambda c=c, s=s: ours(real, c, strategy="perturbed", seed=s)) for s in range(seeds)]  # type: ignore[misc]
        scores = [result.score for _, (result, _) in runs]
        graphs = [graph for _, (_, graph) in runs]
        apart = [distance(a, b) for a, b in combinations(graphs, 2)]
        adjacent = [(graph | graph.T) != 0 for graph in graphs]
        shared, ever = np.all(adjacent, axis=0).sum() // 2, np.any(adjacent, axis=0).sum() // 2
        rows.append(
            (
                f"{c:g}",
                f"{max(scores):,.1f}",
                f"{np.mean(scores):,.1f} / {min(scores):,.1f}",
                f"{np.mean(apart):.0f} / {max(apart)}",
                f"{shared} of {ever}",
                f"{np.median([seconds for seconds, _ in runs]):.2f}",
                f"{np.mean([len(result.rivals) for _, (result, _) in runs]):.1f}",
            )
        )
        print(*rows[-1], flush=True)
    head = (
        "c",
        f"best found by {seeds} seeds",
        "mean / least",
        "SHD between two seeds, mean / most",
        "pairs adjacent from every seed, from any",
        "CPU s",
        "near-optimal graphs named",
    )
    return "prediction_500, all rows, raw, default strategy", head, rows


def flop(data: FloatArray, c: float, restarts: int) -> IntArray:
    """FLOP's CPDAG in our convention."""
    import flopsearch

    found: IntArray = (flopsearch.flop((data - data.mean(0)) / data.std(0), c, restarts=restarts) > 0).astype(np.int8)
    return found


LADDER: list[dict[str, Any]] = [
    {"strategy": "single"},
    {"strategy": "perturbed", "iterations": 1},
    *({"strategy": "perturbed", "iterations": int(1.25**k)} for k in range(4, 27)),
]
"""Searches of growing effort, by a quarter: larger steps would count iterations that nothing needed."""


def against_flop_where_dense(cases: list[tuple[str, FloatArray, float]], runs: int, seeds: int) -> Section:
    """Score and CPU time of FLOP with 20 restarts, of our default, and of our least effort that scores as much."""
    rows: list[Row] = []
    for name, data, c in cases:
        theirs = [timed(lambda d=data, c=c: flop(d, c, 20)) for _ in range(runs)]  # type: ignore[misc]
        slow = float(np.median([seconds for seconds, _ in theirs]))
        rival = float(np.mean([score_of(data, graph, c) for _, graph in theirs]))
        default = [
            timed(lambda d=data, c=c, s=s: ours(d, c, strategy="perturbed", seed=s))  # type: ignore[misc]
            for s in range(seeds if data.shape[1] <= 40 else seeds // 2)
        ]
        scores = [result.score for _, (result, _) in default]
        fast = float("nan")
        for effort in LADDER:
            tried = [
                timed(lambda d=data, c=c, s=s, e=effort: ours(d, c, **e, seed=s))  # type: ignore[misc]
                for s in range(3)
            ]
            if np.mean([result.score for _, (result, _) in tried]) >= rival:
                fast = float(np.median([seconds for seconds, _ in tried]))
                break
        rows.append(
            (
                name,
                f"{c:g}",
                f"{rival:,.1f} in {slow:.2f} s",
                f"{np.mean(scores):,.1f} (least {min(scores):,.1f}) in {np.median([t for t, _ in default]):.2f} s",
                f"{fast:.3f} s",
                f"{slow / fast:.1f}",
            )
        )
        print(*rows[-1], flush=True)
    head = (
        "data",
        "c",
        "FLOP, 20 restarts",
        f"ours, default, {seeds} seeds (half as many beyond 40 nodes)",
        "ours, as good as FLOP",
        "times faster",
    )
    return f"Beside FLOP where graphs are dense ({runs} runs of it)", head, rows


def against_flop_where_sparse(sizes: Iterable[int], runs: int) -> Section:
    """One start of ours and FLOP without restarts on large sparse graphs, where both find nearly the truth."""
    rows: list[Row] = []
    for p in sizes:
        data, dag = random_linear(p, 4.0, 2000, 1)
        truth = dag_to_cpdag(dag)
        theirs = [timed(lambda d=data: flop(d, 2.0, 0)) for _ in range(runs)]  # type: ignore[misc]
        slow = float(np.median([seconds for seconds, _ in theirs]))
        score = np.mean([score_of(data, rival, 2.0) for _, rival in theirs])
        apart = np.mean([distance(rival, truth) for _, rival in theirs])
        own = [timed(lambda d=data: ours(d, 2.0, engine="boss")) for _ in range(runs)]  # type: ignore[misc]
        fast, (result, graph) = float(np.median([seconds for seconds, _ in own])), own[0][1]
        rows.append(
            (
                str(p),
                f"{score:,.1f} in {slow:.2f} s, SHD {apart:.0f}",
                f"{result.score:,.1f} in {fast:.2f} s, SHD {distance(graph, truth)}",
                f"{slow / fast:.1f}",
            )
        )
        print(*rows[-1], flush=True)
    return (
        f"Beside FLOP where graphs are sparse ({runs} runs of each)",
        ("nodes, degree 4", "FLOP", "ours, BOSS, one start", "times faster"),
        rows,
    )


def against_flop_at_random(instances: int, largest: int) -> Section:
    """Random instances: who scores higher, whose graphs are nearer to the truth, and what the truth itself scores."""
    rng = np.random.default_rng(1)
    leads: list[float] = []
    truths: dict[str, list[float]] = {"ours": [], "FLOP": []}
    above = equal = below = polished_below = 0
    distances: dict[str, list[int]] = {"ours": [], "FLOP": []}
    seconds: dict[str, list[float]] = {"ours": [], "FLOP": [], "polished": [], "as long": []}
    longer: list[float] = []
    for k in range(instances):
        p = int(rng.integers(20, largest + 1))
        degree = float(rng.choice([2, 4, 6, 8, 10] if p <= 60 else [2, 4, 6]))
        data, dag = random_linear(
            p, degree, int(rng.choice([500, 1000, 2000])), 1000 + k, "er" if k % 2 else "scale-free"
        )
        truth = dag_to_cpdag(dag)
        took, (result, graph) = timed(lambda d=data, k=k: ours(d, 2.0, strategy="perturbed", seed=k))  # type: ignore[misc]
        seconds["ours"].append(took)
        took, (short, _) = timed(lambda d=data, k=k: ours(d, 2.0, strategy="polished", seed=k + 1))  # type: ignore[misc]
        seconds["polished"].append(took)
        polished_below += short.score < result.score - 1e-4
        took, rival = timed(lambda d=data: flop(d, 2.0, 20))  # type: ignore[misc]
        seconds["FLOP"].append(took)
        restarts = max(20, math.ceil(20 * seconds["ours"][-1] / took))
        took, patient = timed(lambda d=data, n=restarts: flop(d, 2.0, n))  # type: ignore[misc]
        seconds["as long"].append(took)
        longer.append(result.score - score_of(data, patient, 2.0))
        distances["ours"].append(distance(graph, truth))
        distances["FLOP"].append(distance(rival, truth))
        lead = result.score - score_of(data, rival, 2.0)
        leads.append(lead)
        truths["ours"].append(result.score - score_of(data, truth, 2.0))
        truths["FLOP"].append(truths["ours"][-1] - lead)
        above, equal, below = above + (lead > 1e-4), equal + (abs(lead) <= 1e-4), below + (lead < -1e-4)
        print(k, p, degree, f"{lead:.1f}", [found[-1] for found in distances.values()], flush=True)
    rows: list[Row] = [
        ("ours, default", f"{np.mean(distances['ours']):.1f}", f"{np.mean(seconds['ours']):.2f}"),
        ("FLOP, 20 restarts", f"{np.mean(distances['FLOP']):.1f}", f"{np.mean(seconds['FLOP']):.2f}"),
        (f"ours scores above FLOP in {above}, the same in {equal}, below in {below} of {instances}", "", ""),
        (
            "above FLOP with as many restarts as take as long as ours in "
            f"{np.sum(np.array(longer) > 1e-4)}, below in {np.sum(np.array(longer) < -1e-4)}",
            "",
            f"{np.mean(seconds['as long']):.2f}",
        ),
        (f"ours, polished, scores below the default in {polished_below}", "", f"{np.mean(seconds['polished']):.2f}"),
    ]
    farther = np.subtract(distances["ours"], distances["FLOP"])
    led = np.array(leads) > 1e-4
    under = {name: int(np.sum(np.array(over) < -1e-4)) for name, over in truths.items()}
    most = int(np.argmax(farther))
    rows += [
        (f"the truth scores above ours in {under['ours']}, above FLOP's in {under['FLOP']} of {instances}", "", ""),
        (
            f"of {led.sum()} where ours scores above FLOP's, it is nearer to the truth in {(farther < 0)[led].sum()}, "
            f"farther in {(farther > 0)[led].sum()}",
            f"{np.mean(np.array(distances['ours'])[led]):.1f} against {np.mean(np.array(distances['FLOP'])[led]):.1f}",
            "",
        ),
        (
            f"where ours falls behind most in SHD, it scores {leads[most]:.1f} above FLOP's and "
            f"{truths['ours'][most]:.1f} above the truth",
            f"{distances['ours'][most]} against {distances['FLOP'][most]}",
            "",
        ),
    ]
    title = f"Beside FLOP on {instances} instances drawn at random, 20 to {largest} nodes"
    return title, ("search", "mean SHD to truth", "mean CPU s"), rows


def shipped_soft_labels() -> FloatArray | None:
    """What the search sees of the shipped teacher of real clips; None if no such teacher is there."""
    from avexplore.config import GraphConfig, TeacherConfig, from_json
    from avexplore.folders import shipped_models
    from avexplore.graph.learn import prepare
    from avexplore.store import Store

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), shipped_models(), read_only=True)
        for manifest in sorted((shipped_models() / "graph").glob("*/manifest.json")):
            config = from_json(json.loads(manifest.read_text("utf-8"))["config"])
            assert isinstance(config, GraphConfig)
            if isinstance(config.soft_labels, TeacherConfig) and config.soft_labels.data.stage == "features":
                entry = store.get(config.soft_labels)
                assert entry is not None
                found: FloatArray = prepare(entry.artifact.soft_labels, config).matrix
                return found
    return None


def quality(instances: int, largest: int) -> Section:
    """Score and SHD to the true CPDAG on random instances; causal-learn runs once."""
    rng = np.random.default_rng(0)
    names = ("ours, default", "causal-learn GRaSP", "causal-learn BOSS")
    distances: dict[str, list[int]] = {name: [] for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    worse = 0
    for k in range(instances):
        p = int(rng.choice([size for size in (20, 30, 40, 56, 100) if size <= largest]))
        degree = float(rng.choice([2, 4, 6, 10] if p <= 30 else [2, 4, 6] if p <= 56 else [2, 4]))
        kind = "er" if k % 2 == 0 else "scale-free"
        data, dag = random_linear(p, degree, int(rng.choice([500, 1000, 2000, 4000])), k, kind)
        truth = dag_to_cpdag(dag)
        scores = []
        for name, call in zip(
            names,
            (
                lambda d=data: ours(d, 2.0, strategy="perturbed")[1],
                lambda d=data: theirs(d, 2.0, "grasp", 0),
                lambda d=data: theirs(d, 2.0, "boss", 0),
            ),
            strict=True,
        ):
            took, graph = timed(call)
            seconds[name].append(took)
            distances[name].append(distance(graph, truth))
            scores.append(score_of(data, graph, 2.0))
        worse += scores[0] < max(scores[1:]) - 1e-4
        print(k, p, degree, kind, [f"{s:.1f}" for s in scores], [distances[name][-1] for name in names], flush=True)
    rows: list[Row] = [(n, f"{np.mean(distances[n]):.1f}", f"{np.mean(seconds[n]):.2f}") for n in names]
    rows.append((f"ours scores below one of them in {worse} of {instances}", "", ""))
    return f"{instances} random instances, 20 to {largest} nodes", ("search", "mean SHD to truth", "mean CPU s"), rows


START = """
import sys, time
begun, spent = time.perf_counter(), time.process_time()
from avexplore.graph.search.warm_up import warm_up
from avexplore.graph.algebra import cpdag
from avexplore.graph.search import search
loaded, imported = time.perf_counter(), time.process_time()
warm_up()
print(time.perf_counter() - loaded, time.process_time() - imported, imported - spent)
"""


def first_and_later_starts() -> Section:
    """A process of its own with an empty cache of compiled code, then another one that finds it filled."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for what, plain in (
            ("first start: compiling", ""),
            ("later start: loading", ""),
            ("first start, compiled by numba as it is", "1"),
        ):
            environment = {**os.environ, "AVEXPLORE_COMPILED": folder, "AVEXPLORE_PLAIN_NUMBA": plain}
            run = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, check=True)
            elapsed, cpu, imports = map(float, run.stdout.split())
            rows.append((what, f"{cpu:.2f}", f"{elapsed:.2f}", f"{imports:.2f}"))
            print(*rows[-1], flush=True)
    return "Getting ready", ("what", "CPU s", "elapsed s", "imports before, CPU s"), rows


ORDER = (
    "One start",
    "Speed",
    "Getting ready",
    "prediction_500",
    "where graphs are dense",
    "where graphs are sparse",
    "drawn at random",
    "random instances",
)
"""Sections of the document by a part of their titles."""


def as_markdown(sections: list[Section], before: str = "") -> str:
    """The document with these sections new and all others as they were before.

    >>> old = as_markdown([("Speed", ("what",), [("slow",)]), ("Getting ready", ("what",), [("late",)])])
    >>> new = as_markdown([("Speed", ("what",), [("quick",)])], old)
    >>> "quick" in new, "slow" in new, "late" in new
    (True, False, True)
    """
    texts = {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip("\n") for part in before.split("\n## ")[1:]}
    for title, head, rows in sections:
        kind = next(kind for kind in ORDER if kind in title)
        texts = {known: text for known, text in texts.items() if kind not in known}
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        texts[title] = "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
    host = f"{platform.system()} {platform.machine()}"
    document = [
        f"# Graph search\n\n{(__doc__ or '').strip().splitlines()[0]}\n",
        f"By `python benchmarks/graph_search.py` on {host}, one core, shared.\n",
        "The sizes of the perturbations and the patience were chosen on the dense data below: its comparison with FLOP "
        "is not out of sample; the one on random instances is.\n",
    ]
    for kind in ORDER:
        document += [f"## {title}\n\n{text}\n" for title, text in texts.items() if kind in title]
    return "\n".join(document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, default=SCORES, help="prediction_500.npz of the paper's authors")
    parser.add_argument("--quick", action="store_true", help="a minute's worth")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--instances", type=int, default=60)
    parser.add_argument("--largest", type=int, default=100)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    chosen = options.only or PARTS
    warm_up()
    real = None
    if options.scores.is_file():
        with np.load(options.scores) as file:
            real = np.concatenate([file["audio"], file["visual"]], axis=1).astype(np.float64)
    sections: list[Section] = []
    if "against" in chosen:
        cases: list[tuple[str, FloatArray]] = [("prediction_500", real)] if real is not None else []
        cases.append(("20 nodes of degree 4", random_linear(20, 4.0, 2000, 0)[0]))
        if not options.quick:
            cases.append(("56 nodes of degree 6", random_linear(56, 6.0, 2000, 0)[0]))
        sections.append(against_causal_learn(cases, 1 if options.quick else 3))
    if "speed" in chosen:
        sections.append(speeds(real, options.quick))
    if "start" in chosen:
        sections.append(first_and_later_starts())
    if "certainty" in chosen and real is not None:
        sections.append(certainty(real, 3 if options.quick else 8))
    if "flop" in chosen:
        dense: list[tuple[str, FloatArray, float]] = (
            [("prediction_500", real, c) for c in (2.0, 4.0, 1.0)] if real is not None else []
        )
        teacher = shipped_soft_labels()
        if teacher is not None:
            dense += [(f"shipped teacher, {teacher.shape[1]} nodes", teacher, c) for c in (2.0, 4.0)]
        few = options.quick
        sections.append(against_flop_where_dense(dense[:1] if few else dense, 1 if few else 5, 2 if few else 8))
        sections.append(against_flop_where_sparse((100,) if few else (300, 600, 1054), 1 if few else 5))
        sections.append(
            against_flop_at_random(6 if few else options.instances, min(options.largest, 30 if few else 60))
        )
    if "quality" in chosen:
        few = options.quick
        sections.append(quality(6 if few else options.instances, 30 if few else options.largest))
    if options.write:
        before = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(as_markdown(sections, before), encoding="utf-8")


if __name__ == "__main__":
    main()
