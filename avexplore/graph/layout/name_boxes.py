"""How much room a class takes on paper: its sign with its name below, as a box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avexplore.artifacts import FloatArray, IntArray

FONT = 16.0
"""Size of the letters before a layout scales them; all other sizes are relative to it."""
LINE = 1.12
"""Height of a line over the size of its letters."""
_WIDTHS = (
    "20 29 43 50 50 82 61 25 30 30 42 50 25 31 25 35 50 50 50 50 50 50 50 50 50 50 25 25 50 50 50 42 85 54 59 57 61 53 "
    "49 62 65 26 48 58 49 73 65 66 57 66 57 53 54 64 51 79 51 48 54 30 35 30 50 50 54 50 55 46 55 50 29 50 54 25 25 49 "
    "25 83 55 54 55 55 35 42 34 54 47 72 45 47 42 30 24 30 50"
)
_WIDTH = {chr(32 + k): int(text) / 100 for k, text in enumerate(_WIDTHS.split())}
"""Advance widths of Source Sans over the size of the letters, ASCII from the space on; measured in Chromium."""


def text_width(text: str) -> float:
    """Width of a text over the size of its letters, a little more than it needs.

    >>> round(text_width("Car"), 1)
    1.5
    """
    return 1.04 * sum(_WIDTH.get(letter, 0.62 if ord(letter) < 0x2E80 else 1.0) for letter in text)


def wrapped(label: str, width: int = 13, lines: int = 2) -> list[str]:
    """A class name in at most a few short lines.

    >>> wrapped("Acoustic guitar"), wrapped("Cat"), wrapped("a" * 40)
    (['Acoustic', 'guitar'], ['Cat'], ['aaaaaaaaaaaaaaa…'])
    """
    found = [""]
    for word in label.split():
        if found[-1] and len(found[-1]) + 1 + len(word) > width:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    longest = width + 3
    return [line if len(line) <= longest else line[: longest - 1] + "…" for line in found]


def radii(support: IntArray | None, count: int) -> FloatArray:
    """Half the height of each sign, by the number of clips of its class, for letters of size `FONT`. Shape (C,)."""
    if support is None or not len(support) or not support.max():
        return np.full(count, 12.0)
    found: FloatArray = 9.0 + 7.0 * np.sqrt(np.asarray(support, float) / float(support.max()))
    return found


def boxes(names: Sequence[str], radius: FloatArray) -> FloatArray:
    """Left, top, right, bottom of each sign with its name, relative to the middle of the sign. Shape (C, 4)."""
    found = np.zeros((len(names), 4))
    for k, (name, r) in enumerate(zip(names, radius, strict=True)):
        lines = wrapped(name)
        half = max(FONT * max(map(text_width, lines)), 2 * r) / 2 + 4
        found[k] = -half, -r - 3, half, r + 4 + LINE * FONT * len(lines)
    return found
