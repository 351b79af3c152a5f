"""A gallery prepared for queries of both students: exact at once, beyond a size by a faster index once it is built.

Up to `WHOLE` clips, all of the gallery is ranked for each query. Beyond, only the first answers are, from embeddings
that stay in their mapped files; and beyond `LARGE`, where FAISS is installed, inverted lists are built in the
background and take over, with their recall against the exact answers shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import streamlit as st

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import Direction
from avexplore.artifacts import Embeddings, FloatArray, IntArray
from avexplore.errors import AvexploreError
from avexplore.retrieval import LARGE, VectorIndex, faiss_installed
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import session

Search = Literal["exact", "ivf", "hnsw"]
SEARCHES: Mapping[Search, str] = {"exact": "Exact", "ivf": "Inverted lists", "hnsw": "Graph (HNSW)"}
T = TypeVar("T")
_PROBES = 40
"""So many queries tell the recall."""


@dataclass(frozen=True)
class Built:
    """An index over each of both embeddings.

    Attributes:
        indexes: Of the left and of the right list.
        recall: Share of the exact first ten answers that each finds.
        seconds: What building them took.
    """

    indexes: tuple[VectorIndex, VectorIndex]
    recall: tuple[float, float]
    seconds: float


class Gallery:
    """What may be an answer, in both students' embeddings; one for all visitors.

    Args:
        sides: Both embeddings of the answering modality, perhaps memory-mapped. Shape (n, d) each.
        asking: The asking modality's, from which the recall's queries are drawn.
        rows: The clips that may be answers. Shape (g,).
        folder: Where inverted lists are kept while the app runs.
    """

    def __init__(
        self,
        sides: tuple[FloatArray, FloatArray],
        asking: tuple[FloatArray, FloatArray],
        rows: IntArray,
        folder: Path,
    ) -> None:
        self.rows, self._folder = rows, folder
        self._sides, self._asking = sides, asking
        before, after = (VectorIndex(side, rows=rows) for side in sides)
        self.exact = Built((before, after), (1.0, 1.0), 0.0)
        self._built: dict[Search, Built | str | None] = {"exact": self.exact}
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self.rows)

    def built(self, search: Search) -> Built | str | None:
        """The index, why it could not be built, or None while it is being built (which this call begins)."""
        with self._guard:
            if search not in self._built:
                self._built[search] = None
                threading.Thread(target=self._build, args=(search,), daemon=True).start()
            return self._built[search]

    def _build(self, search: Literal["ivf", "hnsw"]) -> None:
        began = time.monotonic()
        outcome: Built | str
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            before, after = (VectorIndex(side, search, rows=self.rows, folder=self._folder) for side in self._sides)
            probes = np.random.default_rng(0).choice(self.rows, min(2 * _PROBES, len(self.rows)), replace=False)
            # One half of them chooses how much is searched, the other tells what that finds.
            choosing, telling = np.sort(probes[::2]), np.sort(probes[1::2])
            recall = [1.0, 1.0]
            for side, (index, asking) in enumerate(zip((before, after), self._asking, strict=True)):
                index.tune(np.asarray(asking[choosing]))
                recall[side] = index.recall(np.asarray(asking[telling]))
            outcome = Built((before, after), (recall[0], recall[1]), time.monotonic() - began)
        except (AvexploreError, OSError, RuntimeError, MemoryError) as error:
            outcome = f"This index could not be built: {error}"
        self._built[search] = outcome


def prepared(loaded: LoadedRun, split: str, direction: Direction) -> Gallery:
    """The gallery of one split, asked in one direction."""
    return _prepared(
        f"{loaded.pair}-{split}-{direction}", loaded.before, loaded.after, loaded.clips.rows(split), direction
    )


@st.cache_resource(show_spinner="Looking through the gallery …", max_entries=2)
def _prepared(address: str, _before: Embeddings, _after: Embeddings, _rows: IntArray, _direction: Direction) -> Gallery:
    asks, gives = ("audio", "visual") if _direction == "audio-to-visual" else ("visual", "audio")
    both = (_before, _after)
    sides, asking = ([getattr(e, name) for e in both] for name in (gives, asks))
    folder = session.workbench().store.root / "indexes"
    return Gallery((sides[0], sides[1]), (asking[0], asking[1]), _rows, folder)


def choose(count: int) -> Search:
    """How to search a gallery of so many clips, by a widget where there is a choice."""
    if not faiss_installed():
        return "exact"
    default: Search = "ivf" if count > LARGE else "exact"
    chosen: Search = st.segmented_control(
        "Search", list(SEARCHES), format_func=lambda name: SEARCHES[name], default=default, key="search",
        bind="query-params", required=True,
        help="Exact compares the query with every clip. Inverted lists and the graph look at a part of them, which is "
        "faster and may miss answers; how many they miss is measured and shown.",
    )  # fmt: skip
    return chosen


def searched(gallery: Gallery, search: Search, ask: Callable[[tuple[VectorIndex, VectorIndex]], T]) -> T:
    """Asks the chosen index, or the exact one while that is not there, and says which and how well it answered."""
    found = gallery.built(search)
    use = found if isinstance(found, Built) else gallery.exact
    began = time.perf_counter()
    answers = ask(use.indexes)
    took = 1e3 * (time.perf_counter() - began)
    said = f"{len(gallery):,} clips searched for both lists in {took:.0f} ms"
    if isinstance(found, str):
        st.warning(f"{as_markdown(found)} The answers below are exact.")
    elif found is None:
        _wait(gallery, search)
        st.caption(f"{said}, exactly; the index takes over when it is built.")
    elif search == "exact":
        st.caption(f"{said}, exactly." + ("" if faiss_installed() else " Install avexplore[faiss] for a faster index."))
    else:
        finds = " and ".join(f"{share:.1%}" for share in found.recall)
        st.caption(
            f"{said} by {SEARCHES[search].lower()}, which find {finds} of the exact first ten answers "
            f"({_PROBES} queries tried)."
        )
    return answers


@st.fragment(run_every=1.0)
def _wait(gallery: Gallery, search: Search) -> None:
    if gallery.built(search) is not None:
        st.rerun()
    st.caption(f":material/hourglass_top: Building the index: {SEARCHES[search].lower()} …")
