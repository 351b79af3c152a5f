"""Simulated worlds: clips in which it is known which classes come together, and what small real teachers say of them.

`pair_probability` is calibrated on these worlds. They differ in everything that differs between real data sets: number
of classes and clips, how rare classes are, who brings whom, latent scenes, what is heard and what is seen, errors of
the annotation, and the teacher's kind of output. Families of similar classes, and clips that resemble a class without
holding it, make classes *look alike* that do not come together; what disturbs a clip disturbs both modalities. In one
world of seven nothing comes together at all.

All definitions here are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, SoftLabelKind, SoftLabels

LEAST_SHARE, LEAST_LIFT = 0.1, 1.25
"""Two classes come together if one is there in this share of the clips that hold the other one, and this many times as
often as by chance."""
POPULATION = 20_000
"""Clips that the truth is counted in: the truth is the population's, not the sample's."""

OUTPUTS = ("logits", "softmax", "log odds of a softmax", "sigmoid", "score", "votes")
_SHARES = (0.3, 0.15, 0.1, 0.15, 0.15, 0.15)
_KINDS: dict[str, SoftLabelKind] = {"logits": "logits", "score": "scores", "votes": "scores"}


@dataclass(frozen=True)
class World:
    """Who comes together with whom, and what of it is heard and seen.

    Attributes:
        share: Probability that a clip starts from a class. Shape (C,), sums to 1.
        leak: Probability that a class is there for no reason. Shape (C,).
        joins: P(j joins | i is there), strictly upper triangular: parents come before children. Shape (C, C).
        scenes: P(class | scene). Shape (S, C).
        scene_share: Share of the clips that show a scene.
        heard, seen: Probability that a class which is there is heard, and seen. Shape (C,).
    """

    share: FloatArray
    leak: FloatArray
    joins: FloatArray
    scenes: FloatArray
    scene_share: float
    heard: FloatArray
    seen: FloatArray

    def draw(self, clips: int, rng: np.random.Generator) -> tuple[BoolArray, BoolArray, IntArray]:
        """What is heard, what is seen, and the class that a clip is annotated with. Shapes (n, C), (n, C), (n,)."""
        count = len(self.share)
        first = rng.choice(count, clips, p=self.share)
        there = rng.random((clips, count)) < self.leak
        if len(self.scenes):
            scene = rng.integers(0, len(self.scenes), clips)
            there |= (rng.random((clips, count)) < self.scenes[scene]) & (rng.random((clips, 1)) < self.scene_share)
        there[np.arange(clips), first] = True
        stays_out = np.log1p(-self.joins)
        for j in np.flatnonzero(self.joins.any(axis=0)):  # noisy-or, parents before children
            there[:, j] |= rng.random(clips) > np.exp(there[:, :j] @ stays_out[:j, j])
        heard = there & (rng.random((clips, count)) < self.heard)
        seen = there & (rng.random((clips, count)) < self.seen)
        any_of_them = np.where(there, rng.random((clips, count)), -1).argmax(axis=1)
        return heard, seen, np.where(rng.random(clips) < 0.5, first, any_of_them)


def draw_world(rng: np.random.Generator) -> World:
    """A world of 6 to 60 classes."""
    count = int(np.exp(rng.uniform(np.log(6), np.log(61))))
    share = rng.dirichlet(np.full(count, rng.choice([1.5, 4, 20]))) + 0.15 / count
    share /= share.sum()
    joins, (i, j) = np.zeros((count, count)), np.triu_indices(count, 1)
    edges = rng.permutation(len(i))[: rng.binomial(len(i), min(rng.uniform(0.4, 4.0) / count, 0.5))]
    joins[i[edges], j[edges]] = np.clip(rng.uniform(0.12, 0.6) * rng.lognormal(0, 0.5, len(edges)), 0.02, 0.9)
    scenes = np.zeros((int(rng.integers(1, max(2, count // 4))) if rng.random() < 0.5 else 0, count))
    for scene in scenes:
        members = rng.permutation(count)[: rng.integers(2, min(6, count))]
        scene[members] = rng.uniform(0.15, 0.8, len(members))
    leak = share * (rng.uniform(0.2, 1.0) if rng.random() < 0.3 else rng.uniform(0, 0.15))
    if rng.random() < 0.15:  # nothing comes together: classes only look alike
        joins, leak, scenes = 0 * joins, 0 * leak, scenes[:0]
    low = rng.uniform(0.4, 0.95, 2)
    heard, seen = (rng.uniform(least, 1, count) for least in low)
    return World(share, leak.clip(0, 0.5), joins, scenes, float(rng.uniform(0.2, 0.8)), heard, seen)


@dataclass(frozen=True)
class Simulated:
    """One simulated data set.

    Attributes:
        soft_labels: As a stage would hand them over.
        output: Which of `OUTPUTS` the teacher gives.
        together: Which classes come together. Shape (C, C), symmetric, False on the diagonal.
        related: Whether any classes do, by design of the world.
    """

    soft_labels: SoftLabels
    output: str
    together: BoolArray
    related: bool


def simulate(seed: int) -> Simulated:
    """A world, 200 to 5,000 clips of it, and a teacher's soft labels for them."""
    rng = np.random.default_rng(seed)
    world, output = draw_world(rng), OUTPUTS[rng.choice(len(OUTPUTS), p=_SHARES)]
    n, count = int(np.exp(rng.uniform(np.log(200), np.log(5000)))), len(world.share)
    heard, seen, label = world.draw(n, rng)
    label = np.where(rng.random(n) < rng.choice([0, 0.05, 0.2]), rng.integers(0, count, n), label)
    many_heard, many_seen, _ = world.draw(POPULATION, rng)
    here = (many_heard | many_seen).astype(float)
    present = np.maximum(here.sum(axis=0), 1)
    joint = here.T @ here
    surroundings = (joint - np.outer(present, present) / POPULATION) / np.minimum.outer(present, present)
    surroundings = surroundings.clip(0, 1) * ~np.eye(count, dtype=bool)
    alike = (rng.random((count, count)) < rng.uniform(0, 2) / count) * (rng.random() < 0.5)
    phantom = (rng.random((n, count)) < rng.uniform(0, 0.3) * alike[label]) & ~heard & ~seen
    resembles = phantom * rng.uniform(0.15, 0.6)
    # A clip that is loud, near and clear in one modality often is so in the other one, and so are its disturbances.
    clear, disturbed = rng.standard_normal((n, 1)), rng.standard_normal((n, 4))
    shared, families = rng.uniform(0, 0.6), rng.standard_normal((count, 3)) * rng.uniform(0, 1)
    audio, visual = (
        _teacher(there, label, output, surroundings, resembles, clear * shared, disturbed, families, rng)
        for there in (heard, seen)
    )
    return Simulated(
        SoftLabels(
            audio.astype(float),
            visual.astype(float),
            _KINDS.get(output, "probabilities"),
            tuple(f"Event {k}" for k in range(count)),
            np.zeros(n, int),
            label,
            normalized=output not in ("sigmoid", "votes"),
        ),
        output,
        come_together(many_heard | many_seen),
        bool(len(world.scenes) or world.joins.any() or world.leak.any()),
    )


def come_together(present: BoolArray, share: float = LEAST_SHARE, lift: float = LEAST_LIFT) -> BoolArray:
    """Which classes come together in these clips.

    P(j | i) > `share` in the better direction, and P(i, j) > `lift` P(i) P(j).

    Args:
        present: Whether a clip holds a class. Shape (n, C).

    Returns:
        Shape (C, C), symmetric, False on the diagonal.

    >>> come_together(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], bool))[0]
    array([False,  True, False])
    """
    x = present.astype(np.float64)
    joint, count = x.T @ x, np.maximum(x.sum(axis=0), 1)
    often = joint / np.minimum.outer(count, count) > share
    found: BoolArray = often & (joint > lift * np.outer(count, count) / len(x)) & ~np.eye(len(count), dtype=bool)
    return found


def _teacher(
    there: BoolArray,
    label: IntArray,
    output: str,
    surroundings: FloatArray,
    resembles: FloatArray,
    clear: FloatArray,
    disturbed: FloatArray,
    families: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """One modality's soft labels: of detectors, or of linear discriminants or a ridge regression on drawn features.

    Args:
        there: What is heard or seen. Shape (n, C).
        label: The annotated class. Shape (n,).
        output: One of `OUTPUTS`.
        surroundings: How much of its features a class shares with another one for coming with it. Shape (C, C).
        resembles: How much a clip resembles a class that it does not hold, in both modalities. Shape (n, C).
        clear: Log of how clear a clip's events are in both modalities. Shape (n, 1).
        disturbed: What disturbs a clip in both modalities. Shape (n, 4).
        families: Traits that similar classes share in both modalities. Shape (C, 3).

    Returns:
        Shape (n, C).
    """
    n, count = there.shape
    gain = there * rng.lognormal(0, 0.35, (n, count)) * np.exp(clear)
    gain *= np.where(np.arange(count) == label[:, None], 1.0, rng.uniform(0.5, 1.0))  # unannotated events are fainter
    gain += resembles * rng.lognormal(0, 0.35, (n, count))
    if output == "votes":
        like = (rng.standard_normal((count, 3)) @ rng.standard_normal((3, count)) + families @ families.T) / 6
        like *= rng.uniform(0, 0.8)
        odds = rng.uniform(2.5, 6) * gain + gain @ like - rng.uniform(2, 4.5)
        odds += rng.normal(0, rng.uniform(0.3, 1.2), (n, count))
        models = int(rng.integers(1, 9))
        votes = rng.binomial(models, 1 / (1 + np.exp(-odds))) / models
        return votes + rng.normal(0, rng.choice([0.01, 0.1]), (n, count))
    d = int(rng.integers(max(8, count // 2), 80))
    features = rng.standard_normal((count, d))
    features += rng.uniform(0, 1.5) * surroundings @ features
    features += rng.uniform(0, 0.6) * rng.standard_normal((count, 3)) @ rng.standard_normal((3, d)) / 3**0.5
    features += families @ rng.standard_normal((3, d)) / 3**0.5
    x = gain @ features + rng.uniform(0.4, 3.0) * rng.standard_normal((n, d))
    own, both = rng.uniform(0, 1.5), rng.uniform(0, 1.0)
    x += (own * rng.standard_normal((n, 4)) + both * disturbed) @ rng.standard_normal((4, d)) / 2
    x, one = (x - x.mean(axis=0)) / x.std(axis=0), np.eye(count)[label]
    fold = rng.integers(0, 4, n) if rng.random() < 0.3 else np.zeros(n, int)  # some teachers are cross-fitted
    out, shrink = np.zeros((n, count)), rng.uniform(0.05, 0.3)
    for k in np.unique(fold):
        rows = fold == k
        y, z = (one[~rows], x[~rows]) if fold.any() else (one, x)
        if output == "score":
            weights = np.linalg.solve(z.T @ z + 0.1 * len(z) * np.eye(d), z.T @ (y - y.mean(axis=0)))
            out[rows] = x[rows] @ weights + y.mean(axis=0)
            continue
        size = y.sum(axis=0) + 0.5
        mean = y.T @ z / size[:, None]
        rest = z - mean[y.argmax(axis=1)]
        weights = np.linalg.solve(rest.T @ rest / len(z) + shrink * np.eye(d), mean.T)
        out[rows] = x[rows] @ weights - 0.5 * (mean * weights.T).sum(axis=1) + np.log(size / size.sum())
    if output == "score":
        return out
    out /= rng.uniform(1.0, 3.0) * np.sqrt(1 + d / 40)  # teachers are smoothed and regularized
    if output == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-out + np.median(out) + rng.uniform(0, 2))))
    if output == "logits":
        return out
    out = np.exp(out - out.max(axis=1, keepdims=True))
    return np.asarray(out / out.sum(axis=1, keepdims=True))
