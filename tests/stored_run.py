"""A stored run, small and structured: eight classes, planted events that nobody annotated, and students to compare.

What is stored is made up here and only here; the pages get it through the real store and workbench.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.artifacts import (
    Affinity,
    ClassGraph,
    Clips,
    Embeddings,
    History,
    Projection,
    RetrievalReport,
    SoftLabels,
    TrainedStudent,
    TrainedTeacher,
    class_nodes,
)
from avexplore.config import (
    AffinityConfig,
    ClipsConfig,
    EvaluationConfig,
    GraphConfig,
    ProjectionConfig,
    RegularizerConfig,
    StabilityConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.projection import project_pca
from avexplore.store import Store

CLASSES = ("Train horn", "<b>Bus</b>", "Car", "Dog", "Cat [x](y)", "Rain", "Violin", ":red[Drum]")
# an event at the head joins one at the tail
PLANTED = ((0, 2), (3, 4), (6, 7))


@dataclass(frozen=True)
class Made:
    """What was stored, for tests to compare pages with."""

    home: Path
    student: StudentConfig
    clips: Clips
    teacher: TrainedTeacher
    before: Embeddings
    after: Embeddings
    graph: ClassGraph
    affinity: Affinity

    @property
    def key(self) -> str:
        return self.student.address[:12]


def student_config(clips: int, seed: int = 0) -> StudentConfig:
    data = SyntheticConfig(clips=clips, classes=len(CLASSES), seed=seed)
    graph = GraphConfig(TeacherConfig(data))
    affinity = AffinityConfig(StabilityConfig(graph))
    return StudentConfig(data, regularizer=RegularizerConfig(affinity))


def make_run(
    home: Path,
    count: int = 160,
    seed: int = 0,
    *,
    hidden: bool = True,
    media: tuple[str, ...] = (),
    classes: tuple[str, ...] = CLASSES,
    source: str = "Made up for a test",
    name: str = "",
    measured: bool = True,
) -> Made:
    """Store a run.

    Args:
        home: The data folder.
        count: How many clips.
        seed: Draws them.
        hidden: Whether the true labels are known.
        media: Their files.
        classes: Eight names.
        source: What the data are.
        name: What the run is called.
        measured: Whether its reports are stored, too, which takes long for thousands of clips.
    """
    rng = np.random.default_rng(seed)
    student = student_config(count, seed)
    c = len(classes)
    label = np.arange(count) % c
    truth = np.eye(c, dtype=bool)[label]
    for tail, head in PLANTED:
        joined = (label == tail) & (rng.random(count) < 0.5)
        truth[joined, head] = True
    clips = Clips(
        hard_label=label,
        classes=classes,
        split=np.array([0, 0, 1, 2, 2])[(np.arange(count) // c) % 5],
        clip_ids=tuple(f"clip-{i:04d}" for i in range(count)),
        true_labels=truth if hidden else None,
        media=media,
        source=source,
    )
    logits = [
        4.0 * np.eye(c)[label]
        + 1.5 * truth
        + 2.0 * (truth & ~np.eye(c, dtype=bool)[label])
        + rng.normal(scale=0.8, size=(count, c))
        for _ in range(2)
    ]
    soft = SoftLabels(logits[0].astype(np.float32), logits[1].astype(np.float32), "logits", classes, clips.split, label)
    history = History({"loss": np.linspace(1, 0.1, 5)})
    teacher = TrainedTeacher(soft, {}, history, {}, {})
    nodes = class_nodes(classes)
    adjacency = np.zeros((2 * c, 2 * c), np.int8)
    weights = np.zeros((2 * c, 2 * c))
    for i in range(c):
        adjacency[i, c + i] = adjacency[c + i, i] = 1
        weights[i, c + i] = weights[c + i, i] = 0.6
    for tail, head in PLANTED:
        for i, j in ((tail, head), (c + tail, c + head), (tail, c + head), (head, c + tail)):
            adjacency[i, j] = 1
            weights[i, j] = weights[j, i] = 1.0 if i < c <= j else 0.7
    graph = ClassGraph(nodes, adjacency, score=123.0, samples=80)
    affinity = Affinity(nodes, weights)
    centers = rng.normal(size=(c, 16))
    base = [centers[label] + 0.9 * rng.normal(size=(count, 16)) for _ in range(2)]
    shift = (truth.astype(float) - np.eye(c)[label]) @ centers
    moved = [values + 0.8 * shift + 0.15 * rng.normal(size=values.shape) for values in base]
    before, after = (Embeddings(*(_unit(values) for values in pair)) for pair in (base, moved))
    store = Store(home)
    store.remember_run(student.address, name)
    configs = student.regularizer.affinity  # type: ignore[union-attr]
    store.put(ClipsConfig(student.data), clips)
    store.put(configs.stability.graph.soft_labels, teacher)
    store.put(configs.stability.graph, graph)
    store.put(configs, affinity)
    for config, embeddings in ((student.twin, before), (student, after)):
        store.put(config, TrainedStudent(embeddings, {}, history, 3, 5))
        if measured:
            store.put(EvaluationConfig(config), _report(embeddings, clips))
    return Made(home, student, clips, teacher, before, after, graph, affinity)


def store_projection(made: Made) -> None:
    """Put a computed map beside the run, as if UMAP had run."""
    config = ProjectionConfig(before=made.student.twin, after=made.student)
    found = project_pca(made.before, made.after, made.clips.rows("test"))
    stored = {name: getattr(found, name) for name in ("before", "after", "rows", "metrics", "drift")}
    Store(made.home).put(config, type(found)(**stored, method="umap"))


def store_large_projection(made: Made, laid_out: int) -> None:
    """Put made-up maps of all clips beside the run: classes as clusters, some points moved."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(made.clips.hard_label))
    middles = 6 * rng.normal(size=(len(made.clips.classes), 2))
    both = np.tile(np.asarray(made.clips.hard_label)[rows], 2)
    before = middles[both] + rng.normal(size=(len(both), 2))
    drift = rng.random(len(both)) ** 3
    after = before + drift[:, None] * rng.normal(size=before.shape)
    figures = dict.fromkeys(("trustworthiness_before", "trustworthiness_after", "neighbor_overlap"), 0.9)
    metrics = {
        **figures,
        "procrustes": 0.1,
        "procrustes_embedding": 0.1,
        "neighbors": 15.0,
        "laid_out": float(laid_out),
    }
    places = (values.astype(np.float32) for values in (before, after))
    shown = Projection(*places, rows, metrics, drift.astype(np.float32))
    Store(made.home).put(ProjectionConfig(made.student.twin, made.student, split="all"), shown)


def _unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def _report(embeddings: Embeddings, clips: Clips) -> RetrievalReport:
    """Textbook AP by a slow loop."""
    rows = clips.rows("test")
    labels = np.asarray(clips.hard_label)[rows]
    found = np.zeros((2, len(rows)))
    for d, (query, gallery) in enumerate(
        ((embeddings.audio, embeddings.visual), (embeddings.visual, embeddings.audio))
    ):
        for q in range(len(rows)):
            order = np.argsort(-(gallery[rows] @ query[rows[q]]), kind="stable")
            hits, total = 0, 0.0
            for rank, answer in enumerate(order, start=1):
                if labels[answer] == labels[q]:
                    hits += 1
                    total += hits / rank
            found[d, q] = total / max(hits, 1)
    c = len(clips.classes)
    per_class = np.array([[found[d, labels == k].mean() for d in range(2)] for k in range(c)])
    both = found.mean(axis=1)
    metrics = {"map": both.mean(), "map_audio_to_visual": both[0], "map_visual_to_audio": both[1]}
    scopes = np.array([10, 20])
    return RetrievalReport(
        {name: float(value) for name, value in metrics.items()},
        per_class, scopes, np.zeros((2, 2)), np.zeros((c, c)), found, rows, clips.classes,
    )  # fmt: skip


def loaded_from(made: Made) -> LoadedRun:
    return LoadedRun(
        key=made.key,
        student=made.student,
        clips=made.clips,
        soft_labels=made.teacher.soft_labels,
        graph=made.graph,
        affinity=made.affinity,
        before=made.before,
        after=made.after,
    )
