"""What a run holds, as tables for other programs: one column per name, one entry per row."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.analysis.tables import as_csv
from avexplore.artifacts import (
    SPLITS,
    ClassGraph,
    Clips,
    ExperimentReport,
    FloatArray,
    GraphStability,
    History,
    Projection,
    RetrievalReport,
)
from avexplore.data import whole_file
from avexplore.errors import DataError
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.graph.evidence.pair_probability import PairProbability

Columns = Mapping[str, Any]
"""Arrays or lists of equal length, by column name."""


def history_table(history: History) -> Columns:
    """Losses and measures of a training by epoch, counted from 1; NaN where an epoch was not measured."""
    length = max((len(values) for values in history.columns.values()), default=0)
    return {"epoch": np.arange(1, length + 1), **history.columns}


def figure_table(report: RetrievalReport) -> Columns:
    """Figures of an evaluation, then MAP of each class and direction."""
    ways = ("map_audio_to_visual", "map_visual_to_audio")
    rows = [("all", name, float(value)) for name, value in report.metrics.items()]
    rows += [
        (c, way, float(report.per_class[i, j])) for i, c in enumerate(report.classes) for j, way in enumerate(ways)
    ]
    return dict(zip(("of", "figure", "value"), map(list, zip(*rows, strict=True)), strict=True))


def query_table(report: RetrievalReport, clips: Clips) -> Columns:
    """Average precision of every clip as a query, in both directions and on average."""
    audio, visual = report.average_precision
    return {
        "clip_id": [clips.clip_ids[row] for row in report.rows],
        "class": [clips.classes[c] for c in clips.hard_label[report.rows]],
        "ap_audio_to_visual": audio,
        "ap_visual_to_audio": visual,
        "ap": (audio + visual) / 2,
    }


def clip_table(clips: Clips) -> Columns:
    """Every clip's annotation and split, and its true classes where they are known."""
    table: dict[str, Any] = {
        "clip_id": list(clips.clip_ids),
        "class": [clips.classes[c] for c in clips.hard_label],
        "split": [SPLITS[s] for s in clips.split],
    }
    if clips.true_labels is not None:
        table["true_classes"] = [";".join(np.array(clips.classes)[there]) for there in clips.true_labels]
    return table


def map_table(projection: Projection, clips: Clips) -> Columns:
    """Coordinates before and after LIR, one row per clip and modality."""
    rows = np.tile(projection.rows, 2)
    return {
        "clip_id": [clips.clip_ids[row] for row in rows],
        "modality": ["audio"] * len(projection.rows) + ["visual"] * len(projection.rows),
        "class": [clips.classes[c] for c in clips.hard_label[rows]],
        **{
            f"{when}_{axis}": getattr(projection, when)[:, k]
            for when in ("before", "after")
            for k, axis in enumerate("xy")
        },
        "drift": projection.drift,
    }


def edge_table(
    graph: ClassGraph, stability: GraphStability | None = None, probability: PairProbability | None = None
) -> Columns:
    """The edges of a class graph with what is known of each; undirected ones in one of the two orders."""
    edges = graph.edges()
    place = {name: k for k, name in enumerate(graph.nodes)}
    i = np.array([place[source] for source, _, _ in edges], np.int64)
    j = np.array([place[target] for _, target, _ in edges], np.int64)

    def either_way(values: FloatArray) -> FloatArray:
        return np.where(values[i, j] != 0, values[i, j], values[j, i])

    table: dict[str, Any] = {
        "source": [edge[0] for edge in edges],
        "target": [edge[1] for edge in edges],
        "directed": [edge[2] for edge in edges],
    }
    if graph.effect.size:
        table |= {"effect": either_way(graph.effect), "bic_gain": either_way(graph.gain)}
    if stability is not None:
        table |= {
            "edge_frequency": stability.edge_frequency[i, j],
            "direction_frequency": stability.orientation_frequency[i, j],
            "null_frequency": stability.null_frequency[i, j],
        }
    if (possible := hidden_causes(graph)) is not None:
        table["hidden_cause_possible"] = possible[i, j]
    if probability is not None:
        table["pair_probability"] = probability.of_nodes(graph.nodes)[i, j]
    return table


def experiment_table(report: ExperimentReport) -> Columns:
    """The figures of every arm and seed, a row each."""
    arms, seeds, _ = report.values.shape
    rows = report.values.reshape(arms * seeds, -1)
    return {
        "arm": [arm for arm in report.arms for _ in range(seeds)],
        "seed": np.tile(report.seeds, arms),
        **{name: rows[:, k] for k, name in enumerate(report.metrics)},
    }


def write_table(table: Columns, path: Path) -> None:
    """Write a table as CSV or Parquet, whichever the file's ending says.

    Raises:
        DataError: If the ending is another one, or the file cannot be written.
    """
    content = table_bytes(table, path.suffix.lower().removeprefix("."))
    with whole_file(path) as file:
        file.write(content)


def table_bytes(table: Columns, kind: str) -> bytes:
    """A table as a file's content.

    Args:
        table: Columns of equal length.
        kind: "csv", where a NaN is an empty cell, or "parquet".

    Raises:
        DataError: If the kind is another one.
    """
    if kind == "csv":
        return table_csv(table).encode()
    if kind == "parquet":
        return _parquet(table)
    raise DataError(f"No table has the ending {kind!r}", where="table", fix="Use .csv or .parquet")


def table_csv(table: Columns) -> str:
    """A table as CSV, with all digits.

    >>> print(table_csv({"epoch": np.arange(1, 3), "map": np.array([np.nan, 0.5])}))
    epoch,map
    1,
    2,0.5
    <BLANKLINE>
    """
    columns = [np.asarray(values).tolist() for values in table.values()]
    rows = [["" if cell != cell else cell for cell in row] for row in zip(*columns, strict=True)]
    return as_csv([list(table), *rows])


def _parquet(table: Columns) -> bytes:
    import pyarrow
    from pyarrow import parquet

    columns = {name: values if isinstance(values, list) else np.asarray(values) for name, values in table.items()}
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()
