"""First a quick search, then better ones behind it: a slider answers at once, and the better graphs follow."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.errors import AvexploreError, Cancelled
from avexplore.graph.search.engines import drafts_of
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.artifacts import Report
    from avexplore.config import GraphConfig
    from avexplore.workbench import Workbench

POLL_SECONDS = 0.3


class Refiner:
    """One thread that makes the graphs that visitors asked for last; what nobody waits for any more is given up."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._wanted: dict[str, GraphConfig] = {}
        self._failed: dict[str, str] = {}
        self._guard = threading.Condition()
        threading.Thread(target=self._work, name="avexplore-refine", daemon=True).start()

    def want(self, visitor: str, config: GraphConfig) -> None:
        """Make this graph for a visitor, instead of what that visitor wanted before."""
        with self._guard:
            self._wanted[visitor] = config
            self._guard.notify()

    def best_draft(self, drafts: tuple[GraphConfig, ...]) -> GraphConfig:
        """The last of them that is there; the first, some ten milliseconds of work, if none is."""
        made = [draft for draft in drafts if self.is_done(draft) and draft.address not in self._failed]
        return made[-1] if made else drafts[0]

    def is_done(self, config: GraphConfig) -> bool:
        """Whether the graph is there, or has failed and asking for it says how."""
        return config.address in self._failed or not self._workbench.plan(config)

    def _work(self) -> None:
        while True:
            with self._guard:
                self._guard.wait_for(lambda: self._wanted)
                config = next(iter(self._wanted.values()))
            try:
                for step in (*drafts_of(config)[1:], config):
                    self._workbench.get(step, self._go_on_with(config))
            except Cancelled:
                continue
            except AvexploreError as error:
                self._failed[config.address] = str(error)
            with self._guard:
                self._wanted = {who: wanted for who, wanted in self._wanted.items() if wanted != config}

    def _go_on_with(self, config: GraphConfig) -> Report:
        def report(fraction: float, message: str = "", **figures: float) -> None:
            if config not in self._wanted.values():
                raise Cancelled("Another graph was asked for")

        return report


@st.cache_resource(show_spinner=False)
def refiner() -> Refiner:
    """The one refiner of this server."""
    return Refiner(session.server_workbench())


@st.fragment(run_every=POLL_SECONDS)
def redraw_when_refined(config: GraphConfig, shown: GraphConfig) -> None:
    """Redraw the page once there is a better graph than the one shown, a draft of `config`."""
    if refiner().is_done(config) or refiner().best_draft(drafts_of(config)) != shown:
        st.rerun()
    st.caption("A quick first graph; the thorough search follows in a moment.")
