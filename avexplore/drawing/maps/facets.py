"""What points of a map can be told apart by: each facet says of every point which of a few entries it is.

A facet counts, filters and colors alike. Classes have the color of their group; numbers are cut into steps of one ramp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avexplore.analysis.loaded_run import SAID, LoadedRun
from avexplore.artifacts import SPLITS, BoolArray, Clips, Embeddings, FloatArray, IntArray, Projection
from avexplore.drawing.class_graph.svg_marks import GROUPS
from avexplore.drawing.maps import colors
from avexplore.drawing.maps.class_groups import ClassGroups
from avexplore.drawing.maps.colors import Pair

DRIFT_STEPS = (0.1, 0.2, 0.4, 0.6, 0.8)
CONFIDENCE_STEPS = (0.2, 0.4, 0.6, 0.8, 0.9)


@dataclass(frozen=True)
class Entry:
    """One line of a facet: its words, the color of its points, and that of its name on the map."""

    name: str
    colors: Pair
    inks: Pair | None = None


@dataclass(frozen=True)
class Facet:
    """One way to tell the 2m points of m clips apart.

    Attributes:
        name: For addresses.
        title: For people.
        entries: What a point can be.
        code: Index into `entries`, per clip or per point. Shape (m,) or (2m,).
        is_sorted: Whether lines are shown by size; otherwise in their own order.
        colors_of: The facet whose colors its entries have; "" for its own, which maps can be painted by.
    """

    name: str
    title: str
    entries: tuple[Entry, ...]
    code: IntArray
    is_sorted: bool = False
    colors_of: str = ""


def of_run(loaded: LoadedRun, projection: Projection, groups: ClassGroups) -> tuple[Facet, ...]:
    """All facets of a run's maps that tell some points apart."""
    clips, rows = loaded.clips, np.asarray(projection.rows)
    labels = np.asarray(clips.hard_label)[rows]
    by_classes, by_groups = by_class(labels, clips.classes, groups), by_group(labels, groups)
    # Every clip would ask every other: of very many, those that were laid out ask each other.
    asked = projection.laid_out
    right_before, right_after = (_first_answers(e, rows[:asked], labels[:asked]) for e in (loaded.before, loaded.after))
    found = [
        *((by_groups, by_classes) if by_classes.colors_of else (by_classes, by_groups)),
        by_modality(len(rows)),
        by_first_answer(right_before, right_after, loaded.said, others=len(rows) - asked),
        by_steps("drift", "Neighbors lost", projection.drift, DRIFT_STEPS),
        by_split(np.asarray(clips.split)[rows]),
        by_steps("confidence", "Teacher's confidence", _confidence(loaded, rows), CONFIDENCE_STEPS),
    ]
    if clips.true_labels is not None:
        found.insert(4, by_hidden_labels(clips, rows))
    return telling(found)


def by_group(labels: IntArray, groups: ClassGroups) -> Facet:
    """Groups of classes, those without a group last. `labels` has shape (m,)."""
    of = groups.of[labels]
    entries = [Entry(name, colors.group(k)) for k, name in enumerate(groups.names)]
    if (of < 0).any() or not entries:
        entries.append(Entry("none", colors.group(-1)))
    return Facet("group", "Group of classes", tuple(entries), np.where(of < 0, len(groups.names), of))


def by_class(labels: IntArray, classes: Sequence[str], groups: ClassGroups) -> Facet:
    """Annotated class, in the color of its group, or its own where colors are enough. `labels` has shape (m,)."""
    has_own = len(classes) <= len(GROUPS) or len(groups.names) < 2
    numbers = range(len(classes)) if has_own else [int(group) for group in groups.of]
    entries = tuple(Entry(name, colors.group(k), colors.ink(k)) for name, k in zip(classes, numbers, strict=True))
    return Facet("class", "Annotated class", entries, labels, is_sorted=True, colors_of="" if has_own else "group")


def by_modality(count: int) -> Facet:
    """Heard or seen, of `count` clips."""
    entries = (Entry("heard", colors.AUDIO), Entry("seen", colors.VISUAL))
    return Facet("modality", "Modality", entries, np.repeat([0, 1], count))


def by_first_answer(before: BoolArray, after: BoolArray, said: tuple[str, str] = SAID, *, others: int = 0) -> Facet:
    """Whether a point's first answer in the other modality carries its class, in either embedding.

    Args:
        before, after: Shapes (2m,).
        said: What the two are called within a sentence.
        others: Number of further clips, which did not ask.
    """
    entries: tuple[Entry, ...] = (
        Entry("right in both", ("#9AA5AE", "#66737E")),
        Entry(f"right {said[1]} only", ("#0072B2", "#56B4E9")),
        Entry(f"right {said[0]} only", ("#D55E00", "#F0702A")),
        Entry("wrong in both", ("#5B6770", "#B4BFC8")),
    )
    code = np.where(before, np.where(after, 0, 2), np.where(after, 1, 3))
    if others:
        entries = (*entries, Entry("not asked", ("#C9D0D6", "#47525C")))
        code = np.pad(code.reshape(2, -1), ((0, 0), (0, others)), constant_values=len(entries) - 1).reshape(-1)
    return Facet("answer", "First answer", entries, code)


def by_hidden_labels(clips: Clips, rows: IntArray) -> Facet:
    """How many events of a clip nobody annotated; only where the source knows all true labels.

    Raises:
        ValueError: If it does not.
    """
    if clips.true_labels is None:
        raise ValueError("This run's clips have no hidden labels")
    truth = clips.true_labels[rows]
    hidden = truth.sum(axis=1) - truth[np.arange(len(rows)), clips.hard_label[rows]]
    names = ("none", "1 event", "2 events", "3 or more")
    entries = tuple(Entry(name, color) for name, color in zip(names, [colors.NEITHER, *colors.ramp(3)], strict=True))
    return Facet("hidden", "Unannotated events", entries, np.minimum(hidden.astype(int), 3))


def by_split(split: IntArray) -> Facet:
    """Training, validation or test clip. `split` has shape (m,)."""
    hues = (("#0072B2", "#56B4E9"), ("#E69F00", "#E69F00"), ("#CC79A7", "#E08FBD"))
    return Facet("split", "Split", tuple(Entry(name, hue) for name, hue in zip(SPLITS, hues, strict=True)), split)


def by_steps(name: str, title: str, values: FloatArray, edges: Sequence[float]) -> Facet:
    """Numbers in [0, 1] in steps; `edges` are the inner borders, at most five, a border belonging to the step above.

    >>> [entry.name for entry in by_steps("drift", "Lost", np.array([0.1, 1.0]), (0.1, 0.5)).entries]
    ['under 10 %', '10 to 50 %', '50 % and more']
    """
    percent = [f"{100 * edge:.0f}" for edge in edges]
    middle = [f"{low} to {high} %" for low, high in pairwise(percent)]
    names = [f"under {percent[0]} %", *middle, f"{percent[-1]} % and more"]
    entries = tuple(Entry(words, color) for words, color in zip(names, colors.ramp(len(names)), strict=True))
    return Facet(name, title, entries, np.digitize(values, edges))


def telling(facets: Sequence[Facet]) -> tuple[Facet, ...]:
    """Those that tell some points apart, and the class in any case."""
    return tuple(f for f in facets if f.name == "class" or len(np.unique(f.code)) > 1)


def let_through(
    facets: Sequence[Facet], filters: Mapping[str, Sequence[int]], around: Sequence[int], count: int
) -> BoolArray:
    """Points that every facet lets through and that, if any were drawn around, are among these. Shape (count,).

    Args:
        facets: Those of the maps.
        filters: Entries that are let through, by facet; all of a facet that is not there.
        around: Points that were drawn around.
        count: Number of points.
    """
    passes: BoolArray = np.ones(count, bool)
    for facet in facets:
        if on := filters.get(facet.name):
            code = np.resize(facet.code, count)  # of a clip, the same for both of its points
            passes &= np.isin(code, on)
    if len(around):
        passes &= np.isin(np.arange(count), around)
    return passes


def _confidence(loaded: LoadedRun, rows: IntArray, chunk: int = 50_000) -> FloatArray:
    """Probability of the teacher's first choice, audio of all rows first. Shape (2m,)."""
    parts = [loaded.soft(rows[i : i + chunk]).max(axis=2) for i in range(0, len(rows), chunk)]
    return np.concatenate(parts, axis=1).reshape(-1)


def _first_answers(embeddings: Embeddings, rows: IntArray, labels: IntArray) -> BoolArray:
    audio, visual = embeddings.audio[rows], embeddings.visual[rows]
    both = [first_answer_right(audio, visual, labels), first_answer_right(visual, audio, labels)]
    return np.concatenate(both)


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
