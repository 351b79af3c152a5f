"""The two ranked lists as the browser gets them: one query's, or many queries' at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.analysis import clip_labels, ranked_answers
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import DIRECTIONS, KINDS, Answers, Query
from avexplore.artifacts import IntArray

FRONTEND = Path(__file__).parent / "frontend"
"""The view, and many.js, which makes one query's content of `many`."""
_LINES = 5
"""Classes of which a card shows soft labels."""
Media = Callable[[int], tuple[str | None, str]]
"""Of a clip: "video", "sound" or "picture" (None without a file), and a thumbnail as a data URL or ""."""


def content(
    loaded: LoadedRun, query: Query, answers: Answers, top: int, media: Media = lambda clip: (None, "")
) -> dict[str, Any]:
    """What the browser needs of one query, as JSON values.

    Args:
        loaded: The run.
        query: What is asked.
        answers: The gallery, ranked without and with LIR.
        top: Answers in each list.
        media: What file a clip has.
    """
    shown = [_answers(loaded, query, answers, top, when, media) for when in (0, 1)]
    present = {answer["kind"] for answers_of_list in shown for answer in answers_of_list}
    lists = [
        {"title": loaded.titles[when], "note": _note(answers, top, when), "answers": shown[when]} for when in (0, 1)
    ]
    legend = [{**kind, "shown": kind["name"] in present} for kind in kinds()]
    stamp = hashlib.sha256(json.dumps(lists, ensure_ascii=True).encode()).hexdigest()[:16]
    return {"after": loaded.said[1], "lists": lists, "kinds": legend, "stamp": stamp}


def many(loaded: LoadedRun, queries: IntArray, gallery: IntArray, top: int) -> dict[str, Any]:
    """What `content` says of many queries in both directions, in a form that repeats nothing; many.js unfolds it.

    Args:
        loaded: The run.
        queries: Clip rows that ask. Shape (Q,).
        gallery: Clip rows that may be answers. Shape (g,).
        top: Answers in each list.
    """
    asked = {
        direction: [_folded(loaded, int(clip), direction, gallery, top) for clip in queries] for direction in DIRECTIONS
    }
    met = {int(clip) for found in asked.values() for one in found for order in one["order"] for clip in order}
    clips = {}
    for clip in sorted(met | set(map(int, queries))):
        lines = clip_labels.label_lines(loaded.soft_labels, loaded.clips, clip, _LINES, _LINES)
        clips[clip] = {
            "id": clip_labels.clip_name(loaded.clips, clip),
            "class": int(loaded.clips.hard_label[clip]),
            "soft": [[line.name, round(line.audio, 2), round(line.visual, 2)] for line in lines],
            "own": [line.status == "annotated" for line in lines],
        }
    return {
        "names": loaded.titles,
        "after": loaded.said[1],
        "classes": loaded.clips.classes,
        "kinds": kinds(),
        "queries": list(map(int, queries)),
        "clips": clips,
        "asked": asked,
    }


def _folded(loaded: LoadedRun, clip: int, direction: Any, gallery: IntArray, top: int) -> dict[str, Any]:
    answers = ranked_answers.ask(loaded, ranked_answers.from_clip(loaded, clip, direction), gallery)
    first = [answers.order[when][:top] for when in (0, 1)]
    names = list(KINDS)
    return {
        "order": [answers.gallery[positions].tolist() for positions in first],
        "other": [answers.place[1 - when][positions].tolist() for when, positions in enumerate(first)],
        "kind": [[names.index(answers.kinds[int(p)]) for p in positions] for positions in first],
        "cosine": [np.round(answers.similarity[when][:top].astype(float), 3).tolist() for when in (0, 1)],
        "note": [_note(answers, top, when) for when in (0, 1)],
    }


def kinds() -> list[dict[str, Any]]:
    """What an answer can be, right or wrong, in signs, colors and words."""
    return [
        {"name": name, "sign": k.sign, "colors": k.colors, "word": k.word, "explained": k.explained}
        for name, k in KINDS.items()
    ]


def _note(answers: Answers, top: int, when: int) -> str:
    counted = ", ".join(f"{n} {KINDS[kind].word}" for kind, n in ranked_answers.counts(answers, top, when).items())
    precision = answers.precision[when]
    return counted if np.isnan(precision) else f"AP {precision:.3f} · {counted}"


def _answers(
    loaded: LoadedRun, query: Query, answers: Answers, top: int, when: int, media: Media
) -> Sequence[dict[str, Any]]:
    side = "visual" if query.direction == "audio-to-visual" else "audio"
    found = []
    for place, position in enumerate(answers.order[when][:top]):
        clip = int(answers.gallery[position])
        lines = clip_labels.label_lines(loaded.soft_labels, loaded.clips, clip, _LINES, _LINES)
        soft = ", ".join(f"{line.name} {getattr(line, side):.2f}" for line in lines)
        own = " · the query's other half" if clip == query.clip else ""
        kind, picture = media(clip)
        found.append(
            {
                "clip": clip,
                "id": clip_labels.clip_name(loaded.clips, clip) + own,
                "title": loaded.clips.classes[int(loaded.clips.hard_label[clip])],
                "kind": answers.kinds[int(position)],
                "rank": place + 1,
                "other": _other(answers, when, position),
                "otherWords": answers.rank_words(1 - when, position),
                "similarity": float(answers.similarity[when][place]),
                "softness": f"Soft labels, {side}: {soft}",
                "media": kind,
                "picture": picture,
                "bars": ranked_answers.bars(lines, side),  # type: ignore[arg-type]
            }
        )
    return found


def _other(answers: Answers, when: int, position: int) -> int | None:
    """The answer's rank in the other list, None where that is not known."""
    place = int(answers.place[1 - when][position])
    return place if answers.reach is None or place <= answers.reach else None
