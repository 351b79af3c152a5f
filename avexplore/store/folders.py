"""Where avexplore keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

import avexplore


def home() -> Path:
    """The one data folder: `AVEXPLORE_HOME`, or the platform's default for user data."""
    if chosen := os.environ.get("AVEXPLORE_HOME"):
        return Path(chosen).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_data_dir("avexplore", appauthor=False))


def checkout() -> Path:
    """The folder that holds the package: in a checkout also `app.py`, `pages/` and `models/`."""
    return Path(avexplore.__file__).resolve().parents[1]


def shipped_models() -> Path:
    """The read-only results that come with avexplore: `AVEXPLORE_MODELS`, or `models/` beside the package."""
    chosen = os.environ.get("AVEXPLORE_MODELS")
    return Path(chosen).expanduser().resolve() if chosen else checkout() / "models"
