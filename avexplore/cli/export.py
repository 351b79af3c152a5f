"""Results as files that other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avexplore.artifacts import SPLITS, ClassGraph, Clips, Embeddings, GraphStability, SoftLabels
from avexplore.data import export_soft_labels, whole_file
from avexplore.errors import GraphError
from avexplore.graph.evidence.pair_probability import PairProbability


def save_text(path: Path, text: str) -> None:
    """Write a text in UTF-8."""
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


def write_embeddings(embeddings: Embeddings, clips: Clips, path: Path) -> None:
    """Embeddings with what is known of the clips, as npz without pickled objects."""
    with whole_file(path) as file:
        np.savez_compressed(
            file,
            audio=embeddings.audio,
            visual=embeddings.visual,
            labels=clips.hard_label,
            split=np.array(SPLITS)[clips.split],
            classes=np.array(clips.classes),
            clip_ids=np.array(clips.clip_ids),
        )


def write_soft_labels(labels: SoftLabels, path: Path) -> None:
    """Soft labels as the npz that `avexplore graph` reads."""
    with whole_file(path) as file:
        export_soft_labels(labels, file)


def write_graph_file(
    graph: ClassGraph,
    path: Path,
    stability: GraphStability | None = None,
    probability: PairProbability | None = None,
) -> None:
    """A class graph in the format that the file name's ending says, with what is known of its edges.

    Raises:
        AvexploreError: If no format has that ending.
    """
    from avexplore.graph.formats import SUFFIXES, write_graph

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise GraphError(
            f"No graph format has the ending {path.suffix!r}", where=path.name, fix=f"Use {', '.join(SUFFIXES)}"
        )
    save_text(path, write_graph(graph, SUFFIXES[suffix], stability, probability))
