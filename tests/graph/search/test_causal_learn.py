from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from avexplore.errors import Cancelled, GraphError
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.algebra.separation import is_acyclic
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search import causal_learn
from avexplore.graph.search.causal_learn import bic_local_score, search


def data(n: int = 300, p: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.normal(size=(p, p)) * (rng.random((p, p)) < 0.4), 1)
    return rng.normal(size=(n, p)) @ np.linalg.inv(np.eye(p) - weights)


def correlation(x: np.ndarray) -> np.ndarray:
    return np.corrcoef(x.T)


@pytest.mark.parametrize("algorithm", ["grasp", "boss"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_graph_as_their_own_function_from_the_same_seed(algorithm: str, seed: int) -> None:
    from causallearn.search.PermutationBased.BOSS import boss
    from causallearn.search.PermutationBased.GRaSP import grasp

    x = data(seed=seed)
    x = (x - x.mean(0)) / x.std(0)
    random.seed(seed)
    theirs = (grasp if algorithm == "grasp" else boss)(x, parameters={"lambda_value": 1.0}, verbose=False).graph
    cpdag = (theirs == -1).astype(np.int8)  # graph[i, j] = -1: a tail at i
    ours = search(bic_local_score(correlation(x), len(x), 2.0), 8, algorithm=algorithm, seed=seed)
    np.testing.assert_array_equal(dag_to_cpdag(ours.dag), cpdag)


@pytest.mark.parametrize("penalty", [1.0, 2.0, 4.0])
def test_its_score_is_ours_up_to_a_constant(penalty: float) -> None:
    x = data()
    r = correlation(x)
    found = search(bic_local_score(r, len(x), penalty), 8, algorithm="boss")
    empty = sum(bic_local_score(r, len(x), penalty)(j, []) for j in range(8))
    assert 2 * (found.score - empty) == pytest.approx(bic_score(r, len(x), found.dag, penalty), rel=1e-9)


def test_forbidden_edges_are_never_found() -> None:
    x = data()
    forbidden = np.random.default_rng(1).random((8, 8)) < 0.5
    for algorithm in ("grasp", "boss"):
        found = search(bic_local_score(correlation(x), 300, 1.0), 8, algorithm=algorithm, forbidden=forbidden)
        assert found.dag.any()
        assert not (found.dag.astype(bool) & forbidden).any()
        assert is_acyclic(found.dag)


@pytest.mark.parametrize("algorithm", ["grasp", "boss"])
@pytest.mark.parametrize("seed", range(4))
def test_required_edges_are_always_found(algorithm: str, seed: int) -> None:
    x = data(seed=seed)
    order = np.random.default_rng(seed).permutation(8)
    required = np.zeros((8, 8), bool)
    for a, b in ((0, 5), (5, 7), (2, 5), (1, 3)):
        required[order[a], order[b]] = True
    score = bic_local_score(correlation(x), 300, 2.0)
    found = search(score, 8, algorithm=algorithm, seed=seed, required=required, forbidden=required.T)
    assert found.dag[required].all()
    assert is_acyclic(found.dag)
    free = search(score, 8, algorithm=algorithm, seed=seed)
    assert found.score <= free.score + abs(free.score) * 0.01  # the cost of missing ones is not in the score


@pytest.mark.parametrize("algorithm", ["grasp", "boss"])
def test_required_edges_in_a_cycle_are_refused(algorithm: str) -> None:
    required = np.zeros((8, 8), bool)
    required[0, 1] = required[1, 0] = True
    with pytest.raises(GraphError, match="cycle"):
        search(bic_local_score(correlation(data()), 300, 2.0), 8, algorithm=algorithm, required=required)


@pytest.mark.parametrize("algorithm", ["grasp", "boss"])
def test_what_makes_boss_run_forever_is_refused(algorithm: str) -> None:
    r = correlation(data())
    r[0, 1] = r[1, 0] = math.nan
    with pytest.raises(GraphError, match="not a number"):
        search(bic_local_score(r, 300, 2.0), 8, algorithm=algorithm, seconds=20)


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_graphs_are_empty(count: int) -> None:
    assert search(lambda node, parents: 0.0, count).dag.shape == (count, count)


def test_it_can_be_stopped_by_the_clock_and_by_the_reader() -> None:
    score = bic_local_score(correlation(data(p=20, n=2000)), 2000, 1.0)
    with pytest.raises(GraphError, match="did not finish within 0 s"):
        search(score, 20, seconds=0)

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        raise Cancelled("Stopped")

    state = random.getstate()
    with pytest.raises(Cancelled):
        search(score, 20, report=stop)
    assert random.getstate() == state


def test_another_release_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(name: str) -> Any:
        return "0.1.4.4"

    monkeypatch.setattr(causal_learn, "version", other)
    with pytest.raises(GraphError, match=r"causal-learn 0\.1\.4\.4 is installed"):
        bic_local_score(np.eye(2), 10, 2.0)
