"""Many classes, few clips of each: links by the graph search beside plain correlation, on VGGSounder's 309 classes.

    python benchmarks/graph_many_classes.py vggsounder_labels_and_model_votes.npz --clips 1000 4000 --write tables.md

Nothing is trained. A clip's soft labels are the votes of seven public models from its sound alone and from its picture
alone; its annotation is VGGSound's single label, its true classes are VGGSounder's human labels. Links are learned from
some clips' votes (618 nodes); other clips' votes, made probabilities of the annotation, are read through the links, and
clips are ranked by q_audio . q_visual.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from avexplore.artifacts import Clips, Embeddings, FloatArray, GraphStability, SoftLabels
from avexplore.config import AffinityConfig, GraphConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.graph.affinity import build_affinity
from avexplore.graph.stability.stability import measure_stability
from avexplore.graph.truth import true_co_occurrence
from avexplore.nets.linked_posteriors import LinkedPosteriors, association
from avexplore.retrieval import evaluate

FIGURES = ("map", "any_label_map", "hidden_pair_ap")
Source = Literal["graph", "correlation", "random", "true-graph", "constant"]
SOURCES: tuple[Source, ...] = get_args(Source)
STRENGTHS = (0.02, 0.05, 0.1, 0.2)


def read(path: Path, judged: int, seed: int) -> tuple[Clips, FloatArray]:
    """Clips (the last `judged` of a random order are test clips) and votes in [0, 1], shape (2, n, C)."""
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    audio, visual = (np.unpackbits(arrays[f"gt_{m}"], axis=1)[:, :309].astype(bool) for m in ("audio", "visual"))
    label = arrays["orig_vggsound"].astype(np.int64).ravel()
    votes = np.zeros((2, len(label), 309))
    for k, name in enumerate(("votes_a_coo", "votes_v_coo")):
        clip, voted, count = arrays[name].T
        votes[k, clip, voted] = count / arrays["n_models"][clip]
    order = np.random.default_rng(seed).permutation(len(label))
    split = np.zeros(len(label), np.int8)
    split[order[-judged:]] = 2
    names = tuple(str(name) for name in arrays["classes"])
    true = audio | visual
    true[np.arange(len(label)), label] = True
    ids = tuple(f"clip {n}" for n in range(len(label)))
    clips = Clips(hard_label=label, classes=names, split=split, clip_ids=ids, true_labels=true)
    return clips, votes


def soft_labels(clips: Clips, votes: FloatArray, rows: np.ndarray) -> SoftLabels:
    """The votes' log-odds as logits, of some clips."""
    logits = np.log((votes[:, rows] + 0.07) / (1.07 - votes[:, rows]))
    given = {"classes": clips.classes, "split": np.zeros(len(rows), np.int8), "hard_label": clips.hard_label[rows]}
    return SoftLabels(audio=logits[0], visual=logits[1], kind="logits", normalized=False, **given)


def stability(labels: SoftLabels, bootstraps: int, penalty: float) -> GraphStability:
    graph = GraphConfig(SoftLabelFileConfig("none"), strategy="single", iterations=1, penalty_discount=penalty)
    return measure_stability(labels, StabilityConfig(graph, bootstraps=bootstraps, null="none", seeds=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("votes", type=Path)
    parser.add_argument("--clips", type=int, nargs="*", default=[1000, 4000])
    parser.add_argument("--bootstraps", type=int, default=10)
    parser.add_argument("--penalty", type=float, default=2.0)
    parser.add_argument("--judged", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[list[float]]] = {}
    for seed in range(arguments.seeds):
        clips, votes = read(arguments.votes, arguments.judged, seed)
        learn = np.random.default_rng(seed + 100).permutation(clips.rows("train"))
        posterior = torch.from_numpy((votes / np.maximum(votes.sum(2, keepdims=True), 1e-9)).astype(np.float32))
        share = np.bincount(clips.hard_label[learn], minlength=309) / len(learn)
        assert clips.true_labels is not None
        truth = true_co_occurrence(clips.true_labels[learn])

        def figures(
            linked: LinkedPosteriors | None, clips: Clips = clips, posterior: torch.Tensor = posterior
        ) -> list[float]:
            q = [posterior[k] if linked is None else linked(posterior[k], k) for k in (0, 1)]
            q = [part / part.norm(dim=1, keepdim=True).clamp(min=1.0) for part in q]
            rest = [(1 - part.square().sum(1, keepdim=True)).clamp(min=0).sqrt() for part in q]
            nothing = torch.zeros_like(rest[0])
            ends = [torch.cat(parts, 1).numpy() for parts in ((q[0], rest[0], nothing), (q[1], nothing, rest[1]))]
            metrics = evaluate(Embeddings(ends[0], ends[1], private=2), clips, "test").metrics
            return [metrics[name] for name in FIGURES]

        base = figures(None)
        rows.setdefault("votes as they are", []).append(base)
        for count in arguments.clips:
            begin = time.process_time()
            given = soft_labels(clips, votes, learn[:count])
            found = stability(given, arguments.bootstraps, arguments.penalty)
            more = association(given.matrix(), given.hard_label, 309)
            print(f"seed {seed}: {count} clips, graphs in {time.process_time() - begin:.0f} CPU s", flush=True)
            for source in SOURCES:
                config = AffinityConfig(
                    StabilityConfig(GraphConfig(SoftLabelFileConfig("none"))), source=source, same_class=False
                )
                weights = build_affinity(config, found, true_weights=truth).weights
                for strength in STRENGTHS:
                    row = f"{count} clips, {source}, {strength}"
                    values = figures(LinkedPosteriors.from_weights(weights, more, share, strength))
                    rows.setdefault(row, []).append([a - b for a, b in zip(values, base, strict=True)])
            page = table(rows)
            print(page, flush=True)
            if arguments.write:
                arguments.write.write_text(page)


def table(rows: dict[str, list[list[float]]]) -> str:
    lines = ["| | MAP | any-label MAP | hidden-pair AP | seeds |", "|---|---|---|---|---|"]
    for row, values in rows.items():
        sign = "" if row.startswith("votes") else "+"
        cells = [f"{m:{sign}.4f}" for m in np.mean(values, axis=0)]
        if len(values) > 1:
            spread = np.std(values, axis=0, ddof=1)
            cells = [f"{cell} (sd {s:.4f})" for cell, s in zip(cells, spread, strict=True)]
        lines.append(f"| {row} | " + " | ".join(cells) + f" | {len(values)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
