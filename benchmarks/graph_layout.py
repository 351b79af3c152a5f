"""How well the picture of classes can be read: crossings, names crossed, names overlapping; beside two nodes per class.

    python benchmarks/graph_layout.py [--vggsounder vggsounder_labels_and_model_votes.npz] [--bootstraps 30]

Three graphs: the shipped YouTube-8M run (28 classes), and VGGSounder's 64 and 309 most frequent classes (votes of
public models as soft labels; skipped without the file). Each is drawn on a stage of 1280 x 660 as a first view shows
it: the 1.4 links per class for which most speaks. Counted on the curves and boxes that are drawn. The peer is the
layered layout with two nodes per class and one line per link. `at most` is what no later layout may exceed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from truths import vggsounder

from avexplore.artifacts import ClassGraph, FloatArray, GraphStability, SoftLabels
from avexplore.config import GraphConfig, SoftLabelFileConfig
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold, shown
from avexplore.drawing.class_graph.first_view import FIRST_HIDDEN
from avexplore.drawing.class_graph.layout_candidates import candidate_weights, class_weights
from avexplore.drawing.class_graph.layouts import arrange, bends
from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.graph.layout.class_layout import lay_out
from avexplore.graph.layout.geometry import curves, curves_cross, curves_over, overlaps
from avexplore.graph.layout.name_boxes import FONT, boxes
from avexplore.graph.learn import learn_class_graph

STAGE = (1280.0, 660.0)
AT_MOST = {28: (1, 0, 0), 64: (19, 12, 0), 309: (428, 26, 0)}
"""Crossings, names crossed, names overlapping."""


@dataclass(frozen=True)
class Case:
    """One graph with what it was learned from."""

    name: str
    labels: SoftLabels
    source: object
    graph: ClassGraph
    stability: GraphStability


def shipped() -> Case:
    """The shipped run with real features, from the results that come with the package."""
    from avexplore.ui.class_graph.state.settings import stored
    from avexplore.ui.shell import session

    bench = session.workbench()
    run = next(run for run in session.runs().values() if len(_ready(bench, run.soft_labels).classes) == 28)
    wanted = stored(run)
    labels = _ready(bench, run.soft_labels)
    return Case("YouTube-8M", labels, run.soft_labels, bench.get(wanted.graph), bench.get(wanted.stability))


def _ready(bench: object, config: object) -> SoftLabels:
    found = bench.ask(config, start=False).artifact  # type: ignore[attr-defined]
    labels: SoftLabels = getattr(found, "soft_labels", found)
    return labels


def votes(path: Path, classes: int, bootstraps: int) -> Case:
    """Searches from one start on VGGSounder's votes, and on resamples of the clips."""
    labels = vggsounder(path, classes, clips=6000).soft_labels
    source = SoftLabelFileConfig(fingerprint=f"{classes:064d}")
    config = GraphConfig(source, strategy="single", engine="boss")
    graph = learn_class_graph(labels, config)
    rng, p = np.random.default_rng(0), len(graph.nodes)
    held, forth = np.zeros((p, p)), np.zeros((p, p))
    rows = labels.rows("train") if len(labels.rows("train")) else labels.rows("all")
    for _ in range(bootstraps):
        pick = rng.choice(rows, len(rows))
        again = SoftLabels(
            labels.audio[pick],
            labels.visual[pick],
            labels.kind,
            labels.classes,
            np.zeros(len(pick), int),
            labels.hard_label[pick],
        )
        found = learn_class_graph(again, config).adjacency.astype(bool)
        held += found | found.T
        forth += found & ~found.T
    with np.errstate(invalid="ignore"):
        r: FloatArray = np.asarray(np.nan_to_num(np.corrcoef(labels.matrix(rows), rowvar=False)))
    zero, pair = np.zeros((p, p)), np.zeros(2)
    stability = GraphStability(
        graph.nodes, held / bootstraps, forth / bootstraps, zero, zero, r, bootstraps, pair, pair, pair
    )
    return Case("VGGSounder", labels, source, graph, stability)


def measure(case: Case) -> dict[str, object]:
    """The figures of both drawings of one graph."""
    count = len(case.labels.classes)
    picture = build_picture(
        case.graph, case.stability, support=class_support(case.labels), probability=pair_probability(case.labels)
    )
    edges = shown(picture, first_threshold(picture), [*FIRST_HIDDEN, "same"])
    start = time.process_time()
    weights = class_weights(case.labels, case.source)  # type: ignore[arg-type]
    searched = time.process_time() - start
    layout = lay_out(weights, case.labels.classes, class_support(case.labels)[:count], STAGE)
    seconds = time.process_time() - start - searched
    pairs = np.array(sorted({tuple(sorted((edge.source % count, edge.target % count))) for edge in edges}))
    drawn = curves(layout.place, pairs, layout.bends(pairs), 40)
    ours = (
        curves_cross(drawn, pairs),
        int(curves_over(drawn, pairs, layout.place, layout.boxes).sum()),
        overlaps(layout.place, layout.boxes),
    )
    ends = np.array([(edge.source, edge.target) for edge in edges])
    place, box = _layered(case)
    lines = curves(place, ends, 0.78 * np.array(bends("layered", place, [tuple(e) for e in ends])), 40)
    peer = (curves_cross(lines, ends), int(curves_over(lines, ends, place, box).sum()), overlaps(place, box))
    return {
        "classes": count,
        "links": len(edges),
        "cables": len(pairs),
        "crossings, names crossed, overlapping": ours,
        "at most": AT_MOST.get(count),
        "two nodes per class": peer,
        "letters px": round(layout.font, 1),
        "linked nearer (AUC)": round(_nearer(layout.place, pairs), 2),
        "CPU s (searches + layout)": (round(searched, 2), round(seconds, 2)),
    }


def _layered(case: Case) -> tuple[FloatArray, FloatArray]:
    """Places of all class nodes on the same stage, and the boxes that their names need there at 10.5 pixels or more."""
    place = arrange("layered", candidate_weights(case.labels, case.source))  # type: ignore[arg-type]
    low, span = place.min(axis=0), np.ptp(place, axis=0)
    scale = float((np.array(STAGE) / (span + np.array([120.0, 70.0]))).min())
    letters = max(10.5, min(15.0, 13.5 * scale))
    box = boxes([name.split(":", 1)[1] for name in case.graph.nodes], np.full(len(place), 11.0)) * letters / FONT
    return (place - low) * scale, box


def _nearer(place: FloatArray, pairs: np.ndarray) -> float:
    """How probable it is that a linked pair stands nearer than one that is not linked."""
    apart = np.linalg.norm(place[:, None] - place[None], axis=2)
    linked = np.zeros(apart.shape, bool)
    linked[pairs[:, 0], pairs[:, 1]] = linked[pairs[:, 1], pairs[:, 0]] = True
    i, j = np.triu_indices(len(place), 1)
    near, far = np.sort(apart[i, j][linked[i, j]]), np.sort(apart[i, j][~linked[i, j]])
    return float(1 - np.searchsorted(far, near).mean() / len(far))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vggsounder", type=Path)
    parser.add_argument("--bootstraps", type=int, default=30)
    given = parser.parse_args()
    cases = [shipped()]
    if given.vggsounder and given.vggsounder.is_file():
        cases += [votes(given.vggsounder, count, given.bootstraps) for count in (64, 309)]
    else:
        print("64 and 309 classes are left out: there is no file of VGGSounder's votes")
    worse = False
    for case in cases:
        found = measure(case)
        print(case.name, found, flush=True)
        limit, ours = found["at most"], found["crossings, names crossed, overlapping"]
        worse |= (
            isinstance(limit, tuple)
            and isinstance(ours, tuple)
            and any(a > b for a, b in zip(ours, limit, strict=True))
        )
    if worse:
        raise SystemExit("Harder to read than before")


if __name__ == "__main__":
    main()
