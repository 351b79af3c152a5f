"""Colors that are told apart, by people with any color vision."""

from __future__ import annotations

import numpy as np
import pytest

from avexplore.drawing.maps import colors


@pytest.mark.parametrize(
    "palette",
    [
        colors.PALETTE_LIGHT,
        colors.PALETTE_DARK,
        *([pair[side] for pair in colors.ramp(6)] for side in (0, 1)),
    ],
)
def test_colors_are_far_apart_also_without_red_green_vision(palette: tuple[str, ...]) -> None:
    # Vienot, Brettel & Mollon (1999): what a deuteranope sees, in linear RGB
    seen = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette]) ** 2.2
    for view in (rgb, np.clip(rgb @ seen.T, 0, 1)):
        screen = view ** (1 / 2.2)
        gaps = np.linalg.norm(screen[:, None] - screen[None, :], axis=2) + np.eye(len(palette))
        assert gaps.min() > 0.08
