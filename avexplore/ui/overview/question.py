"""One question with its first answers, without and with LIR, and how typical it is."""

from __future__ import annotations

import numpy as np
import streamlit as st

from avexplore.analysis.clip_labels import hidden_classes
from avexplore.analysis.opening_question import OpeningQuestion
from avexplore.artifacts import Clips
from avexplore.ui.parts.plain_text import as_html

STYLE = """<style>
.question { font-size: 1rem; line-height: 1.25; }
.question .row { display: flex; gap: .4rem; align-items: stretch; margin-top: .4rem; }
.question .when { flex: 0 0 5.6rem; align-self: center; }
.question .score { flex: 0 0 4.4rem; align-self: center; text-align: right; font-variant-numeric: tabular-nums; }
.question .answers { flex: 1; display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: .3rem;
  container-type: inline-size; }
.question .answer { border-radius: .4rem; padding: .25rem .3rem .35rem; background: #8881; min-height: 2.6rem;
  overflow-wrap: anywhere; }
/* Letters as large as the longest word of a name lets them be: no word is broken that could be read whole. */
.question .answer span {
  font-size: clamp(.7rem, calc((100cqi / var(--columns) - .9rem) / (.62 * var(--letters))), .88rem);
}
.question .answer small { display: block; opacity: .75; font-size: .75rem; }
.question .right { background: #00A0752E; font-weight: 600; }
.question .right small::after { content: " ✓"; }
.question .with { font-weight: 650; }
.question p { margin: .6rem 0 0; opacity: .85; }
@media (max-width: 700px) {
  .question .row { flex-wrap: wrap; }
  .question .answers { flex-basis: 100%; --columns: 3; order: 3; }
}
</style>"""


def title(found: OpeningQuestion, clips: Clips) -> str:
    """What is asked, as Markdown's plain text."""
    asks, gives = ("sound", "pictures") if found.direction == "audio-to-visual" else ("picture", "sounds")
    return f"One question: the {asks} of a “{clips.classes[int(clips.hard_label[found.clip])]}” clip asks for {gives}"


def draw(found: OpeningQuestion, clips: Clips) -> None:
    """The two rows of answers, and the counts over all questions."""
    hidden = [clips.classes[c] for c in hidden_classes(clips, found.clip)]
    also = f"<p>Also in it, annotated by nobody: {as_html(', '.join(hidden))}.</p>" if hidden else ""
    rows = "".join(_row(found, clips, when) for when in (0, 1))
    count = found.answers.shape[1]
    typical = f"<p>This is the clearest case. {found.tally}</p>"
    st.html(f'{STYLE}<div class="question" style="--columns: {count}">{rows}{also}{typical}</div>')


def _row(found: OpeningQuestion, clips: Clips, when: int) -> str:
    labels = np.asarray(clips.hard_label)[found.answers[when]]
    answers = "".join(
        _answer(place, clips.classes[int(label)], bool(right))
        for place, (label, right) in enumerate(zip(labels, found.right[when], strict=True), start=1)
    )
    word = ("without LIR", "with LIR")[when]
    score = f"{int(found.right[when].sum())} of {found.answers.shape[1]}"
    kind = " with" if when else ""
    return (
        f'<div class="row"><div class="when{kind}">{word}</div><div class="answers">{answers}</div>'
        f'<div class="score{kind}">{score}</div></div>'
    )


def _answer(place: int, name: str, right: bool) -> str:
    letters = max(map(len, name.split()), default=1)
    return (
        f'<div class="answer{" right" * right}" style="--letters: {letters}"><small>{place}</small>'
        f"<span>{as_html(name)}</span></div>"
    )
