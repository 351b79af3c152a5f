"""Names in CSV files that people open in spreadsheets."""

from __future__ import annotations


def safe(text: str) -> str:
    """A name that no spreadsheet takes for a formula.

    >>> safe("=HYPERLINK(1)"), safe("Bus")
    ("'=HYPERLINK(1)", 'Bus')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
