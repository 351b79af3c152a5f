"""What the colors of a map mean: a code per point, and a legend that says it in words.

Every coloring is a legend of few entries, so that the eye and the legend's filter work alike for classes and for
numbers. Classes take turns for seven colors that people with any color vision can tell apart (Okabe & Ito, 2008);
the rest stay grey until asked for. Numbers are cut into steps of one ramp (cividis), light to dark or back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from avexplore.artifacts import BoolArray, Clips, FloatArray, IntArray

Mode = Literal["class", "drift", "correct", "confidence", "hidden", "split"]
MODES: tuple[Mode, ...] = get_args(Mode)
TITLES: Mapping[Mode, str] = {
    "class": "Annotated class",
    "drift": "Neighbors lost",
    "correct": "First answer",
    "confidence": "Teacher's confidence",
    "hidden": "Hidden labels",
    "split": "Split",
}

# Okabe-Ito, for light and dark paper: yellow is darkened on white; on black the hues are lightened and dark blue, which
# would vanish, gives its place to near-white.
PALETTE_LIGHT = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#B5A300")
PALETTE_DARK = ("#56B4E9", "#E69F00", "#00B98A", "#E08FBD", "#F0702A", "#DCE3E8", "#F0E442")
# Cividis (Nunez et al., 2018), light theme from pale to dark, dark theme from dim to bright: more = further from paper
_RAMP_LIGHT = ("#D9C55C", "#ACA274", "#808179", "#565C6C", "#1F3B6E", "#00224E")
_RAMP_DARK = ("#3D5A8C", "#65718A", "#87877A", "#ACA274", "#D3C164", "#FEE838")


@dataclass(frozen=True)
class Entry:
    """One line of a legend: its words, how many points, and its colors in light and dark theme (None: a turn)."""

    name: str
    count: int
    colors: tuple[str, str] | None = None


@dataclass(frozen=True)
class Paint:
    """One coloring of the 2m points.

    Attributes:
        mode: Which one.
        code: Index into the legend per point. Shape (2m,), uint16.
        legend: What the codes mean.
        value: The number behind the code, NaN where there is none. Shape (2m,), float32.
        value_name: What that number is, "" for none.
        lit: Legend entries in color at first; empty means all that have colors of their own.
    """

    mode: Mode
    code: IntArray
    legend: tuple[Entry, ...]
    value: FloatArray
    value_name: str = ""
    lit: tuple[int, ...] = ()


def by_class(labels: IntArray, classes: tuple[str, ...], drift: FloatArray) -> Paint:
    """Annotated class; those that changed most have the first turn, by the neighbors that their points lost in sum.

    Args:
        labels: Annotated classes. Shape (m,).
        classes: Names of the C classes.
        drift: Share of neighbors lost per point. Shape (2m,).
    """
    code = np.concatenate([labels, labels])
    counts = np.bincount(code, minlength=len(classes))
    moved = np.bincount(code, weights=drift, minlength=len(classes))
    first = [int(c) for c in np.argsort(-moved, kind="stable") if counts[c]][: len(PALETTE_LIGHT)]
    legend = tuple(Entry(name, int(counts[c])) for c, name in enumerate(classes))
    return Paint("class", code.astype(np.uint16), legend, drift.astype(np.float32), "neighbors lost", tuple(first))


def by_steps(mode: Mode, values: FloatArray, edges: tuple[float, ...], value_name: str) -> Paint:
    """Numbers in [0, 1] in steps of one ramp; `edges` are the inner borders, at most five."""
    code = np.digitize(values, edges)
    borders = (0.0, *edges, 1.0)
    steps = len(edges) + 1
    chosen = np.linspace(0, len(_RAMP_LIGHT) - 1, steps).round().astype(int)
    counts = np.bincount(code, minlength=steps)
    legend = tuple(
        Entry(f"{borders[i]:.2g} to {borders[i + 1]:.2g}", int(counts[i]), (_RAMP_LIGHT[c], _RAMP_DARK[c]))
        for i, c in enumerate(chosen)
    )
    return Paint(mode, code.astype(np.uint16), legend, values.astype(np.float32), value_name)


def by_first_answer(before: BoolArray, after: BoolArray) -> Paint:
    """Whether a point's first answer in the other modality carries its class, without and with LIR. Shapes (2m,)."""
    code = np.where(before, np.where(after, 0, 3), np.where(after, 2, 1))
    names = ("right in both", "wrong in both", "right with LIR only", "right without LIR only")
    colors = (("#9AA5AE", "#66737E"), ("#5B6770", "#B4BFC8"), ("#0072B2", "#56B4E9"), ("#D55E00", "#F0702A"))
    return _categories("correct", code, names, colors)


def by_hidden_labels(clips: Clips, rows: IntArray) -> Paint:
    """How many events of a clip nobody annotated; only where the source knows all true labels."""
    if clips.true_labels is None:
        raise ValueError("This run's clips have no hidden labels")
    truth = clips.true_labels[rows]
    hidden = truth.sum(axis=1) - truth[np.arange(len(rows)), clips.hard_label[rows]]
    code = np.minimum(np.concatenate([hidden, hidden]).astype(int), 3)
    names = ("none hidden", "1 hidden", "2 hidden", "3 or more hidden")
    colors = tuple((_RAMP_LIGHT[i], _RAMP_DARK[i]) for i in (0, 2, 4, 5))
    return _categories("hidden", code, names, (("#B8C0C6", "#56616B"), *colors[1:]))


def by_split(split: IntArray) -> Paint:
    """Training, validation or test clip. `split` has shape (m,)."""
    colors = (("#0072B2", "#56B4E9"), ("#E69F00", "#E69F00"), ("#CC79A7", "#E08FBD"))
    return _categories("split", np.concatenate([split, split]), ("train", "validation", "test"), colors)


def _categories(mode: Mode, code: IntArray, names: tuple[str, ...], colors: tuple[tuple[str, str], ...]) -> Paint:
    counts = np.bincount(code, minlength=len(names))
    legend = tuple(Entry(name, int(counts[i]), colors[i]) for i, name in enumerate(names))
    return Paint(mode, code.astype(np.uint16), legend, np.full(len(code), np.nan, np.float32))


def first_answer_right(queries: FloatArray, gallery: FloatArray, labels: IntArray, chunk: int = 2000) -> BoolArray:
    """Whether the gallery row most similar to each query carries the query's class; ties go to the lower row.

    Args:
        queries, gallery: Unit-length rows of the same m clips in two modalities. Shapes (m, d).
        labels: Annotated classes. Shape (m,).
        chunk: Queries ranked at a time.

    Returns:
        Shape (m,).
    """
    best = np.concatenate([(queries[i : i + chunk] @ gallery.T).argmax(axis=1) for i in range(0, len(queries), chunk)])
    right: BoolArray = labels[best] == labels
    return right
