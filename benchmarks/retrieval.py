"""MAP and ranked lists, beside scikit-learn, torchmetrics, ranx and a plain loop on the same rankings.

python -m benchmarks.retrieval            # 5,621 clips (VEGAS's test split)
python -m benchmarks.retrieval --large    # also all 28,103 clips of VEGAS, and a gallery of 1,000,000
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from avexplore.artifacts import Clips, Embeddings
from avexplore.retrieval import VectorIndex, evaluate, retrieval_map
from avexplore.retrieval.ranking import normalized, on_grid

CLASSES, DIM = 10, 128
T = TypeVar("T")


def clips(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings as a trained student gives them: classes overlap."""
    rng = np.random.default_rng(seed)
    labels, prototypes = rng.integers(CLASSES, size=n), rng.normal(size=(CLASSES, DIM))
    audio, visual = (normalized(prototypes[labels] + 3 * rng.normal(size=(n, DIM))) for _ in range(2))
    return audio, visual, labels


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def show(who: str, value: float | str, wall: float, cpu: float) -> None:
    text = f"{value:.6f}" if isinstance(value, float) else value
    print(f"  {who:<34}{text:>12}   wall {wall:8.2f} s   cpu {cpu:8.2f} s", flush=True)


def peers(audio: np.ndarray, visual: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], float]]:
    """One way, audio -> visual."""
    similarity, same = on_grid(audio @ visual.T), labels[:, None] == labels[None]

    def scikit_learn() -> float:
        from sklearn.metrics import average_precision_score

        return float(np.mean([average_precision_score(r, s) for r, s in zip(same, similarity, strict=True)]))

    def torchmetrics() -> float:
        import torch
        from torchmetrics.functional.retrieval import retrieval_average_precision

        # It drops what scores <= 0: shifted, which leaves the ranking as it is.
        scores, relevant = torch.from_numpy(similarity + 2), torch.from_numpy(same)
        return float(np.mean([retrieval_average_precision(s, r) for s, r in zip(scores, relevant, strict=True)]))

    def ranx() -> float:
        from numba.typed import List as TypedList
        from ranx.metrics import average_precision

        order = np.argsort(-similarity, axis=1, kind="stable").astype(np.float64)
        ids = np.arange(len(labels), dtype=np.float64)
        wanted, runs = TypedList(), TypedList()
        for i in range(len(labels)):
            members = ids[same[i]]
            wanted.append(np.stack([members, np.ones_like(members)], 1))
            runs.append(np.stack([order[i], np.sort(similarity[i])[::-1].astype(np.float64)], 1))
        return float(np.mean(average_precision(wanted, runs, 0, 1)))

    def loop() -> float:
        total = 0.0
        for i, scores in enumerate(similarity[:100]):  # 100 queries, scaled up below
            hits, gathered = 0, 0.0
            for k, g in enumerate(np.argsort(-scores, kind="stable")):
                if labels[g] == labels[i]:
                    hits += 1
                    gathered += hits / (k + 1)
            total += gathered / max(1, hits)
        return total / 100

    found = {"scikit-learn, one way": scikit_learn, "torchmetrics, one way": torchmetrics}
    if importlib.util.find_spec("ranx"):
        found["ranx, one way"] = ranx
    found["Python loop, 100 queries, one way"] = loop
    return found


def compare(n: int, with_peers: bool) -> None:
    audio, visual, labels = clips(n)
    print(f"MAP, {n:,} x {n:,}")
    both, wall, cpu = timed(lambda: retrieval_map(audio, visual, labels))
    show("avexplore, both ways", float(np.mean(both)), wall, cpu)
    if with_peers:
        for who, work in peers(audio, visual, labels).items():
            found, wall, cpu = timed(work)
            show(who, found, wall, cpu)
        true = np.eye(CLASSES, dtype=bool)[labels] | (np.random.default_rng(0).random((n, CLASSES)) < 0.1)
        known = Clips(
            hard_label=labels,
            classes=tuple(map(str, range(CLASSES))),
            split=np.full(n, 2),
            clip_ids=tuple(map(str, range(n))),
            true_labels=true,
        )
        _, wall, cpu = timed(lambda: evaluate(Embeddings(audio, visual), known))
        show("avexplore, the whole report", "", wall, cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"  peak memory of the process so far {peak:.2f} GiB\n")


def many(n: int, queries: int = 40) -> None:
    """One query among many, from a memory-mapped file as a stored run's embeddings are, beside FAISS's flat index."""
    import faiss as typed

    faiss: Any = typed  # its stubs lack most of this
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(300, DIM)).astype(np.float32)
    asked = centers[rng.integers(300, size=2 * queries)] + rng.normal(size=(2 * queries, DIM)).astype(np.float32)
    asked, choosing = normalized(asked[:queries]), asked[queries:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.npy"
        written = np.lib.format.open_memmap(path, "w+", np.float32, (n, DIM))
        for start in range(0, n, 50_000):
            part = written[start : start + 50_000]
            noise = rng.normal(size=part.shape).astype(np.float32)
            part[:] = normalized(centers[rng.integers(300, size=len(part))] + noise)
        written.flush()
        gallery = np.load(path, mmap_mode="r")
        print(f"one query among {n:,} x {DIM} in a mapped file, 100 answers, median of {queries}")
        flat: Any = faiss.IndexFlatIP(DIM)
        flat.add(gallery)
        exact, took, _ = timed(partial(VectorIndex, gallery))
        lists, built, _ = timed(partial(VectorIndex, gallery, "ivf", folder=Path(folder)))
        _, tuned, _ = timed(partial(lists.tune, choosing))
        searches: dict[str, Callable[[np.ndarray], Any]] = {
            "FAISS, flat, in memory": lambda query: flat.search(query, 100),
            f"exact, prepared in {took:.1f} s": lambda query: exact.rank(query, 100),
            f"inverted lists, in {built + tuned:.1f} s": lambda query: lists.rank(query, 100),
            "FAISS, flat, once more": lambda query: flat.search(query, 100),
        }
        for who, work in searches.items():
            work(asked[:1])
            times = [timed(partial(work, asked[i : i + 1]))[1:] for i in range(queries)]
            median, cpu = np.median(times, axis=0) * 1e3
            print(f"  {who:<34}{median:8.2f} ms a query (cpu {cpu:.2f} ms)")
        print(f"  {lists.effort} lists are looked at; recall@10 of other queries {lists.recall(asked, 10):.4f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    large = parser.parse_args().large
    audio, visual, labels = clips(64)
    retrieval_map(audio, visual, labels)  # compiled before anything is timed
    if large:  # first, so that its memory peak is its own
        compare(28_103, with_peers=False)
    compare(5_621, with_peers=True)
    if large:
        many(200_000)
        many(1_000_000)


if __name__ == "__main__":
    main()
