"""The search: optimal where that can be known, faithful to knowledge, and the same however it is run."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, permutations
from pathlib import Path

import joblib
import numpy as np
import pytest

from avexplore.artifacts import FloatArray, IntArray
from avexplore.errors import Cancelled, ConfigError, GraphError
from avexplore.graph.algebra.comparison import shd
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.compiled.bitset import unpack
from avexplore.graph.inputs.covariance import bootstrap_correlations, correlation
from avexplore.graph.scores.gaussian_bic import bic_score
from avexplore.graph.search import order_search, parent_sets, perturbation
from avexplore.graph.search.grow_shrink import FORGOTTEN, new_trees
from avexplore.graph.search.parent_sets import new_parent_sets
from avexplore.graph.search.search import DISTINCT, Engine, Strategy, own_cores, search, search_many


def linear_data(rng: np.random.Generator, p: int, density: float, n: int = 500) -> tuple[FloatArray, IntArray]:
    order = rng.permutation(p)
    dag = (np.triu(rng.random((p, p)) < density, 1)).astype(np.int8)[np.ix_(np.argsort(order), np.argsort(order))]
    weights = dag * rng.uniform(0.3, 1.0, (p, p)) * rng.choice([-1, 1], (p, p))
    data = rng.normal(size=(n, p))
    for y in order:
        data[:, y] += data @ weights[:, y]
    return data, dag


def best_of_all_orders(R: FloatArray, n: int, c: float) -> float:
    """Score of the best DAG: for each order each variable takes its best set of predecessors."""
    p = len(R)
    penalty = c * np.log(n)
    local: dict[tuple[int, int], float] = {}
    for y in range(p):
        for mask in range(1 << p):
            if not mask >> y & 1:
                parents = [x for x in range(p) if mask >> x & 1]
                residual = 1.0
                if parents:
                    residual -= R[y, parents] @ np.linalg.solve(R[np.ix_(parents, parents)], R[parents, y])
                local[y, mask] = -n * np.log(residual) - penalty * len(parents)
        for mask in range(1 << p):  # best subset
            if not mask >> y & 1:
                for x in range(p):
                    if mask >> x & 1:
                        local[y, mask] = max(local[y, mask], local[y, mask & ~(1 << x)])

    def score(order: tuple[int, ...]) -> float:
        before, total = 0, 0.0
        for y in order:
            total += local[y, before]
            before |= 1 << y
        return total

    return max(score(order) for order in permutations(range(p)))


@pytest.mark.parametrize("strategy", ["iterated", "perturbed"])
@pytest.mark.parametrize("engine", ["boss", "grasp", "both"])
def test_finds_the_optimum_of_all_orders(engine: Engine, strategy: Strategy) -> None:
    rng = np.random.default_rng(3)
    for p in (2, 3, 4, 5, 6):
        for density in (0.3, 0.8):
            data, _ = linear_data(rng, p, density, 300)
            R = correlation(data)
            result = search(R, 300, engine=engine, strategy=strategy, iterations=30, penalty_discount=1.0)
            # The search is greedy in the parents, so that even over all orders it may fall a little short.
            best = best_of_all_orders(R, 300, 1.0)
            assert best - 12.0 <= result.score <= best + 1e-6
            assert result.score == pytest.approx(bic_score(R, 300, result.dag, 1.0), abs=1e-6)


@pytest.mark.parametrize(("strategy", "least"), [("iterated", 17), ("polished", 17), ("perturbed", 19)])
def test_mostly_reaches_the_optimum_exactly(strategy: Strategy, least: int) -> None:
    rng = np.random.default_rng(4)
    reached = 0
    for _ in range(20):
        R = correlation(linear_data(rng, 5, 0.5, 400)[0])
        reached += search(R, 400, strategy=strategy).score >= best_of_all_orders(R, 400, 2.0) - 1e-6
    assert reached >= least


@pytest.mark.parametrize("strategy", ["iterated", "perturbed"])
def test_recovers_a_sparse_graph(strategy: Strategy) -> None:
    data, dag = linear_data(np.random.default_rng(5), 25, 0.08, 20_000)
    result = search(correlation(data), len(data), strategy=strategy, iterations=50)
    assert np.abs(dag_to_cpdag(result.dag) - dag_to_cpdag(dag)).sum() <= 2


@pytest.mark.parametrize("strategy", ["iterated", "perturbed"])
@pytest.mark.parametrize("engine", ["boss", "grasp", "both"])
def test_knowledge_is_never_violated(engine: Engine, strategy: Strategy) -> None:
    rng = np.random.default_rng(6)
    for trial in range(30):
        p = int(rng.integers(2, 9))
        R = correlation(linear_data(rng, p, 0.5, 200)[0])
        names = rng.permutation(p)
        forward = np.triu(np.ones((p, p), bool), 1)[np.ix_(names, names)]
        required = forward & (rng.random((p, p)) < 0.2)
        forbidden = (rng.random((p, p)) < 0.3) & ~required
        result = search(
            R,
            200,
            engine=engine,
            strategy=strategy,
            iterations=10,
            seed=trial,
            forbidden=forbidden,
            required=required,
        )
        assert not (result.dag.astype(bool) & forbidden).any()
        assert result.dag[required].all()
        dag_to_cpdag(result.dag)  # refuses cycles
        assert result.score == pytest.approx(bic_score(R, 200, result.dag, 2.0), abs=1e-6)


def test_contradictory_knowledge_is_refused() -> None:
    both = np.zeros((2, 2), bool)
    both[0, 1] = True
    with pytest.raises(GraphError, match="both required and forbidden"):
        search(np.eye(2), 10, forbidden=both, required=both)
    with pytest.raises(GraphError, match="cycle"):
        search(np.eye(2), 10, required=both | both.T)


@pytest.mark.parametrize("strategy", ["single", "perturbed"])
def test_order_of_columns_and_scale_do_not_matter(strategy: Strategy) -> None:
    rng = np.random.default_rng(7)
    data, _ = linear_data(rng, 15, 0.3, 300)
    plain = search(correlation(data), 300, seed=1, strategy=strategy, iterations=20).dag
    shuffled = rng.permutation(15)
    scaled = data[:, shuffled] * rng.uniform(0.01, 100, 15) + 3.0
    other = search(correlation(scaled), 300, seed=1, strategy=strategy, iterations=20).dag
    np.testing.assert_array_equal(other, plain[np.ix_(shuffled, shuffled)])


@pytest.mark.parametrize("strategy", ["single", "polished"])
def test_threads_do_not_matter(strategy: Strategy) -> None:
    data, _ = linear_data(np.random.default_rng(8), 12, 0.3, 200)
    matrices = bootstrap_correlations(data, 8, 0)
    one = search_many(matrices, 200, threads=1, seed=5, strategy=strategy)
    two = search_many(matrices, 200, threads=2, seed=5, strategy=strategy)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    np.testing.assert_array_equal(one[0][3], search(matrices[3], 200, seed=8, strategy=strategy).dag)


def test_as_many_searches_at_once_as_the_process_may_use_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, workers: int) -> None:
            asked.append(workers)
            super().__init__(workers)

    monkeypatch.setattr("avexplore.graph.search.search.ThreadPoolExecutor", Pool)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    search_many(np.eye(2)[None], 10)
    monkeypatch.delenv("OMP_NUM_THREADS")
    search_many(np.eye(2)[None], 10)
    search_many(np.eye(2)[None], 10, threads=2)
    assert asked == [3, joblib.cpu_count(), 2]


def test_worker_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    workers = max(2, joblib.cpu_count())
    shares = joblib.Parallel(n_jobs=workers)(joblib.delayed(own_cores)() for _ in range(workers))
    assert shares == [1] * workers


def test_same_seed_same_result_also_when_memory_runs_out() -> None:
    data, _ = linear_data(np.random.default_rng(9), 12, 0.5, 300)
    R = correlation(data)
    orders = []
    for memory in (1, 1 << 24):
        state = order_search.begin(
            new_trees(R, 300, 1.0, memory=memory),
            np.arange(12),
            boss=True,
            grasp=True,
            depth=3,
            starts=4,
            perturbations=200,
            patience=40,
            strength=4,
            agreement=9,
            seed=2,
        )
        while not order_search.advance(state, 50):
            pass
        orders.append((state.found.max(), int(state.trees.counters[FORGOTTEN])))
    assert orders[0][1] > orders[1][1] == 1
    assert orders[0][0] == pytest.approx(orders[1][0], abs=1e-6)


def test_kept_parents_lead_to_the_same_end_however_little_memory_there_is() -> None:
    data, _ = linear_data(np.random.default_rng(9), 12, 0.5, 300)
    R = correlation(data)
    order, parents = np.arange(12), np.zeros((12, 1), np.int64)
    ends = []
    for memory, steps in ((1, 1), (1 << 24, 1000)):
        sets = new_parent_sets(R, 300, 1.0, memory=memory)
        state = perturbation.begin(sets, order, parents, most_made=10**9, patience=100, strength=4, seed=2)
        while not perturbation.advance(state, steps):
            pass
        ends.append((state.score[0], state.best_order.tolist(), perturbation.best_parents(state).tolist()))
        assert (sets.counters[parent_sets.FORGOTTEN] > 1) == (memory == 1)
    assert ends[0] == ends[1]
    dag = unpack(perturbation.best_parents(state), 12).T.astype(np.int8)
    assert ends[0][0] == pytest.approx(bic_score(R, 300, dag, 1.0), abs=1e-8)


def test_kept_parents_start_from_what_they_are_given_and_never_end_below() -> None:
    for seed in range(5):
        data, _ = linear_data(np.random.default_rng(seed), 20, 0.5, 200)
        R = correlation(data)
        scores = [
            search(R, 200, seed=seed, strategy=s, iterations=60).score for s in ("single", "polished", "perturbed")
        ]
        assert scores == sorted(scores)


@pytest.mark.parametrize("strategy", ["single", "perturbed"])
@pytest.mark.parametrize("p", [1, 2, 70, 130])
def test_sizes_around_the_words_of_a_set(p: int, strategy: Strategy) -> None:
    data, _ = linear_data(np.random.default_rng(p), p, min(0.5, 2.0 / p), 400)
    R = correlation(data)
    result = search(R, 400, seed=1, strategy=strategy, iterations=5)
    assert result.dag.shape == (p, p)
    assert result.score == pytest.approx(bic_score(R, 400, result.dag, 2.0), abs=1e-5)


def awkward(kind: str) -> FloatArray:
    rng = np.random.default_rng(10)
    data = rng.normal(size=(200, 8))
    if kind == "constant":
        data[:, 2] = 4.0
    elif kind == "duplicated":
        data[:, 2] = data[:, 5]
    elif kind == "sum":
        data[:, 2] = data[:, 0] + data[:, 1]
    elif kind == "closed":
        data = np.exp(data)
        data /= data.sum(axis=1, keepdims=True)
    elif kind == "one-hot":
        data = np.eye(8)[rng.integers(8, size=200)]
    elif kind == "fewer rows than columns":
        data = data[:5]
    return data


@pytest.mark.parametrize("kind", ["constant", "duplicated", "sum", "closed", "one-hot", "fewer rows than columns"])
@pytest.mark.parametrize("strategy", ["iterated", "perturbed"])
def test_awkward_columns_neither_hang_nor_crash(kind: str, strategy: Strategy) -> None:
    data = awkward(kind)
    result = search(correlation(data), len(data), strategy=strategy, iterations=10)
    assert np.isfinite(result.score)
    dag_to_cpdag(result.dag)
    if kind == "constant":
        assert not result.dag[2].any()
        assert not result.dag[:, 2].any()


def test_rivals_are_other_classes_within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = linear_data(np.random.default_rng(13), 14, 0.6, 60)
    R = correlation(data)
    result = search(R, 60, strategy="iterated", penalty_discount=1.0)
    assert len(result.rivals) >= 2
    assert (result.rival_scores < result.score).all()
    assert (np.diff(result.rival_scores) <= 0).all()
    for dag, score in zip(result.rivals, result.rival_scores, strict=True):
        assert bic_score(R, 60, dag, 1.0) == pytest.approx(score, abs=1e-6)
    for one, other in combinations([result.dag, *result.rivals], 2):
        assert shd(dag_to_cpdag(one), dag_to_cpdag(other)) > DISTINCT * result.dag.sum()

    halfway = (result.score - result.rival_scores[[0, -1]].mean()) / np.log(60)
    monkeypatch.setattr("avexplore.graph.search.search.REACH", halfway)
    near = search(R, 60, strategy="iterated", penalty_discount=1.0)
    assert 0 < len(near.rivals) < len(result.rivals)
    assert (near.rival_scores >= near.score - halfway * np.log(60)).all()
    monkeypatch.setattr("avexplore.graph.search.search.DISTINCT", 10.0)  # more than all pairs
    assert len(search(R, 60, strategy="iterated", penalty_discount=1.0).rivals) == 0


@pytest.mark.parametrize("strategy", ["iterated", "perturbed"])
def test_report_can_stop_a_search_at_once(strategy: Strategy) -> None:
    data, _ = linear_data(np.random.default_rng(12), 30, 0.3, 300)
    calls: list[float] = []

    def stop(fraction: float, message: str = "", **figures: float) -> None:
        calls.append(fraction)
        if len(calls) == 3:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        search(correlation(data), 300, strategy=strategy, iterations=100_000, report=stop)
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(Cancelled):
        search_many(bootstrap_correlations(data, 20, 0), 300, report=stop)
    assert len(calls) == 3


def test_a_search_in_depth_may_pause_anywhere() -> None:
    # four groups of four, every edge reversible: many tucks leave the score as it is
    rng = np.random.default_rng(13)
    data = rng.normal(size=(5000, 16)) + np.repeat(rng.normal(size=(5000, 4)), 4, axis=1)
    ends = []
    for steps in (1, 10_000):
        state = order_search.begin(
            new_trees(correlation(data), 5000, 2.0),
            np.arange(16),
            boss=False,
            grasp=True,
            depth=5,
            starts=1,
            perturbations=0,
            patience=1,
            strength=1,
            agreement=1,
            seed=3,
        )
        paused = 0
        while not order_search.advance(state, steps):
            paused += int(state.tucks.level[0] >= 0)
        ends.append((state.found.max(), state.orders.tolist(), paused > 0))
    assert ends[0][:2] == ends[1][:2]
    assert ends[0][2]


def test_refuses_what_it_cannot_search() -> None:
    with pytest.raises(ConfigError, match="positive"):
        search(np.eye(2), 10, penalty_discount=0.0)
    with pytest.raises(GraphError, match="finite"):
        search(np.full((2, 2), np.nan), 10)
    with pytest.raises(GraphError, match="each of 2"):
        search(np.eye(2), 10, initial_order=np.array([0, 0]))


@pytest.fixture(scope="module")
def published() -> tuple[FloatArray, int, Path]:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data" / "causalcmr"
    if not folder.is_dir():
        pytest.skip("real data is not on this machine")
    with np.load(folder / "prediction_500.npz") as file:
        table = np.concatenate([file["audio"], file["visual"]], axis=1).astype(np.float64)
    return correlation(table), len(table), folder


def test_score_of_the_published_graph(published: tuple[FloatArray, int, Path]) -> None:
    R, n, folder = published
    with (folder / "causal_500.csv").open(newline="") as file:
        edges = [(row["Cause"], row["Effect"]) for row in csv.DictReader(file)]
    names = [
        f"{modality}_{name}"
        for modality in ("audio", "visual")
        for name in (
            "Clock", "Motorcycle", "Train horn", "Bark", "Cat", "Bus", "Rodents", "Toilet flush", "Acoustic guitar",
            "Frying", "Chainsaw", "Horse", "Helicopter", "Infant cry", "Truck",
        )
    ]  # fmt: skip

    def index(node: str) -> int:
        found = [i for i, name in enumerate(names) if node.startswith(name)]
        assert len(found) == 1, node
        return found[0]

    assert len(edges) == 218
    dag = np.zeros((30, 30), np.int8)
    for cause, effect in edges:
        dag[index(cause), index(effect)] = 1
    assert bic_score(R, n, dag, 2.0) == pytest.approx(58_839.9, abs=0.1)


def test_kept_parents_pass_every_order_search_on_the_published_scores(
    published: tuple[FloatArray, int, Path],
) -> None:
    R, n, _ = published
    # iterated searches that grow parents anew end at 57,086.7 and 60,012.2 from every seed
    assert search(R, n, penalty_discount=4.0, strategy="polished", seed=0).score > 57_500
    assert search(R, n, penalty_discount=2.0, strategy="polished", seed=0).score > 60_140
    thorough = search(R, n, penalty_discount=4.0, strategy="perturbed", seed=0)
    assert thorough.score >= 57_640
    assert thorough.score == pytest.approx(bic_score(R, n, thorough.dag, 4.0), abs=1e-6)
