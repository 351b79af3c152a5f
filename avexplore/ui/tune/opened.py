"""What the page holds for all visitors of a server: one `Tuning` and its maps for each run."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.tuning.live_graphs import LiveGraphs
from avexplore.tuning.live_maps import LiveMaps
from avexplore.tuning.reading import open_run
from avexplore.tuning.tuning import Tuning
from avexplore.tuning.warm_training import WarmTrainer
from avexplore.ui.shell import session

FIRST_DRAWING = 1.5
"""Seconds that a page takes to be drawn: compiling holds the interpreter's lock, and can wait for them."""

if TYPE_CHECKING:
    from avexplore.config import StudentConfig


@dataclass(frozen=True)
class Opened:
    """A run that is being tuned."""

    tuning: Tuning
    maps: LiveMaps


@st.cache_resource(show_spinner=False)
def _graphs() -> LiveGraphs:
    return LiveGraphs()


@st.cache_resource(show_spinner=False, on_release=WarmTrainer.end)
def warm_trainer() -> WarmTrainer:
    """The one training process of this server; it is started when it is first needed."""
    return WarmTrainer()


@st.cache_resource(show_spinner="Opening the run for tuning", max_entries=6)
def opened(key: str, _student: StudentConfig) -> Opened:
    """Open a stored run, once per server.

    Args:
        key: The run's short address.
        _student: The run's student.

    Raises:
        AvexploreError: If something of the run is not stored.
    """
    bench = session.server_workbench()
    tuning = Tuning(bench, open_run(bench, _student), _graphs())
    _ = tuning.telling_queries  # the first reading imports and compiles; no visitor's slider shall wait for it
    found = Opened(tuning, LiveMaps(bench, tuning.run))
    threading.Thread(target=_warm_up, args=(found,), name="avexplore-tune", daemon=True).start()
    # Streamlit collects garbage after each pass; what the run's libraries have brought is none.
    gc.collect()
    gc.freeze()
    return found


def _warm_up(found: Opened) -> None:
    """What the first changed setting would wait for: the graph search, then UMAP. The page is drawn first."""
    from avexplore.graph.search.warm_up import compile_in_background

    time.sleep(FIRST_DRAWING)
    compile_in_background().join()
    found.maps.prepare()
    gc.collect()
    gc.freeze()
