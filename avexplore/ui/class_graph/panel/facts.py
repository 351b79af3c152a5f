"""The small print of the panel as HTML: facts in two columns, bars, soft labels. Only our own markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from avexplore.analysis.clip_labels import ANNOTATED, HIDDEN
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    from avexplore.analysis.clip_labels import LabelLine

STYLE = """<style>
.facts{font-size:.83rem;line-height:1.42;overflow-wrap:anywhere}
.facts li,.facts p,.facts .grid,.facts .sub{font-size:.83rem;line-height:1.42}
.facts p{margin:.2rem 0}
.facts h4{font-size:1.05rem;margin:0 0 .1rem;padding:0}
.facts h5{font-size:.83rem;font-weight:600;margin:.5rem 0 .1rem;padding:0}
.facts .sub{opacity:.75;margin-bottom:.5rem}
.facts .grid{display:grid;grid-template-columns:minmax(5.5rem,auto) 1fr;gap:.22rem .7rem;margin:.3rem 0}
.facts .grid>span{opacity:.75}
.facts ul{list-style:none;padding:0;margin:.2rem 0}
.facts .remarks li{display:grid;grid-template-columns:1.35rem 1fr;margin:.38rem 0}
.facts .links li{display:flex;justify-content:space-between;gap:.6rem;margin:.1rem 0}
.facts .links b{font-weight:400;opacity:.75;font-variant-numeric:tabular-nums}
.facts summary{cursor:pointer;font-size:.83rem;opacity:.8}
.facts .bar{height:.42rem;border-radius:.2rem;background:rgba(128,140,150,.28);position:relative;margin:.15rem 0 .3rem}
.facts .bar i{position:absolute;inset:0 auto 0 0;border-radius:.2rem;background:#0072B2}
.facts .bar b{position:absolute;top:-.15rem;bottom:-.15rem;width:2px;background:#D55E00}
.facts .soft{display:grid;grid-template-columns:minmax(5rem,7.5rem) 1fr 2.1rem;gap:.1rem .5rem;align-items:center}
.facts .soft .two{display:grid;gap:2px}
.facts .soft .two i{display:block;height:.3rem;border-radius:.15rem;min-width:1px}
</style>"""

AUDIO, VISUAL = "#E69F00", "#4A9FD8"


def draw(title: str, subtitle: str, body: str) -> None:
    """A heading with our markup under it; title and subtitle are text."""
    draw_more(f'<h4>{as_html(title)}</h4><div class="sub">{as_html(subtitle)}</div>{body}')


def draw_more(body: str) -> None:
    """Our markup without a heading."""
    st.html(f'{STYLE}<div class="facts">{body}</div>')


def grid(rows: Sequence[tuple[str, str]]) -> str:
    """Facts in two columns; labels are text, values are HTML that the caller has made safe."""
    body = "".join(f"<span>{as_html(label)}</span><div>{value}</div>" for label, value in rows)
    return f'<div class="grid">{body}</div>'


def bar(value: float, beside: float | None = None) -> str:
    """A percentage as text and bar; `beside` marks what chance would give."""
    mark = "" if beside is None else f'<b style="left:{100 * min(beside, 1):.0f}%"></b>'
    return f'{value:.0%}<div class="bar"><i style="width:{100 * min(value, 1):.0f}%"></i>{mark}</div>'


def folded(summary: str, body: str) -> str:
    """Markup behind a line of text that opens it."""
    return f"<details><summary>{as_html(summary)}</summary>{body}</details>"


def soft_labels(lines: Sequence[LabelLine]) -> str:
    """Soft labels of a clip, heard above seen, with what is known of each class."""
    shown = []
    for one in lines:
        strips = "".join(
            f'<i style="width:{100 * value:.0f}%;background:{color}" title="{word} {value:.2f}"></i>'
            for value, color, word in ((one.audio, AUDIO, "heard"), (one.visual, VISUAL, "seen"))
        )
        mark = {ANNOTATED: "✔ ", HIDDEN: "+ "}.get(one.status, "")
        shown.append(
            f"<span>{as_html(mark + one.name)}</span><div class='two'>{strips}</div>"
            f"<span>{max(one.audio, one.visual):.2f}</span>"
        )
    return f'<div class="soft">{"".join(shown)}</div>'
