"""The maps before and after LIR, in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from avexplore.analysis.class_medoids import class_medoids
from avexplore.artifacts import MODALITIES
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import class_groups
from avexplore.drawing.maps.svg import to_svg
from avexplore.drawing.one_module import front_end
from avexplore.notebook.front_end import AppWidget, widget_source

if TYPE_CHECKING:
    from avexplore.analysis.loaded_run import LoadedRun
    from avexplore.artifacts import BoolArray, GraphStability, Projection

_VIEW = front_end("view", packed.FRONTEND)
_HEIGHT = "\n.stage { --tall: 440px; }"


class MapsWidget(AppWidget):
    """Two maps of the same clips, as on the app's page: lasso, filter by facets, color, morph, pick.

    Both traits work in both directions: they change as the reader draws and clicks, and the maps follow what is
    assigned.

    Args:
        run: A student beside its twin; `avexplore.reporting.whole_run` makes one.
        projection: Maps of (some of) its clips.
        stability: How often bootstraps link its classes; the colors of groups of classes follow it, if known.

    Attributes:
        selection: Rows of the clips that the lasso and the facets leave, in order; none while all are shown.
        picked: Modality and row of the clip that was clicked, such as ("audio", 12), or nothing.
    """

    _esm = widget_source(_VIEW | {"css": _VIEW["css"] + _HEIGHT})
    _data = traitlets.Bytes().tag(sync=True)
    selection = traitlets.Tuple().tag(sync=True)
    picked = traitlets.Tuple().tag(sync=True)

    def __init__(self, run: LoadedRun, projection: Projection, stability: GraphStability | None = None) -> None:
        self._run, self._projection = run, projection
        self._rows = np.asarray(projection.rows)
        self._place = {int(row): place for place, row in enumerate(self._rows)}
        self._facets = facets.of_run(run, projection, class_groups(run.soft_labels, stability))
        self._state: dict[str, Any] = {"selected": [], "filter": {}, "picked": -1, "turn": 0, "asked": 0}
        super().__init__(_data=packed.pack(packed.content_of(run, projection, self._facets)), _asked=dict(self._state))

    @traitlets.validate("selection")
    def _shown(self, proposal: Mapping[str, Any]) -> tuple[int, ...]:
        rows = tuple(sorted({int(row) for row in proposal["value"]}))
        if missing := [row for row in rows if row not in self._place]:
            raise traitlets.TraitError(f"The maps do not show the clips {missing[:5]}")
        return rows

    @traitlets.validate("picked")
    def _one(self, proposal: Mapping[str, Any]) -> tuple[str, int] | tuple[()]:
        value = tuple(proposal["value"])
        if not value:
            return ()
        if len(value) != 2 or value[0] not in MODALITIES or value[1] not in self._place:
            raise traitlets.TraitError(f'Pick a modality and a row of the maps, such as ("audio", 0), not {value!r}')
        return value[0], int(value[1])

    @traitlets.observe("_told")
    def _hear(self, _: Any) -> None:
        """What the reader does comes from a browser: what makes no sense changes nothing."""
        state, told = dict(self._state), self._told
        points, count = told.get("selection"), 2 * len(self._rows)
        if isinstance(points, Mapping) and isinstance(points.get("points"), list):
            state["selected"] = [p for p in points["points"] if packed.is_index(p) and p < count]
        elif "selection" in told and points is None:
            state["selected"] = []
        if isinstance(told.get("filter"), Mapping):
            entries = {facet.name: len(facet.entries) for facet in self._facets}
            state["filter"] = {
                name: [code for code in codes if packed.is_index(code) and code < entries[name]]
                for name, codes in told["filter"].items()
                if name in entries and isinstance(codes, list)
            }
        pick = told.get("picked")
        if isinstance(pick, Mapping) and packed.is_index(pick.get("turn")):
            point = pick.get("point")
            known = packed.is_index(point) and point < count
            state |= {"turn": pick["turn"], "picked": point if known else -1}
        self._state = state
        with self.hold_trait_notifications():
            self.selection, self.picked = self._rows_chosen(), self._clip_picked()
        # Under the old number: maps on screen know it already, those that come later begin with it.
        self._asked = dict(self._state)

    @traitlets.observe("selection", "picked")
    def _ask(self, _: Any) -> None:
        if self.selection != self._rows_chosen():
            places = [self._place[row] for row in self.selection]
            self._state |= {"filter": {}, "selected": [*places, *(len(self._rows) + place for place in places)]}
        elif self.picked == self._clip_picked():
            return
        picked = -1
        if self.picked:
            modality, row = self.picked
            picked = self._place[row] + MODALITIES.index(modality) * len(self._rows)
        self._state |= {"picked": picked, "asked": self._state["asked"] + 1}
        self._asked = dict(self._state)

    def _chosen(self) -> BoolArray | None:
        """Points that the lasso and every facet leave; None for all. Shape (2m,)."""
        passes = facets.let_through(self._facets, self._state["filter"], self._state["selected"], 2 * len(self._rows))
        return None if passes.all() else passes

    def _rows_chosen(self) -> tuple[int, ...]:
        chosen = self._chosen()
        if chosen is None:
            return ()
        either = chosen.reshape(2, -1).any(axis=0)
        return tuple(sorted(int(row) for row in self._rows[either]))

    def _clip_picked(self) -> tuple[str, int] | tuple[()]:
        point = self._state["picked"]
        if point < 0:
            return ()
        modality, place = divmod(point, len(self._rows))
        return MODALITIES[modality], int(self._rows[place])

    def svg(self) -> str:
        """Both maps as a vector graphic, in the colors of the first facet."""
        clips = self._run.clips
        names = class_medoids(self._projection, np.asarray(clips.hard_label)[self._rows], len(clips.classes))
        return to_svg(self._projection, self._facets[0], names=names, classes=clips.classes, chosen=self._chosen())
