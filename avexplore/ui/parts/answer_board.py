"""The two ranked lists with their rank moves, as a component."""

from __future__ import annotations

from typing import Any

from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import Answers, Query
from avexplore.drawing.answers import payload
from avexplore.ui.parts import clip_media
from avexplore.ui.shell.component import component


def content(loaded: LoadedRun, query: Query, answers: Answers, top: int) -> dict[str, Any]:
    """What the browser needs, with the clips' media files."""

    def media(clip: int) -> tuple[str | None, str]:
        found = clip_media.of(loaded.clips, clip)
        if found is None:
            return None, ""
        return found.kind, clip_media.thumbnail(found.thumbnail) if found.thumbnail else ""

    return payload.content(loaded, query, answers, top, media)


def draw(data: dict[str, Any], chosen: int | None, *, key: str) -> int | None:
    """Show the lists and return the answer that is chosen, as a clip row."""
    result = component("retrieval", "view", payload.FRONTEND)(
        data={**data, "chosen": chosen}, key=key, default={"answer": chosen}, on_answer_change=lambda: None
    )
    answer = getattr(result, "answer", None)
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else None
