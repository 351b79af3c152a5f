from __future__ import annotations

from importlib.util import find_spec
from typing import Any, get_args

import numpy as np
import pytest

from avexplore.config import Engine, GraphConfig, SoftLabelFileConfig
from avexplore.errors import GraphError
from avexplore.graph.knowledge import Knowledge
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search.engines import ENGINES, drafts_of, fallback_for, is_quick, run_local, run_many, run_search

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


def test_every_engine_of_the_config_has_a_record_and_no_other() -> None:
    assert set(ENGINES) == set(get_args(Engine))
    assert all(name == engine.name for name, engine in ENGINES.items())


def test_drafts_come_before_the_thorough_searches_of_ours_only() -> None:
    def drafts(**changes: Any) -> list[str]:
        return [draft.strategy for draft in drafts_of(config().replace(**changes))]

    assert drafts(strategy="perturbed") == ["single", "polished"]
    assert drafts(strategy="iterated") == ["single"]
    assert drafts() == drafts(strategy="perturbed", engine="causal-learn-boss") == []
    assert drafts(strategy="perturbed", score="bdeu") == drafts(strategy="perturbed", engine="flop") == []


def test_causal_learn_stands_in_for_what_has_to_be_compiled() -> None:
    found = {name: fallback_for(config(engine=name)) for name in ENGINES}
    names = {name: other.engine for name, other in found.items() if other is not None}
    assert names == {"grasp": "causal-learn-grasp", "boss": "causal-learn-boss", "both": "causal-learn-boss"}
    assert fallback_for(config(score="kernel")) is None


def test_what_is_quick() -> None:
    thorough = config().replace(strategy="perturbed")
    assert is_quick(thorough, 60)
    assert not is_quick(thorough.replace(iterations=600), 60)
    assert is_quick(config(), 80)
    assert not is_quick(config(), 81)
    assert not any(is_quick(config(engine=name), 10) for name in ("flop", "causal-learn-boss"))


def test_flop_finds_what_ours_finds_where_that_is_plain() -> None:
    pytest.importorskip("flopsearch")
    rng = np.random.default_rng(0)
    data = rng.normal(size=(2000, 6))
    data[:, 2] += data[:, 0] + data[:, 1]
    data[:, 3] += data[:, 2]
    correlation = np.corrcoef(data, rowvar=False)
    # FLOP takes no seed, and ends in a worse optimum now and then: the best of some runs.
    runs = [run_search(correlation, 2000, config(engine="flop"), FREE, seed=0) for _ in range(10)]
    theirs = max(runs, key=lambda found: found.score)
    ours = run_search(correlation, 2000, config(), FREE, seed=0)
    assert max(found.score for found in runs) <= ours.score + 1e-6
    assert theirs.score == pytest.approx(ours.score)
    np.testing.assert_array_equal(theirs.dag, ours.dag)
    assert "seed" in theirs.notes[0]


def test_flop_says_what_it_cannot_do() -> None:
    ruled = Knowledge(np.eye(6, k=1, dtype=bool), np.zeros((6, 6), bool))
    with pytest.raises(GraphError, match="no knowledge"):
        run_search(correlations(1)[0], 200, config(engine="flop"), ruled, seed=0)
    if find_spec("flopsearch") is None:
        with pytest.raises(GraphError, match="not installed"):
            run_search(correlations(1)[0], 200, config(engine="flop"), FREE, seed=0)
    else:
        with pytest.raises(GraphError, match="more clips"):
            run_search(correlations(1)[0], 5, config(engine="flop"), FREE, seed=0)
