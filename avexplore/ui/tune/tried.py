"""Settings that a visitor has tried with a run, and the one that is pinned to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from avexplore.tuning.settings import WorkingSettings

if TYPE_CHECKING:
    from avexplore.tuning.reading import Reading
    from avexplore.tuning.tuning import Answer

MOST = 60
_TRIED, _PIN = "tune_tried", "tune_pin"


@dataclass(frozen=True)
class Pin:
    """A setting that is kept to compare with: what it did is kept, too, so that nothing of it is made again."""

    settings: WorkingSettings
    reading: Reading


def pinned(run: str) -> Pin | None:
    """What is pinned of a run."""
    key, pin = st.session_state.get(_PIN, ("", None))
    return pin if key == run else None


def pin(run: str, settings: WorkingSettings, answer: Answer) -> None:
    """Pin a setting as it is now."""
    st.session_state[_PIN] = run, Pin(settings, answer.reading)


def unpin() -> None:
    """Let the pinned setting go."""
    st.session_state.pop(_PIN, None)


def tried_so_far(run: str, settings: WorkingSettings, answer: Answer, pin: Pin | None) -> list[dict[str, Any]]:
    """Note what is looked at, and list all that was for the board, the newest last; empty without hidden labels.

    Of each: `set` (the settings as an address has them), `words`, `at` (MAP and hidden-pair AP), whether it is looked
    at `now`, and whether it is `pinned`.
    """
    metrics = answer.reading.report.metrics
    if "hidden_pair_ap" not in metrics:
        return []
    key, known = st.session_state.get(_TRIED, ("", {}))
    if key != run:
        known = {}
    text = settings.encode()
    words = ", ".join(settings.words()) or "as stored"
    known.pop(text, None)
    known[text] = words, (metrics["map"], metrics["hidden_pair_ap"])
    known = dict(list(known.items())[-MOST:])
    st.session_state[_TRIED] = run, known
    mark = None if pin is None else pin.settings.encode()
    return [
        {"set": name, "words": said, "at": at, "now": name == text, "pinned": name == mark}
        for name, (said, at) in known.items()
    ]
