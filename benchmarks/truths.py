"""Data on which it is known which classes come together, and in which modality: LLP, VGGSounder, YouTube-8M.

Human labels of one half of the clips are the truth; methods see soft labels of the other half.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avexplore.artifacts import BoolArray, FloatArray, IntArray, SoftLabelKind, SoftLabels
from avexplore.config import SyntheticConfig, TeacherConfig
from avexplore.config.presets import preset
from avexplore.data import feature_file, load_features
from avexplore.graph.evidence.simulated_worlds import come_together
from avexplore.training import train_teacher

LLP_NOISE = 1 / 0.9
"""Standard deviation of the noise on LLP's labels, -1 or 1: soft labels with d' = 1.8."""


@dataclass(frozen=True)
class Truth:
    """Soft labels, and what is known of other clips of the same kind.

    Attributes:
        name: What to call it.
        soft_labels: What methods see.
        together: Which classes come together, in either modality. Shape (C, C).
        human: Human labels per modality of the judging clips; None if they are not known apart. Shape (2, n, C).
        votes: What models say of the judging clips, where there are any. Shape (2, n, C), in [0, 1].
    """

    name: str
    soft_labels: SoftLabels
    together: BoolArray
    human: BoolArray | None = None
    votes: FloatArray | None = None


def _labels(
    values: FloatArray, kind: SoftLabelKind, label: IntArray, classes: tuple[str, ...], competing: bool
) -> SoftLabels:
    zero = np.zeros(len(label), int)
    return SoftLabels(values[0], values[1], kind, classes, zero, label, normalized=competing)


def _one_of(present: BoolArray, rng: np.random.Generator) -> IntArray:
    """An annotation per clip: one of its classes. Shape (n,)."""
    return np.asarray(np.where(present, rng.random(present.shape), -1.0).argmax(axis=1))


def read_llp(folder: Path) -> tuple[BoolArray, tuple[str, ...]]:
    """LLP's human labels (2, n, C), and the names of the classes."""
    rows = []
    for k, name in enumerate(("audio", "visual")):
        with (folder / f"AVVP_eval_{name}.csv").open(encoding="utf-8", newline="") as file:
            rows += [(k, row["filename"], row["event_labels"]) for row in csv.DictReader(file, delimiter="\t")]
    clips = {name: n for n, name in enumerate(sorted({row[1] for row in rows}))}
    classes = tuple(sorted({row[2] for row in rows}))
    human = np.zeros((2, len(clips), len(classes)), bool)
    for k, clip, event in rows:
        human[k, clips[clip], classes.index(event)] = True
    return human, classes


def llp(folder: Path, seed: int = 0, outputs: tuple[str, ...] = ("logits", "sigmoid", "softmax")) -> Iterator[Truth]:
    """LLP has no features: its labels with noise stand in for a teacher, in three kinds of output."""
    human, classes = read_llp(folder)
    rng = np.random.default_rng(seed)
    order = rng.permutation(human.shape[1])
    judging, seen = np.array_split(order, 2)
    label = _one_of(np.logical_or(*human[:, seen]), rng)
    noisy = 2.0 * human[:, seen] - 1 + rng.normal(0, LLP_NOISE, human[:, seen].shape)
    softmax = np.exp(2 * noisy)
    softmax /= softmax.sum(axis=2, keepdims=True)
    sigmoid = 1 / (1 + np.exp(-(1.62 * noisy + np.log(0.06 / 0.94))))  # the posterior at a base rate of .06
    given: dict[str, tuple[FloatArray, SoftLabelKind, bool]] = {
        "logits": (noisy, "logits", False),
        "sigmoid": (sigmoid, "probabilities", False),
        "softmax": (softmax, "probabilities", True),
    }
    for name in outputs:
        values, kind, competing = given[name]
        soft = _labels(values, kind, label, classes, competing)
        together = come_together(np.logical_or(*human[:, judging]))
        yield Truth(f"LLP, {name}", soft, together, human[:, judging])


def vggsounder(path: Path, count: int = 309, seed: int = 0, clips: int = 4000, *, log_odds: bool = False) -> Truth:
    """VGGSounder's `count` most frequent classes; soft labels: seven public models' votes, or log odds of them."""
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    human = np.stack([np.unpackbits(arrays[f"gt_{m}"], axis=1)[:, :309].astype(bool) for m in ("audio", "visual")])
    votes = np.zeros(human.shape)
    for k, name in enumerate(("votes_a_coo", "votes_v_coo")):
        clip, voted, number = arrays[name].T
        votes[k, clip, voted] = number / arrays["n_models"][clip]
    kept = np.argsort(-human.sum(axis=1).min(axis=0), kind="stable")[:count]
    human, votes = human[:, :, kept], votes[:, :, kept]
    rng = np.random.default_rng(seed)
    order = rng.permutation(human.shape[1])
    judging, rest = np.array_split(order, 2)
    seen = rest[human[:, rest].any(axis=(0, 2))][:clips]
    place = np.full(309, -1)
    place[kept] = np.arange(count)
    single = place[arrays["orig_vggsound"].astype(int).ravel()[seen]]
    label = np.where(single >= 0, single, _one_of(np.logical_or(*human[:, seen]), rng))
    said = votes[:, seen]
    if log_odds:
        said = np.log((said + 0.07) / (1.07 - said))
    soft = _labels(
        said, "logits" if log_odds else "probabilities", label, tuple(str(arrays["classes"][k]) for k in kept), False
    )
    together = come_together(np.logical_or(*human[:, judging]))
    return Truth(f"VGGSounder, {count} classes", soft, together, human[:, judging], votes[:, judging])


def synthetic(seed: int = 0) -> Truth:
    """The product's own synthetic benchmark, in which a third of all pairs come together."""
    source = SyntheticConfig(seed=seed)
    features = load_features(source)
    regularizer = preset("quick", source, seed).regularizer
    assert regularizer is not None
    assert features.true_labels is not None
    config = regularizer.affinity.stability.graph.soft_labels
    assert isinstance(config, TeacherConfig)
    name = "synthetic benchmark of avexplore, logits"
    return Truth(name, train_teacher(features, config).soft_labels, come_together(features.true_labels))


def youtube8m(path: Path, seed: int = 0) -> Iterator[Truth]:
    """The product's own teacher on YouTube-8M clips: its logits and its softmax, for both ways to annotate."""
    for annotation in ("random", "rarest"):
        source = feature_file(path, annotation=annotation)
        features = load_features(source)
        regularizer = preset("quick", source, seed).regularizer
        assert regularizer is not None
        assert features.true_labels is not None
        config = regularizer.affinity.stability.graph.soft_labels
        assert isinstance(config, TeacherConfig)
        logits = train_teacher(features, config).soft_labels
        together = come_together(features.true_labels)
        audio, visual = logits.probabilities()
        softmax = replace(logits, audio=audio, visual=visual, kind="probabilities", temperature=np.ones(2))
        yield Truth(f"YouTube-8M, {annotation} annotation, logits", logits, together)
        yield Truth(f"YouTube-8M, {annotation} annotation, softmax", softmax, together)
