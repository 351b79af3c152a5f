"""A run as a folder that opens without avexplore: tables, arrays, the graph in usual formats, and one page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avexplore import __version__
from avexplore.analysis import run_tables as tables
from avexplore.artifacts import Affinity, ClassGraph, Embeddings, GraphStability, Report, TrainedTeacher, silent
from avexplore.config import ClipsConfig, Config, EvaluationConfig, ProjectionConfig, StudentConfig
from avexplore.data import whole_file
from avexplore.errors import StoreError
from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.graph.formats import write_graph
from avexplore.pipeline import soft_labels
from avexplore.reporting.run_page import page
from avexplore.reporting.whole_run import WholeRun, whole_run
from avexplore.store.provenance import provenance
from avexplore.store.weights_file import weights_to_bytes
from avexplore.workbench import Workbench

Get = Callable[[Config], Any]
GRAPH_FORMATS = ("graphml", "json", "csv", "dot")


def _projection(student: StudentConfig, get: Get) -> tables.Columns:
    return tables.map_table(get(ProjectionConfig(student.twin, student)), get(ClipsConfig(student.data)))


def _edges(student: StudentConfig, get: Get) -> tables.Columns:
    stability = student.lir.affinity.stability
    labels = soft_labels(stability.graph.soft_labels, get)
    return tables.edge_table(get(stability.graph), get(stability), pair_probability(labels))


TABLES: Mapping[str, Callable[[StudentConfig, StudentConfig, Get], tables.Columns]] = {
    "figures": lambda student, model, get: tables.figure_table(get(EvaluationConfig(model))),
    "queries": lambda student, model, get: tables.query_table(
        get(EvaluationConfig(model)), get(ClipsConfig(student.data))
    ),
    "history": lambda student, model, get: tables.history_table(get(model).history),
    "edges": lambda student, model, get: _edges(student, get),
    "projection": lambda student, model, get: _projection(student, get),
    "clips": lambda student, model, get: tables.clip_table(get(ClipsConfig(student.data))),
}
"""By name: a table of a run, of its student with LIR and of the one that is asked about (that or its twin)."""


@dataclass
class _Folder:
    """Files of the folder and what each of them holds, in the order of the README."""

    files: dict[str, bytes] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def add(self, content: Mapping[str, bytes], words: str) -> None:
        self.files |= content
        told: list[str] = []
        for name in content:
            stem, _, ending = name.rpartition(".")
            told.append(f"`.{ending}`" if any(f"`{stem}." in earlier for earlier in told) else f"`{name}`")
        self.told.append((", ".join(told), words))


def write_run_folder(student: StudentConfig, folder: Path, bench: Workbench, report: Report = silent) -> list[Path]:
    """Write a run's results as files that need no avexplore; what is missing is made first.

    Args:
        student: With LIR.
        folder: Where the files go; those of the same names are replaced.
        bench: Where results come from.
        report: Told of the progress.

    Returns:
        The files, the page first.

    Raises:
        AvexploreError: If a result cannot be made, or the folder cannot be written.
    """

    def get(config: Config) -> Any:
        return bench.get(config, report)

    run = whole_run(student, bench, report)
    made = _Folder()
    made.add({"index.html": page(run).encode()}, "class graph, maps and ranked lists; open it in any browser, offline")
    for name, words in _TABLE_WORDS.items():
        both = name in ("figures", "queries", "history")
        for suffix, model in (("_without_lir", student.twin), ("_with_lir", student)) if both else (("", student),):
            table = TABLES[name](student, model, get)
            made.add(
                {f"tables/{name}{suffix}.{kind}": tables.table_bytes(table, kind) for kind in ("csv", "parquet")},
                words + {"_without_lir": ", without LIR", "_with_lir": ", with LIR", "": ""}[suffix],
            )
    _add_graph(made, run)
    _add_arrays(made, run, get)
    _add_origin(made, run)
    made.files["README.md"] = _readme(run, made.told).encode()
    try:
        for name, content in made.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as file:
                file.write(content)
    except OSError as error:
        raise StoreError(f"Cannot write: {error.strerror}", where=str(folder), fix="Name another folder") from error
    return [folder / name for name in made.files]


_TABLE_WORDS = {
    "figures": "measures on test clips, then MAP of each class",
    "queries": "average precision of each test clip as a query (for `avexplore compare`)",
    "history": "losses and MAP over epochs, counted from 1; empty where an epoch was not measured",
    "edges": "the class graph's edges: standardized effect, BIC gain, share of bootstraps and of the null model's, and "
    "the probability that the two classes come together",
    "projection": "coordinates of both maps per clip and modality, and the share of neighbors lost",
    "clips": "annotation, split and, where known, all true classes of every clip",
}


def _add_graph(made: _Folder, run: WholeRun) -> None:
    graph: ClassGraph = run.loaded.graph
    made.add(
        {
            f"graph/class_graph.{kind}": write_graph(graph, kind, run.stability, run.probability).encode()
            for kind in GRAPH_FORMATS
        },
        "the class graph; undirected edges have no known direction, and none is a proven cause",
    )


def _add_arrays(made: _Folder, run: WholeRun, get: Get) -> None:
    loaded, student = run.loaded, run.loaded.student
    labels, affinity = loaded.soft_labels, loaded.affinity
    chances = loaded.probabilities
    made.add(
        {
            "arrays/soft_labels.safetensors": weights_to_bytes(
                {
                    "audio": labels.audio,
                    "visual": labels.visual,
                    "audio_probability": chances[0],
                    "visual_probability": chances[1],
                }
            )
        },
        f"the teacher's soft labels ({labels.kind}) and calibrated probabilities; clips x classes, in the order of "
        "`tables/clips.csv` and of `classes` in `config.json`",
    )
    for name, embeddings in (("without_lir", loaded.before), ("with_lir", loaded.after)):
        made.add(
            {f"arrays/embeddings_{name}.safetensors": _embedding_bytes(embeddings)},
            f"unit-length embeddings {name.replace('_lir', ' LIR')} of all clips, audio and visual",
        )
    made.add(
        {"arrays/graph.safetensors": _matrix_bytes(loaded.graph, run.stability, affinity)},
        "adjacency (A[i, j] = 1: i -> j; both ways: undirected), shares of bootstraps, and the weights of LIR; class "
        "nodes in the order of `nodes` in `config.json`",
    )
    weights = {"student_without_lir": get(student.twin).weights, "student_with_lir": get(student).weights}
    teacher = get(student.soft_labels) if student.soft_labels is not None else None
    if isinstance(teacher, TrainedTeacher):
        weights["teacher"] = teacher.weights
    # Students that were stored to be looked at only have kept none.
    kept = {f"weights/{name}.safetensors": weights_to_bytes(values) for name, values in weights.items() if values}
    if kept:
        made.add(kept, "parameters of the networks; numbers and no code")


def _embedding_bytes(embeddings: Embeddings) -> bytes:
    return weights_to_bytes({"audio": np.asarray(embeddings.audio), "visual": np.asarray(embeddings.visual)})


def _matrix_bytes(graph: ClassGraph, stability: GraphStability, affinity: Affinity) -> bytes:
    return weights_to_bytes(
        {
            "adjacency": graph.adjacency,
            "effect": graph.effect,
            "edge_frequency": stability.edge_frequency,
            "direction_frequency": stability.orientation_frequency,
            "null_frequency": stability.null_frequency,
            "affinity": affinity.weights,
        }
    )


def _add_origin(made: _Folder, run: WholeRun) -> None:
    student = run.loaded.student
    config = {
        "name": run.name,
        "address": student.address,
        "classes": run.loaded.clips.classes,
        "nodes": run.loaded.graph.nodes,
        # Without the paths of this machine; what they held is told by its fingerprint.
        "student": student.to_json(address_only=True),
    }
    results = [{"stage": p.stage, "address": p.address, "provenance": found.to_json()} for p, found in run.origins]
    here = provenance(student).to_json()
    made.add(
        {
            "config.json": _json(config),
            "provenance.json": _json({"source": run.loaded.clips.source, "exported": here, "results": results}),
        },
        "every setting with its seeds, and what made each result from which data, with which versions",
    )


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _readme(run: WholeRun, told: list[tuple[str, str]]) -> str:
    clips = run.loaded.clips
    return "\n".join(
        [
            f"# {run.name}",
            "",
            f"{len(clips.hard_label):,} clips of {len(clips.classes)} classes, {len(clips.rows('test')):,} of them for",
            "testing. A teacher's soft labels gave a graph of class dependencies; a student was trained with LIR,",
            f"which uses it, and a twin without, from a common beginning. Made by avexplore {__version__}.",
            "",
            f"Data: {clips.source or 'the synthetic benchmark of avexplore'}. Address: `{run.loaded.student.address}`.",
            "",
            "Open `index.html` in a browser: it needs no server and no network.",
            "",
            "| file | holds |",
            "|---|---|",
            *(f"| {names} | {words} |" for names, words in told),
            "",
            "```python",
            "import networkx, pandas",
            "from safetensors.numpy import load_file",
            "",
            'graph = networkx.read_graphml("graph/class_graph.graphml")',
            'graph = networkx.relabel_nodes(graph, networkx.get_node_attributes(graph, "name"))',
            'queries = pandas.read_parquet("tables/queries_with_lir.parquet")',
            'audio = load_file("arrays/embeddings_with_lir.safetensors")["audio"]',
            "```",
            "",
            "Edges are estimated dependencies, not causes. One training per arm: differences of a few thousandths need",
            "several seeds before they mean anything. Hidden labels served for evaluation only.",
            "",
        ]
    )
