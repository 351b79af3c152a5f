"""A table that a notebook shows in place of arrays: small, self-contained, every name escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

MOST = 12
"""Rows that are shown; of more, the number is told."""


def table_html(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A titled table; its first column is text, the others are numbers.

    Args:
        title: One line above it.
        head: Names of the columns.
        rows: Cells as text, the most telling row first; those beyond `MOST` are counted only.
        notes: Lines below it.

    >>> print(table_html("Figures", ["Class", "AP"], [["R&B", "0.5"]]))
    <div><p><strong>Figures</strong></p><table>
    <tr><th style="text-align: left">Class</th><th style="text-align: right">AP</th></tr>
    <tr><td style="text-align: left">R&amp;B</td><td style="text-align: right">0.5</td></tr>
    </table></div>
    """

    def line(tag: str, cells: Sequence[str]) -> str:
        sides = ["left", *["right"] * (len(cells) - 1)]
        inner = (
            f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{''.join(inner)}</tr>"

    more = [f"and {len(rows) - MOST:,} more"] if len(rows) > MOST else []
    below = "".join(f"<p>{html.escape(note)}</p>" for note in [*more, *notes])
    lines = [line("th", head), *(line("td", row) for row in rows[:MOST])]
    return "\n".join([f"<div><p><strong>{html.escape(title)}</strong></p><table>", *lines, f"</table>{below}</div>"])
