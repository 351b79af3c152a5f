from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avexplore.config import GraphConfig, SoftLabelFileConfig
from avexplore.graph.knowledge import Knowledge
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search.engines import run_local, run_many, run_search

FREE = Knowledge(np.zeros((6, 6), bool), np.zeros((6, 6), bool))


def config(**changes: Any) -> GraphConfig:
    return GraphConfig(soft_labels=SoftLabelFileConfig(fingerprint="0"), strategy="single", **changes)


def correlations(count: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    mix = np.triu(rng.normal(size=(6, 6)), 1) + np.eye(6)
    return np.stack([np.corrcoef(rng.normal(size=(200, 6)) @ mix, rowvar=False) for _ in range(count)])


@pytest.mark.parametrize("engine", ["both", "grasp", "boss", "causal-learn-grasp", "causal-learn-boss"])
def test_many_searches_are_single_ones_with_seeds_counted_up(engine: str) -> None:
    given = correlations()
    many = run_many(given, 200, config(engine=engine), FREE, seed=5)
    for b, correlation in enumerate(given):
        single = run_search(correlation, 200, config(engine=engine), FREE, seed=5 + b)
        np.testing.assert_array_equal(many[b], single.dag)
        assert single.score == pytest.approx(bic_score(correlation, 200, single.dag, 2.0))
        assert (single.gain[single.dag == 0] == 0).all()


@pytest.mark.parametrize("engine", ["boss", "causal-learn-grasp"])
def test_bdeu_gains_are_what_the_score_loses(engine: str) -> None:
    rng = np.random.default_rng(0)
    states = rng.integers(0, 3, size=(400, 6))
    states[:, 1] = np.where(rng.random(400) < 0.8, states[:, 0], states[:, 1])
    states[:, 4] = np.where(rng.random(400) < 0.8, states[:, 1], states[:, 4])
    found = run_local(states, config(engine=engine, score="bdeu"), FREE, seed=0)
    skeleton = found.dag | found.dag.T
    assert {tuple(pair) for pair in np.argwhere(np.triu(skeleton))} == {(0, 1), (1, 4)}
    # A tree: the gains of its edges add up to what it scores over the empty graph.
    assert found.gain.sum() == pytest.approx(found.score)
