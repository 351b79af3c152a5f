"""The two kinds of figure that a report holds, as plain values: whatever draws them, draws the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avexplore.analysis import tables
from avexplore.artifacts import FloatArray


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes:
        name: As in the legend.
        x, y: Shape (n,).
        low, high: 95 % interval over seeds, empty without one. Shape (n,) or (0,).
        dashed: Drawn dashed, for what the others are compared with.
    """

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray = field(default_factory=lambda: np.zeros(0))
    high: FloatArray = field(default_factory=lambda: np.zeros(0))
    dashed: bool = False


@dataclass(frozen=True)
class Curves:
    """Lines over a common axis.

    Attributes:
        name: Of its files.
        title: A short sentence.
        caption: What it is made of, and what it does not say.
        x_label, y_label: Of the axes.
        curves: The lines.
        log_x: Whether the horizontal axis is logarithmic.
        view: Part that is shown at first, as (left, right, bottom, top); None shows all.
    """

    name: str
    title: str
    caption: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    log_x: bool = False
    view: tuple[float, float, float, float] | None = None

    def csv(self) -> str:
        """One row per point."""
        rows: list[Sequence[object]] = [("curve", self.x_label, self.y_label, "low", "high")]
        for curve in self.curves:
            bounds = (curve.low, curve.high) if len(curve.low) else (np.full(len(curve.x), np.nan),) * 2
            rows.extend((curve.name, *map(float, point)) for point in zip(curve.x, curve.y, *bounds, strict=True))
        return tables.as_csv(rows)


@dataclass(frozen=True)
class Heat:
    """A matrix of numbers in [0, 1].

    Attributes:
        name, title, caption: As in `Curves`.
        rows, columns: Names.
        values: Shape (rows, columns).
        scale: What the color says.
    """

    name: str
    title: str
    caption: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: FloatArray
    scale: str

    def csv(self) -> str:
        """The matrix with its names."""
        rows: list[Sequence[object]] = [("", *self.columns)]
        rows.extend((name, *map(float, values)) for name, values in zip(self.rows, self.values, strict=True))
        return tables.as_csv(rows)


Figure = Curves | Heat
