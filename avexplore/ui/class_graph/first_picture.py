"""The class graph's first view as a vector graphic, which stands on the page until the live picture is there."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from avexplore.config import ClipsConfig, TeacherConfig
from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.layout_candidates import class_weights, soft_label_correlation, stored_weights
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.graph.layout.class_layout import lay_out
from avexplore.ui.class_graph.state import settings

if TYPE_CHECKING:
    from avexplore.workbench import Workbench
    from avexplore.workbench.runs import Run

_MARGIN = 24.0
"""What `to_svg` leaves around the classes, and the live picture does not."""
_LETTERS = 21.0
"""Pixels of a name's letters at most: `LETTERS` of camera.js."""


def first_picture(bench: Workbench, run: Run, *, is_compiled: bool) -> str:
    """What the page shows of a stored run at first, as SVG: the same links, the classes in the same places.

    Args:
        bench: Has the run.
        run: Of a teacher, with its stability stored.
        is_compiled: Whether for a machine whose search is compiled (`picture_pane.class_layout`).
    """
    from avexplore.analysis.pair_evidence import pair_evidence

    chosen, teacher = settings.stored(run), run.soft_labels
    assert isinstance(teacher, TeacherConfig)
    labels = bench.get(teacher).soft_labels
    graph, stability = bench.get(chosen.graph), bench.get(chosen.stability)
    support = class_support(labels)
    picture = build_picture(
        graph,
        stability,
        support=support,
        universe=teacher.address,
        probability=pair_evidence(labels, bench.get(ClipsConfig(teacher.data))).probability,
        correlation=soft_label_correlation(labels),
    )
    weights = class_weights(labels, teacher) if is_compiled else stored_weights(labels, stability)
    layout = lay_out(weights, labels.classes, support[: len(labels.classes)])
    svg = to_svg(picture, of_classes(layout, ""), first_threshold(picture), first_view()["hidden"], legend=False)
    svg = svg.replace('fill="#fff"/>', 'fill="none"/>', 1)  # the page's own ground shows
    return re.sub(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', partial(_fitted, _LETTERS / layout.font), svg, count=1)


def _fitted(largest: float, found: re.Match[str]) -> str:
    left, top, width, height = (float(number) for number in found.groups())
    width, height = width - 2 * _MARGIN, height - 2 * _MARGIN
    box = f'viewBox="{left + _MARGIN:g} {top + _MARGIN:g} {width:g} {height:g}"'
    return f'{box} style="max-width:{width * largest:.0f}px;max-height:{height * largest:.0f}px"'
