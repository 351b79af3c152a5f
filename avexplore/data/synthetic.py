"""The synthetic benchmark: clips whose further events are drawn along a planted class graph.

Every clip starts from one event, which is seen and heard. An event that is present may bring further ones along the
planted edges, in one or both modalities. One of all these events becomes the annotation, as if somebody had named the
one that struck them; the others stay unannotated and are kept as hidden labels. Because the graph and the hidden
labels are known, what is learned can be compared with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, FeatureSet, FloatArray, IntArray, Report, silent
from avexplore.config import SyntheticConfig
from avexplore.data.audioset import sample_statistics
from avexplore.data.files.names import numbered
from avexplore.data.splits import TEST, TRAIN, split_off_validation, stratified
from avexplore.errors import DataError

AUDIO_DIM, VISUAL_DIM = 128, 1024
_LEAST_PER_CLASS = 3  # one clip for each split


@dataclass(frozen=True)
class PlantedGraph:
    """Who brings whom.

    Attributes:
        classes: Names of the C classes.
        share: Probability that a clip is annotated with a class. Shape (C,), sums to 1.
        source, target: Class at the tail and head of each of E edges. Shape (E,).
        strength: Probability that the target joins a present source. Shape (E,).
        audio, visual: Whether the edge acts on what is heard, on what is seen. Shape (E,), at least one is True.
    """

    classes: tuple[str, ...]
    share: FloatArray
    source: IntArray
    target: IntArray
    strength: FloatArray
    audio: BoolArray
    visual: BoolArray

    def adjacency(self) -> IntArray:
        """The graph over the 2C class nodes, A[i, j] = 1 for i -> j. Shape (2C, 2C), int8.

        A class's own audio and visual node depend on each other, since most events are seen and heard; neither
        comes first, so that edge is undirected (1 both ways).
        """
        count = len(self.classes)
        graph = np.zeros((2 * count, 2 * count), np.int8)
        graph[self.source[self.audio], self.target[self.audio]] = 1
        graph[self.source[self.visual] + count, self.target[self.visual] + count] = 1
        own = np.arange(count)
        graph[own, own + count] = graph[own + count, own] = 1
        return graph


def generate(config: SyntheticConfig, report: Report = silent) -> FeatureSet:
    """Draw the whole benchmark. Equal configs give equal bits.

    The labels do not depend on `noise`, so that benchmarks of different difficulty show the same clips.

    Raises:
        DataError: If there are too few clips for the classes.
    """
    if config.clips < _LEAST_PER_CLASS * config.classes:
        raise DataError(
            f"{config.clips} clips are too few for {config.classes} classes",
            where="synthetic benchmark",
            fix=f"Use at least {_LEAST_PER_CLASS * config.classes} clips, or fewer classes",
        )
    seeds = np.random.SeedSequence(config.seed).spawn(4)
    for_graph, for_events, for_features, for_split = (np.random.default_rng(s) for s in seeds)
    graph = plant(config, for_graph)
    first = _first_event(config.clips, graph.share, for_events)
    heard, seen = _spread(first, graph, for_events)
    hard = _annotate(first, heard | seen, for_events)
    report(0.2, "Drew the events of all clips")
    audio = _features(heard, hard, AUDIO_DIM, _AUDIO, config.noise, for_features)
    report(0.4, "Drew the audio features")
    visual = _features(seen, hard, VISUAL_DIM, _VISUAL, config.noise, for_features)
    seed = int(for_split.integers(2**31))
    split = np.where(stratified(hard, config.test_fraction, seed), TEST, TRAIN)
    split = split_off_validation(split, hard, config.validation_fraction, seed)
    report(1.0, "Drew the visual features")
    names = "class names and co-occurrence after AudioSet (CC BY 4.0)" if config.statistics == "audioset" else ""
    return FeatureSet(
        audio=audio,
        visual=visual,
        hard_label=hard,
        classes=graph.classes,
        split=split,
        clip_ids=numbered("synthetic_", config.clips),
        true_labels=heard | seen,
        true_audio=heard,
        true_visual=seen,
        true_graph=graph.adjacency(),
        source=f"Synthetic benchmark with a planted class graph, seed {config.seed}" + (names and f"; {names}"),
    )


def plant(config: SyntheticConfig, rng: np.random.Generator) -> PlantedGraph:
    """Draw the planted graph of a benchmark.

    `statistics="random"`: round(density * C * (C - 1)) ordered class pairs get an edge. Up to a density of 0.5 the
    edges follow one hidden order of the classes, so there is no cycle; only beyond it do they also run backwards.
    Strengths spread around `co_occurrence`. `statistics="audioset"`: real classes, the strongest real pairs, strengths
    in the proportions of AudioSet with mean `co_occurrence`.
    """
    count = config.classes
    wanted = round(config.density * count * (count - 1))
    if config.statistics == "audioset":
        classes, share, source, target, strength = sample_statistics(count, wanted, rng)
        strength = np.clip(
            strength * config.co_occurrence / max(strength.mean(), 1e-9) if len(strength) else strength, 0, 1
        )
    else:
        classes = numbered("Event ", count)
        share = rng.dirichlet(np.full(count, 8.0))
        order = rng.permutation(count)
        early, late = np.triu_indices(count, 1)
        forward = rng.permutation(len(early))
        backward = rng.permutation(len(early))[: max(0, wanted - len(early))]
        forward = forward[:wanted]
        source = order[np.r_[early[forward], late[backward]]]
        target = order[np.r_[late[forward], early[backward]]]
        spread = min(config.co_occurrence, 1 - config.co_occurrence) * 0.5
        strength = config.co_occurrence + spread * rng.uniform(-1, 1, len(source))
    # Half of the edges act on both modalities, a quarter on each alone: a siren is heard before the truck is seen.
    kind = rng.random(len(source))
    return PlantedGraph(
        classes, share, source, target, strength, audio=kind < 0.75, visual=(kind < 0.5) | (kind >= 0.75)
    )


def _first_event(clips: int, share: FloatArray, rng: np.random.Generator) -> IntArray:
    """The event that each clip starts from: in the given proportions, but never fewer than three of a class."""
    counts = np.floor(share * (clips - _LEAST_PER_CLASS * len(share))).astype(np.int64) + _LEAST_PER_CLASS
    rest = clips - int(counts.sum())
    counts[rng.permutation(len(share))[: rest % len(share)]] += 1
    counts += rest // len(share)
    labels: IntArray = rng.permutation(np.repeat(np.arange(len(share)), counts))
    return labels


def _annotate(first: IntArray, present: BoolArray, rng: np.random.Generator) -> IntArray:
    """The annotated class: any of a clip's events, each as likely as the others.

    The first three clips that start from a class keep it, so that every class is annotated.
    """
    hard: IntArray = np.where(present, rng.random(present.shape), -1.0).argmax(axis=1)
    for label in range(present.shape[1]):
        kept = np.flatnonzero(first == label)[:_LEAST_PER_CLASS]
        hard[kept] = label
    return hard


def _spread(first: IntArray, graph: PlantedGraph, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    """Let the first events bring others along the edges, those again others, until no more come.

    Every edge gets one chance per clip. An event joins in the modalities on which the edge acts and in which its
    source is present.

    Returns:
        What is heard and what is seen. Shape (n, C) each, bool.
    """
    n, count = len(first), len(graph.classes)
    present = np.zeros((2, n, count), bool)
    present[:, np.arange(n), first] = True
    by_source = np.argsort(graph.source, kind="stable")
    start = np.searchsorted(graph.source[by_source], np.arange(count + 1))
    acts = np.stack([graph.audio, graph.visual])
    clip, event = np.arange(n), first
    while len(clip):
        degree = start[event + 1] - start[event]
        offset = np.arange(int(degree.sum())) - np.repeat(np.cumsum(degree) - degree, degree)
        edge = by_source[np.repeat(start[event], degree) + offset]
        where = np.repeat(clip, degree)
        fires = rng.random(len(edge)) < graph.strength[edge]
        edge, where = edge[fires], where[fires]
        target = graph.target[edge]
        joins = acts[:, edge] & present[:, where, graph.source[edge]]
        new = joins.any(axis=0) & ~present[:, where, target].any(axis=0)
        for modality in (0, 1):
            present[modality, where[joins[modality] & new], target[joins[modality] & new]] = True
        fresh = np.unique(where[new] * count + target[new])
        clip, event = fresh // count, fresh % count
    return present[0], present[1]


@dataclass(frozen=True)
class _Modality:
    """How the events of a clip become features.

    Attributes:
        latent: Dimensions in which classes differ; few, so that classes are alike.
        nuisance: Dimensions of what has nothing to do with the class (recording, scene).
        gain: Median loudness or size of an annotated event.
        faint: The same of an event that is not annotated.
    """

    latent: int
    nuisance: int
    gain: float
    faint: float


_AUDIO = _Modality(latent=32, nuisance=6, gain=1.0, faint=0.8)
_VISUAL = _Modality(latent=40, nuisance=16, gain=1.0, faint=0.8)
_HIDDEN = 96
# Chosen so that at `noise` 1 linear classifiers reach figures like those on real YouTube-8M features: about 60 % of
# the annotated labels, and hidden labels ranked with an AUC of .8 to .9.
_SPREAD = 2.0
_WITHIN = 0.55  # share of a class's spread that is its own: some dogs are big


def _features(
    present: BoolArray, hard: IntArray, dim: int, kind: _Modality, noise: float, rng: np.random.Generator
) -> FloatArray:
    """Features of one modality. Shape (n, dim), float32.

    A clip's latent vector is the sum of its events' prototypes, each at its own loudness and varied within its class,
    plus noise; nuisance dimensions join it, and a fixed random layer with a kink turns both into features, plus noise
    on each feature.
    """
    n, count = present.shape
    prototypes = rng.standard_normal((count, kind.latent)).astype(np.float32)
    varied = rng.standard_normal((count, kind.latent)).astype(np.float32)
    mix = rng.standard_normal((kind.latent + kind.nuisance, _HIDDEN)).astype(np.float32)
    mix /= np.sqrt(kind.latent + kind.nuisance)
    shift = rng.uniform(-1, 1, _HIDDEN).astype(np.float32)
    out = rng.standard_normal((_HIDDEN, dim)).astype(np.float32) / np.float32(np.sqrt(_HIDDEN))

    clip, event = np.nonzero(present)
    annotated = event == hard[clip]
    gain = np.where(annotated, kind.gain, kind.faint) * np.exp(0.35 * rng.standard_normal(len(clip)))
    style = noise * _WITHIN * rng.standard_normal(len(clip))
    loudness = np.zeros((n, count), np.float32)
    loudness[clip, event] = gain
    styled = np.zeros((n, count), np.float32)
    styled[clip, event] = gain * style
    latent = loudness @ prototypes + styled @ varied
    latent += np.float32(_SPREAD * noise) * rng.standard_normal(latent.shape, dtype=np.float32)
    nuisance = np.float32(1.5) * rng.standard_normal((n, kind.nuisance), dtype=np.float32)
    hidden = np.concatenate([latent, nuisance], axis=1) @ mix + shift
    hidden = np.maximum(hidden, 0.2 * hidden)
    features: FloatArray = hidden @ out
    features += np.float32(0.3 * noise) * rng.standard_normal(features.shape, dtype=np.float32)
    return features
