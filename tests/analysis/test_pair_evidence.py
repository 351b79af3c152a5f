"""Counts of pairs of class nodes, against slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.contingency import odds_ratio

from avexplore.analysis.pair_evidence import expected_counts, pair_evidence, true_counts
from avexplore.artifacts import Clips, SoftLabels

CLASSES = ("A", "B", "C", "D")


def a_teacher(seed: int = 0) -> SoftLabels:
    rng = np.random.default_rng(seed)
    audio, visual = rng.random((2, 40, 4))
    split = np.repeat([0, 2], [30, 10])
    return SoftLabels(audio, visual, "probabilities", CLASSES, split, rng.integers(0, 4, 40), normalized=False)


def known(seed: int = 0) -> Clips:
    rng = np.random.default_rng(seed)
    heard, seen = rng.random((2, 40, 4)) < 0.4
    ids = tuple(map(str, range(40)))
    zero = np.zeros(40, int)
    return Clips(
        hard_label=zero,
        classes=CLASSES,
        split=zero,
        clip_ids=ids,
        true_labels=heard | seen,
        true_audio=heard,
        true_visual=seen,
    )


def test_expected_counts_of_training_clips() -> None:
    soft = a_teacher()
    found = expected_counts(soft)
    assert found.clips == 30
    assert not found.exact
    a, v = soft.audio[:30], soft.visual[:30]
    facts = found.pair(4 + 1, 2)  # seen B, heard C
    joint = sum(v[n, 1] * a[n, 2] for n in range(30))
    through = sum(v[n, 1] * a[n, 2] * (1 - (1 - a[n, 1]) * (1 - v[n, 2])) for n in range(30))
    assert facts.joint == pytest.approx(joint)
    assert facts.same_class == pytest.approx(through / joint)
    assert facts.given == pytest.approx(joint / v[:, 1].sum())
    assert facts.base == pytest.approx(a[:, 2].mean())
    assert facts.given_back == pytest.approx(joint / a[:, 2].sum())
    assert facts.base_back == pytest.approx(v[:, 1].mean())
    assert found.pair(0, 0).joint == pytest.approx(a[:, 0].sum()), "a clip holds a node or not, whatever its odds"
    assert found.pair(0, 4).same_class is None, "one class"
    assert found.pair(0, 1).same_class is None, "one modality"


def test_human_labels_are_counted() -> None:
    clips = known()
    found = true_counts(clips)
    assert found is not None
    assert found.exact
    heard, seen = clips.true_audio, clips.true_visual
    assert heard is not None
    assert seen is not None
    facts = found.pair(0, 4 + 3)
    both = heard[:, 0] & seen[:, 3]
    assert facts.joint == both.sum()
    assert facts.same_class == pytest.approx((both & (seen[:, 0] | heard[:, 3])).sum() / both.sum())
    cells = [[both.sum(), (heard[:, 0] & ~seen[:, 3]).sum()], [(~heard[:, 0] & seen[:, 3]).sum(), 0]]
    cells[1][1] = 40 - sum(cells[0]) - cells[1][0]
    independent = odds_ratio(np.array(cells) * 2 + 1, kind="sample")  # halves made whole: the ratio is the same
    assert facts.odds_ratio == pytest.approx(independent.statistic)
    wide = 1 / (np.array(cells) + 0.5)
    assert np.log(facts.high / facts.low) == pytest.approx(2 * 1.959964 * np.sqrt(wide.sum()))
    assert found.odds_ratios()[0, 7] == pytest.approx(facts.odds_ratio)


def test_nothing_is_counted_where_modalities_are_not_known_apart() -> None:
    assert true_counts(None) is None
    found = pair_evidence(a_teacher(), None)
    assert found.true is None
    assert found.expected.nodes[5] == "visual:B"
    assert found.probability.classes == CLASSES


def test_classes_that_never_occur_and_ones_that_always_do() -> None:
    audio = np.column_stack([np.zeros(10), np.ones(10)])
    soft = SoftLabels(audio, audio, "probabilities", ("A", "B"), np.zeros(10, int), np.zeros(10, int), False)
    facts = expected_counts(soft).pair(0, 3)
    assert facts.joint == 0
    assert np.isnan(facts.given)
    assert facts.same_class is None
    assert facts.low < 1 < facts.high
