"""A player of one clip's sound or video. Whether a browser plays a file, the browser tells: they differ."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Literal

import streamlit as st

from avexplore.ui.shell.component import component

_FOLDER = Path(__file__).parent / "frontend"
_WIDTH = 640
"""Pixels at most: wider, a player's buttons leave the window."""
_CONVERT = "Convert it to MP4 (H.264 and AAC) or WebM"


def draw(
    path: Path, kind: Literal["video", "sound"], *, key: str, start: float | None, end: float | None, poster: str = ""
) -> None:
    """Show the player; where the browser does not play the file, its picture and a sentence.

    Args:
        path: The file.
        kind: What it is.
        key: Tells the page's players apart.
        start, end: The part to play, in seconds; None for the file's own ends.
        poster: What stands for a video that does not play, as a `data:` address; "" for nothing.
    """
    family, tag = ("video", st.video) if kind == "video" else ("audio", st.audio)
    told = mimetypes.guess_type(path.name)[0] or ""
    with st.container(gap="xsmall", width=_WIDTH):
        tag(path, format=told if told.startswith(f"{family}/") else f"{family}/{'mp4' if kind == 'video' else 'wav'}")
        component("player", "player", _FOLDER)(
            key=f"player-{key}",
            height="content",
            data={
                "start": start or 0.0,
                "end": end,
                "poster": poster,
                "unplayed": f"This browser does not play {path.name}. {_CONVERT}.",
                "unseen": f"This browser plays the sound of {path.name} alone. {_CONVERT} to see it.",
            },
        )
