"""Colors of points and of names on maps, each for light and for dark paper.

Everything here is meant to be told apart by people with any color vision, as far as so many colors can be; shapes,
names on the map and the facets' lines that light their points up say the same again.
"""

from __future__ import annotations

from collections.abc import Sequence

from avexplore.drawing.class_graph.svg_marks import GROUPS, mixed

Pair = tuple[str, str]
"""One color: on light paper, on dark paper."""

# Cividis (Nunez et al., 2018), light theme from pale to dark, dark theme from dim to bright: more = further from paper
_RAMP = (
    *(("#D9C55C", "#3D5A8C"), ("#ACA274", "#65718A"), ("#808179", "#87877A")),
    *(("#565C6C", "#ACA274"), ("#1F3B6E", "#D3C164"), ("#00224E", "#FEE838")),
)
NEITHER: Pair = ("#6B7783", "#9AA5AE")
"""Of what belongs to no group."""
AUDIO, VISUAL = ("#E69F00", "#E69F00"), ("#0072B2", "#56B4E9")


def group(number: int) -> Pair:
    """Color of the points of a group of classes, as on the class graph; -1 for none."""
    if number < 0:
        return NEITHER
    color = GROUPS[number % len(GROUPS)]
    return color, mixed(color, "#ffffff", 0.3)


def ink(number: int) -> Pair:
    """The same for names: darker on light paper, lighter on dark."""
    color = NEITHER[0] if number < 0 else GROUPS[number % len(GROUPS)]
    return mixed(color, "#000000", 0.3), mixed(color, "#ffffff", 0.6)


def ramp(steps: int) -> Sequence[Pair]:
    """So many colors from little to much, at most six.

    >>> ramp(2)
    [('#D9C55C', '#3D5A8C'), ('#00224E', '#FEE838')]
    """
    last = len(_RAMP) - 1
    return [_RAMP[round(k * last / (steps - 1))] for k in range(steps)]
