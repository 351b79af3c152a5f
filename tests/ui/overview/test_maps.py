"""The small maps of the opening page: what goes to the browser."""

from __future__ import annotations

import json

import numpy as np

from avexplore.artifacts import Projection
from avexplore.ui.overview import maps

PALETTE = [["#111111", "#222222", "#999999"]] * 4


def projection(m: int, seed: int = 0) -> Projection:
    rng = np.random.default_rng(seed)
    before, after = (rng.normal(size=(2 * m, 2)).astype(np.float32) for _ in range(2))
    return Projection(before=before, after=after, rows=np.arange(m), metrics={}, drift=np.zeros(2 * m), method="umap")


def test_points_lie_in_the_pane_and_names_at_points() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = maps.pack(projection(6), labels, ("A", "<b>B</b>", "C"), np.array([0, 1, -1]), PALETTE)
    points = np.array(found["points"])
    assert points.shape == (12, 4)
    assert points.min() >= 0
    assert points.max() <= 1
    assert [name["text"] for name in found["names"]] == ["A", "<b>B</b>", "C"], "the largest class first"
    for name in found["names"]:
        own = points[[i for i, label in enumerate(np.tile(labels, 2)) if ("A", "<b>B</b>", "C")[label] == name["text"]]]
        assert name["at"][:2] in own[:, :2].tolist()
        assert name["at"][2:] in own[:, 2:].tolist()
    assert found["colors"] == [0, 0, 0, 1, 1, 2] * 2, "no group is the last color"
    assert json.loads(json.dumps(found)) == found | {"titles": list(found["titles"])}


def test_of_very_many_clips_some_are_drawn_and_equal_content_has_one_version() -> None:
    m = maps.MOST_POINTS
    labels, names = np.zeros(m, int), ("A",)
    one, other = (maps.pack(projection(m), labels, names, np.array([0]), PALETTE) for _ in range(2))
    assert len(one["points"]) == maps.MOST_POINTS
    assert one["version"] == other["version"]
    assert one["version"] != maps.pack(projection(m, 1), labels, names, np.array([0]), PALETTE)["version"]
