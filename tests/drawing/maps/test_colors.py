"""Colors that are told apart, by people with any color vision."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.drawing.class_graph.svg_marks import GROUPS
from avexplore.drawing.maps import colors

# Vienot, Brettel & Mollon (1999): what a deuteranope and a protanope see, in linear RGB
VISIONS = (
    np.eye(3),
    np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
    np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
)


@pytest.mark.parametrize(
    "palette",
    [
        *([colors.group(k)[side] for k in range(len(GROUPS))] for side in (0, 1)),
        *([pair[side] for pair in colors.ramp(6)] for side in (0, 1)),
    ],
)
def test_colors_are_far_apart_also_without_red_green_vision(palette: tuple[str, ...]) -> None:
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette]) ** 2.2
    for vision in VISIONS:
        screen = np.clip(rgb @ vision, 0, 1) ** (1 / 2.2)
        gaps = np.linalg.norm(screen[:, None] - screen[None, :], axis=2) + np.eye(len(palette))
        assert gaps.min() > 0.08


def test_groups_keep_their_colors_and_those_beyond_take_turns() -> None:
    assert colors.group(0) != colors.group(1)
    assert colors.group(len(GROUPS)) == colors.group(0)
    assert colors.group(-1) == colors.NEITHER
