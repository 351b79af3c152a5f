"""The two ranked lists with their rank moves, as a component."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels, ranked_answers
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import KINDS, Answers, Query
from avexplore.ui.parts import clip_media

_FOLDER = Path(__file__).parent
NAMES = ("Without LIR", "With LIR")


@cache
def _component() -> Callable[..., Any]:
    html, css, js = ((_FOLDER / f"view.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    renderer: Callable[..., Any] = st.components.v2.component("avexplore_retrieval", html=html, css=css, js=js)
    return renderer


def content(loaded: LoadedRun, query: Query, answers: Answers, top: int) -> dict[str, Any]:
    """What the browser needs, as JSON values."""
    shown = [_answers(loaded, query, answers, top, when) for when in (0, 1)]
    present = {answer["kind"] for answers_of_list in shown for answer in answers_of_list}
    lists = [{"title": NAMES[when], "note": _note(answers, top, when), "answers": shown[when]} for when in (0, 1)]
    kinds = [
        {"name": name, "sign": k.sign, "colors": k.colors, "word": k.word, "explained": k.explained,
         "shown": name in present}
        for name, k in KINDS.items()
    ]  # fmt: skip
    stamp = hashlib.sha256(json.dumps(lists, ensure_ascii=True).encode()).hexdigest()[:16]
    return {"lists": lists, "kinds": kinds, "stamp": stamp}


def _note(answers: Answers, top: int, when: int) -> str:
    counted = ", ".join(f"{n} {KINDS[kind].word}" for kind, n in ranked_answers.counts(answers, top, when).items())
    precision = answers.precision[when]
    return counted if np.isnan(precision) else f"AP {precision:.3f} · {counted}"


def _answers(loaded: LoadedRun, query: Query, answers: Answers, top: int, when: int) -> list[dict[str, Any]]:
    side = "visual" if query.direction == "audio-to-visual" else "audio"
    found = []
    for place, position in enumerate(answers.order[when][:top]):
        clip = int(answers.gallery[position])
        lines = clip_labels.label_lines(loaded.soft_labels, loaded.clips, clip, 5)
        soft = ", ".join(f"{line.name} {getattr(line, side):.2f}" for line in lines)
        own = " · the query's other half" if clip == query.clip else ""
        media = clip_media.of(loaded.clips, clip)
        found.append(
            {
                "clip": clip,
                "id": loaded.clips.clip_ids[clip] + own,
                "title": loaded.clips.classes[int(loaded.clips.hard_label[clip])],
                "kind": answers.kinds[int(position)],
                "rank": place + 1,
                "other": _other(answers, when, position),
                "otherWords": answers.rank_words(1 - when, position),
                "similarity": float(answers.similarity[when][place]),
                "softness": f"Soft labels, {side}: {soft}",
                "media": media.kind if media is not None else None,
                "picture": clip_media.thumbnail(media.thumbnail) if media is not None and media.thumbnail else "",
                "bars": ranked_answers.bars(lines, side),  # type: ignore[arg-type]
            }
        )
    return found


def _other(answers: Answers, when: int, position: int) -> int | None:
    """The answer's rank in the other list, None where that is not known."""
    place = int(answers.place[1 - when][position])
    return place if answers.reach is None or place <= answers.reach else None


def draw(data: dict[str, Any], chosen: int | None, *, key: str) -> int | None:
    """Show the lists and return the answer that is chosen, as a clip row."""
    result = _component()(
        data={**data, "chosen": chosen}, key=key, default={"answer": chosen}, on_answer_change=lambda: None
    )
    answer = getattr(result, "answer", None)
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else None
