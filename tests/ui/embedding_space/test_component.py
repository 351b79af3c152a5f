"""What comes from the browser is not believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from avexplore.drawing.maps.facets import Entry, Facet
from avexplore.ui.embedding_space import component, selection
from avexplore.ui.embedding_space.component import Touched


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, Touched()),
        (
            {"picked": {"point": 3, "turn": 2}, "selection": {"points": [1, 2]}, "filter": {"class": [0, 4]}},
            Touched(3, (1, 2), {"class": (0, 4)}, turn=2),
        ),
        ({"picked": {"point": None, "turn": 4}, "color": "drift", "camera": [2, 0, -1.5]},
         Touched(color="drift", camera=(2.0, 0.0, -1.5), turn=4)),
        ({"picked": {"point": True, "turn": True}, "selection": {"points": "12"}, "filter": "x"}, Touched()),
        ({"picked": {"point": -1, "turn": -1}, "selection": [1], "filter": {"a": [-1, "0", 2]}},
         Touched(filters={"a": (2,)})),
        ({"picked": 7, "selection": {"points": [1.5, None, 4]}, "filter": {}}, Touched(None, (4,), {})),
        ({"picked": {"point": "7", "turn": [1]}, "color": 3, "camera": [1, "2", 3]}, Touched()),
        ({"camera": [1, 2]}, Touched()),
        ({"camera": [float("inf"), 0, 0]}, Touched()),
    ],
)  # fmt: skip
def test_a_browsers_state_is_read_without_trust(state: dict[str, Any], expected: Touched) -> None:
    assert component.touched(SimpleNamespace(**state)) == expected


def facet(name: str, count: int, code: list[int]) -> Facet:
    return Facet(name, name, tuple(Entry(str(k), ("#000000", "#ffffff")) for k in range(count)), np.array(code))


FACETS = (facet("class", 3, [0, 1, 2]), facet("drift", 2, [0, 1, 0, 1, 1, 1]))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", {}),
        ("class.0.2~drift.1", {"class": (0, 2), "drift": (1,)}),
        ("class.2.2.0", {"class": (0, 2)}),
        ("class.3~drift.-1~other.0~class", {}),
        ("class.²~drift.99999999999999999999", {}),
        ("~~..~class.", {}),
    ],
)
def test_filters_of_an_address_are_read_without_trust(word: str, expected: dict[str, tuple[int, ...]]) -> None:
    assert selection.read(word, FACETS) == expected
    assert selection.read(selection.written(expected), FACETS) == expected


@pytest.mark.parametrize(
    ("filters", "selected", "expected"),
    [
        ({}, (), [0, 1, 2, 3, 4, 5]),
        ({"class": (0, 2)}, (), [0, 2, 3, 5]),
        ({"class": (0, 2), "drift": (1,)}, (), [3, 5]),
        ({"class": (0, 2)}, (0, 1), [0]),
        ({"drift": (0,)}, (1,), []),
    ],
)
def test_points_are_chosen_by_every_facet_and_the_lasso(
    filters: dict[str, tuple[int, ...]], selected: tuple[int, ...], expected: list[int]
) -> None:
    choice = selection.Choice(None, selected, filters, "", ())
    assert choice.points(FACETS, 6).tolist() == expected
