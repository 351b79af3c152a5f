"""Class names and clip ids as they come from files: cleaned of what could disturb a screen, never trusted.

Views treat names as plain text; nothing is escaped here, so a name reads the same everywhere.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.errors import DataError

# Cc control, Cf format (bidirectional overrides, zero-width), Cs surrogate, Co private, Cn unassigned, Zl/Zp separators
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(raw: object, *, where: str, limits: Limits = DEFAULT_LIMITS) -> str:
    r"""A name without control characters, with single spaces, in Unicode's composed form.

    Raises:
        DataError: If nothing is left, or the name is longer than allowed.

    >>> clean_name(b"Train\n  horn\x07", where="classes")
    'Train horn'
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    if len(text) > 8 * limits.name_characters:
        raise DataError(
            f"A name has {len(text):,} characters", where=where, fix=f"Use at most {limits.name_characters}"
        )
    text = unicodedata.normalize("NFC", text)
    # White space first becomes a space, so that a line break between two words leaves them apart.
    text = "".join(
        " " if c.isspace() else "" if c == "\ufffd" or unicodedata.category(c) in _DROPPED else c for c in text
    )
    text = " ".join(text.split())
    if not text:
        raise DataError("A name is empty", where=where, fix="Give every class and clip a name that can be read")
    if len(text) > limits.name_characters:
        raise DataError(
            f"A name has {len(text):,} characters: {text[:40]}…",
            where=where,
            fix=f"Use at most {limits.name_characters}",
        )
    return text


def clean_names(raw: Iterable[object], *, where: str, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """`clean_name` for each."""
    return tuple(clean_name(name, where=where, limits=limits) for name in raw)


def check_unique(names: Sequence[str], *, where: str) -> None:
    """Refuse repeats.

    Raises:
        DataError: If a name occurs twice.
    """
    if len(set(names)) != len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise DataError(f"The name {twice!r} occurs more than once", where=where, fix="Give each its own name")


def instead(name: str, known: Sequence[str]) -> str:
    """What to write for a name that is not known, as the last sentence of a message.

    >>> instead("Violin", ("Bus", "Violin, fiddle", "Flute"))
    "Perhaps 'Violin, fiddle' is meant"
    >>> instead("Bus,Flute", ("Bus", "Violin, fiddle", "Flute"))
    'Names hold commas: give each by itself'
    """
    if set(known) >= {part.strip() for part in name.split(",")}:
        return "Names hold commas: give each by itself"
    folded = {text.casefold(): text for text in known}
    near = sorted((text for key, text in folded.items() if name.casefold() in key), key=len)[:5]
    near = near or [folded[key] for key in difflib.get_close_matches(name.casefold(), folded, 5)]
    if near:
        return f"Perhaps {' or '.join(map(repr, near))} is meant"
    return f"Choose among {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"


def numbered(prefix: str, count: int) -> tuple[str, ...]:
    """Names for what has none.

    >>> numbered("class_", 3)
    ('class_00', 'class_01', 'class_02')
    """
    digits = max(2, len(str(count - 1)))
    return tuple(f"{prefix}{i:0{digits}d}" for i in range(count))
