"""What a reader looks at before anybody has touched anything."""

from __future__ import annotations

from typing import Any

View = dict[str, Any]
FIRST_HIDDEN = ["ghost", "negative", "weak"]
"""What is hidden until the reader asks for it: links of the bootstraps alone; classes that avoid each other (LIR uses
positive dependencies only, and where the classes of a teacher compete, most others are that competition); and all but
the strongest."""


def first_view() -> View:
    """What is looked at before anybody has touched anything; a threshold of None lets the page choose."""
    return {
        "threshold": None,
        "hidden": list(FIRST_HIDDEN),
        "hideSameClass": False,
        "markCauses": False,
        "focus": None,
        "path": None,
        "selection": None,
        "search": "",
        "camera": None,
    }
