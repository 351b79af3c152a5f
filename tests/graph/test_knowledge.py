from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avexplore.artifacts import class_nodes
from avexplore.config import KnowledgeConfig
from avexplore.errors import GraphError
from avexplore.graph.algebra.cpdag import dag_to_cpdag
from avexplore.graph.algebra.separation import is_acyclic
from avexplore.graph.knowledge import Knowledge, knowledge_masks, orient_with_knowledge, required_first

NODES = class_nodes(("A", "B"))


def test_each_kind_of_statement_becomes_a_mask() -> None:
    known = knowledge_masks(
        KnowledgeConfig(
            required=(("audio:A", "visual:A"),),
            forbidden=(("audio:B", "audio:A"),),
            forbidden_blocks=(("visual", "audio"),),
        ),
        NODES,
    )
    assert known.required.nonzero() == (np.array([0]), np.array([2]))
    assert known.forbidden[1, 0]
    assert known.forbidden[2:, :2].all()
    assert not known.forbidden[0].any()
    assert not known.empty
    assert knowledge_masks(KnowledgeConfig(), NODES).empty


def test_tiers_forbid_backwards_and_leave_the_rest_free() -> None:
    known = knowledge_masks(KnowledgeConfig(tiers=(("audio:A",), ("audio:B", "visual:B"))), NODES)
    assert set(zip(*known.forbidden.nonzero(), strict=True)) == {(1, 0), (3, 0)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"required": (("audio:A", "audio:C"),)}, "no node 'audio:C'"),
        ({"tiers": (("audio:C",),)}, "no node 'audio:C'"),
        ({"forbidden": (("audio:A", "audio:A"),)}, "cannot depend on itself"),
        ({"forbidden_blocks": (("audio", "text"),)}, "'text' is no modality"),
        (
            {"required": (("audio:A", "audio:B"),), "forbidden": (("audio:A", "audio:B"),)},
            "audio:A -> audio:B is required, but it is listed as forbidden",
        ),
        (
            {"required": (("audio:A", "audio:B"),), "tiers": (("audio:B",), ("audio:A",))},
            "is required, but audio:A is in tier 2 and audio:B in tier 1",
        ),
        (
            {"required": (("audio:A", "visual:A"),), "forbidden_blocks": (("audio", "visual"),)},
            "no audio node may point",
        ),
        ({"tiers": (("audio:A",), ("audio:A",))}, "audio:A is in tier 1 and in tier 2"),
        ({"required": (("audio:A", "audio:B"), ("audio:B", "audio:A"))}, "form a cycle: audio:. -> audio:. -> audio:."),
        (
            {"required": (("audio:A", "audio:B"), ("audio:B", "visual:A"), ("visual:A", "audio:A"))},
            "form a cycle: .*audio:B -> visual:A",
        ),
    ],
)
def test_contradictions_are_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GraphError, match=words):
        knowledge_masks(KnowledgeConfig(**changes), NODES)


def random_dag(p: int, rng: np.random.Generator) -> np.ndarray:
    dag = np.triu(rng.random((p, p)) < 0.55, 1)
    order = rng.permutation(p)
    return dag[np.ix_(order, order)].astype(np.int8)


def v_structures(dag: np.ndarray) -> set[tuple[int, int, int]]:
    p = len(dag)
    return {
        (a, c, b)
        for c in range(p)
        for a in range(p)
        for b in range(a + 1, p)
        if dag[a, c] and dag[b, c] and not dag[a, b] and not dag[b, a]
    }


def equivalent_dags(dag: np.ndarray) -> list[np.ndarray]:
    """All DAGs with the same skeleton and v-structures, by trying every orientation."""
    pairs = [tuple(pair) for pair in np.argwhere(np.triu(dag | dag.T))]
    found = []
    for flips in product([False, True], repeat=len(pairs)):
        other = np.zeros_like(dag)
        for (i, j), flip in zip(pairs, flips, strict=True):
            other[(j, i) if flip else (i, j)] = 1
        if is_acyclic(other) and v_structures(other) == v_structures(dag):
            found.append(other)
    return found


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_mpdag_is_the_union_of_all_dags_that_honor_the_knowledge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dag = random_dag(5, rng)
    required = (dag & (rng.random(dag.shape) < 0.2)).astype(bool)
    forbidden = (rng.random(dag.shape) < 0.25) & ~dag.astype(bool)
    known = Knowledge(forbidden | required.T, required)
    honoring = [
        other for other in equivalent_dags(dag) if not (other & known.forbidden).any() and (other >= required).all()
    ]
    expected = np.logical_or.reduce(honoring).astype(np.int8)
    np.testing.assert_array_equal(orient_with_knowledge(dag_to_cpdag(dag), known), expected)


def test_knowledge_against_a_compelled_edge_is_refused() -> None:
    collider = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], np.int8)
    forbidden = np.zeros((3, 3), bool)
    forbidden[0, 2] = True
    with pytest.raises(GraphError, match="cannot honor"):
        orient_with_knowledge(dag_to_cpdag(collider), Knowledge(forbidden, np.zeros((3, 3), bool)))


@given(st.integers(0, 10**6))
def test_an_order_is_changed_only_where_a_child_precedes_its_required_parent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(7), rng.permutation(7)
    required = (np.triu(rng.random((7, 7)) < 0.2, 1))[np.ix_(names, names)]
    found = required_first(order, required)
    assert sorted(found) == list(range(7))
    place = np.argsort(found)
    assert all(place[i] < place[j] for i, j in np.argwhere(required))
    np.testing.assert_array_equal(required_first(found, required), found)
    np.testing.assert_array_equal(required_first(order, np.zeros((7, 7), bool)), order)
    required[names[0], names[0]] = True
    with pytest.raises(GraphError, match="cycle"):
        required_first(order, required)
