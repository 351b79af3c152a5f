"""Figures, settings tried and the two ranked lists, as a component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avexplore.analysis import clip_labels
from avexplore.analysis.ranked_answers import kinds_of
from avexplore.drawing.answers.payload import kinds
from avexplore.retrieval import rank
from avexplore.tuning.counts import TOP
from avexplore.tuning.reading import FIGURES, differences
from avexplore.ui.shell.component import component

if TYPE_CHECKING:
    from avexplore.artifacts import Clips, Embeddings, IntArray, RetrievalReport

_FOLDER = Path(__file__).parent / "frontend"
TITLES: Mapping[str, tuple[str, str]] = {
    "map": ("MAP", "Mean average precision: answers of the query's annotated class are relevant"),
    "any_label_map": ("Any-label MAP", "Answers that share any true label with the query are relevant"),
    "hidden_pair_ap": ("Hidden-pair AP", "Only answers that share a true label which nobody annotated are relevant"),
}
MOST_OTHERS = 4
"""So many true classes that nobody annotated are named of a clip."""


def draw(
    key: str,
    on_act: Callable[[], None],
    *,
    query: Mapping[str, str],
    counts: str,
    lists: Sequence[Mapping[str, Any]],
    version: str,
    figures: Sequence[Mapping[str, Any]] = (),
    tried: Sequence[Mapping[str, Any]] = (),
    axes: Sequence[str] = ("", ""),
    again: str = "",
) -> None:
    """Show a board; `again` makes the browser ask once more after a moment.

    In `st.session_state[key]`, inside `on_act`: `back` (settings to go back to) or `clip` (a row).
    """
    data = {
        "figures": list(figures),
        "tried": list(tried),
        "axes": list(axes),
        "query": dict(query),
        "counts": counts,
        "lists": list(lists),
        "kinds": {kind["name"]: kind for kind in kinds()},
        "version": version,
        "again": again,
    }
    component("tune_board", "board", _FOLDER)(
        data=data,
        key=key,
        default={"again": None},
        on_again_change=lambda: None,
        on_back_change=on_act,
        on_clip_change=on_act,
    )


def figures(report: RetrievalReport, others: Mapping[str, RetrievalReport]) -> list[dict[str, Any]]:
    """The three figures with their differences to others, by the name of each."""
    gaps = {to: differences(report, other) for to, other in others.items()}
    return [
        {
            "name": TITLES[name][0],
            "help": TITLES[name][1],
            "value": f"{report.metrics[name]:.4f}",
            "deltas": [
                {"value": gap[name], "text": f"{gap[name]:+.4f}", "to": f"to {to}"}
                for to, gap in gaps.items()
                if name in gap
            ],
        }
        for name in FIGURES
        if name in report.metrics
    ]


def ranked(embeddings: Embeddings, query: int, direction: int) -> IntArray:
    """All clips, best answer first, for one clip as the query. Shape (n,)."""
    both = embeddings.audio, embeddings.visual
    asks, answers = both if direction == 0 else both[::-1]
    order: IntArray = rank(asks[[query]], answers).indices[0]
    return order


def lists(clips: Clips, query: int, orders: Sequence[IntArray], titles: Sequence[str]) -> list[dict[str, Any]]:
    """The first answers of two rankings, with how far each moved from the first to the second."""
    kind_of = kinds_of(clips, query, np.arange(len(clips.hard_label)))
    places = np.argsort(orders[0], kind="stable")
    found = []
    for side, (order, title) in enumerate(zip(orders, titles, strict=True)):
        rows = []
        for place, clip in enumerate(order[:TOP]):
            name, also = words_of(clips, int(clip))
            moved = int(places[clip]) - place
            move = "" if not side else "=" if not moved else f"{'▲' if moved > 0 else '▼'}{abs(moved)}"
            own = " · the query's other half" if clip == query else ""
            rows.append(
                {
                    "clip": int(clip),
                    "kind": kind_of[int(clip)],
                    "name": name,
                    "also": also,
                    "id": clip_labels.clip_name(clips, int(clip)) + own,
                    "move": move,
                }
            )
        good = sum(row["kind"] in ("relevant", "related") for row in rows)
        found.append({"title": title, "note": f"{good} of {len(rows)} share a class", "rows": rows})
    return found


def words_of(clips: Clips, clip: int) -> tuple[str, str]:
    """A clip's annotated class, and the true ones that nobody annotated."""
    own = int(clips.hard_label[clip])
    if clips.true_labels is None:
        return clips.classes[own], ""
    others = [clips.classes[int(c)] for c in np.flatnonzero(clips.true_labels[clip]) if c != own]
    more = f" and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
    return clips.classes[own], " ".join(f"+ {name}" for name in others[:MOST_OTHERS]) + more
