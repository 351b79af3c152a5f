"""Compiled code is kept where it belongs, and no constant makes it compile twice."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.graph.compiled import bitset, numba_cache, randomness
from avexplore.graph.search import (
    boss,
    grasp,
    grow_shrink,
    order_search,
    parent_sets,
    permutation,
    perturbation,
    regression,
    warm_up,
)
from avexplore.graph.search.search import search


def test_every_module_with_compiled_functions_counts_for_the_cache() -> None:
    graph = Path(numba_cache.__file__).parents[1]
    users = {file.parent for file in graph.rglob("*.py") if "@compiled" in file.read_text(encoding="utf-8")}
    assert graph / "search" in users
    assert users <= {graph / room for room in numba_cache.ROOMS}


def test_each_function_is_compiled_once() -> None:
    search(np.eye(3), 10, strategy="polished")
    modules = (bitset, boss, grasp, grow_shrink, order_search, parent_sets, permutation, perturbation)
    for module in (*modules, randomness, regression):
        for name, function in vars(module).items():
            assert len(getattr(function, "signatures", ())) <= 1, name


def test_is_compiled_after_a_warm_up() -> None:
    warm_up.warm_up()
    assert numba_cache.is_compiled()
    assert numba_cache.cache_folder().is_dir()


def test_old_folders_are_forgotten(tmp_path: Path) -> None:
    for k in range(numba_cache.KEPT_FOLDERS + 3):
        (tmp_path / str(k)).mkdir()
    numba_cache._forget_old(tmp_path)
    assert len(list(tmp_path.iterdir())) == numba_cache.KEPT_FOLDERS


def test_random_numbers_are_even_and_repeat(from_python: Callable[[Any], Any]) -> None:
    below = from_python(randomness.below)
    state = np.array([5], np.int64)
    drawn = np.array([below(7, state) for _ in range(14_000)])
    assert set(drawn) == set(range(7))
    assert np.bincount(drawn) == pytest.approx(2000, rel=0.1)
    again = np.array([5], np.int64)
    assert [below(7, again) for _ in range(20)] == drawn[:20].tolist()


def test_packed_sets_hold_their_elements(from_python: Callable[[Any], Any]) -> None:
    contains, pop = from_python(bitset.contains), from_python(bitset.pop)
    rng = np.random.default_rng(0)
    matrix = rng.random((4, 150)) < 0.3
    sets = bitset.pack(matrix)
    for row in range(4):
        assert [bool(contains(sets, row, x)) for x in range(150)] == matrix[row].tolist()
        assert [pop(sets, row) for _ in range(matrix[row].sum() + 1)] == [*np.flatnonzero(matrix[row]), -1]


PLAIN = """
import numpy as np
from avexplore.graph.compiled.numba_cache import IS_PLAIN, borrow, entry_point
from avexplore.graph.compiled.randomness import below

@entry_point
def draw(owned, count):
    state = borrow(owned)
    total = 0
    for _ in range(count):
        total = 10 * total + below(10, state[0])
    return total

print(IS_PLAIN, draw((np.array([5], np.int64),), 12))
"""


def test_plain_numba_compiles_the_same(tmp_path: Path) -> None:
    script = tmp_path / "draw.py"
    script.write_text(PLAIN, "utf-8")
    said = []
    for plain in ("", "1"):
        environment = {**os.environ, "AVEXPLORE_PLAIN_NUMBA": plain, "AVEXPLORE_COMPILED": str(tmp_path / "kept")}
        run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
        said.append(run.stdout.split())
    assert [is_plain for is_plain, _ in said] == ["False", "True"]
    assert said[0][1] == said[1][1]
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_no_compiled_function_counts_an_index_from_the_end() -> None:
    """Where `whole_program` is at work, a negative index reads what lies before the array."""
    looked_at = 0
    for file in Path(numba_cache.__file__).parents[1].rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            if not {"compiled", "entry_point"} & {ast.unparse(one) for one in function.decorator_list}:
                continue
            looked_at += 1
            for node in ast.walk(function):
                if isinstance(node, ast.Subscript):
                    ends = [end for end in ast.walk(node.slice) if isinstance(end, ast.UnaryOp)]
                    assert not any(isinstance(end.op, ast.USub) for end in ends), f"{file.name}: {ast.unparse(node)}"
    assert looked_at > 50
