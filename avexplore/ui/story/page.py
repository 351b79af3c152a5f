"""The story on stage: one clip in five steps, each a sentence, a picture and a link to the page behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels, ranked_answers
from avexplore.analysis.graph_verdict import is_settled
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.opening_question import ANSWERS
from avexplore.analysis.ranked_answers import DIRECTIONS
from avexplore.analysis.story_cases import GOOD_RANK, Case, Cases, find_cases
from avexplore.artifacts import GraphStability
from avexplore.ui.parts import answer_board, clip_media, job_progress, plain_text
from avexplore.ui.shell import glossary, links
from avexplore.ui.shell.component import component

_FOLDER = Path(__file__).parent / "frontend"
STEPS = ("The clip", "The teacher", "The graph", "LIR", "The answers")
CLEAR = 0.2
"""An edge says more than the null model if it comes back more often by at least this much, of all graphs."""
_FORMS = {
    "forgive": "stop counting as wrong answers while the student trains, the more the stronger the link",
    "pull": "are pulled together while the student trains, the more the stronger the link",
    "margin": "need to keep less distance while the student trains, the less the stronger the link",
}


STYLE = """<style>
.stMain .stMainBlockContainer h3 { font-size: clamp(1.25rem, 1.75vw, 2.1rem); padding: .2rem 0 0; }
.stMain :is(img, video) { max-height: max(160px, calc(100vh - 530px)); }
.stMain [data-testid="stImageContainer"] img { width: auto; }
@media (min-width: 1700px) and (min-height: 940px) {
  :root { --avx-type: 1.15; }
  .stMain [data-testid="stMarkdownContainer"] > p { font-size: 1.2rem; }
  .stMain [data-testid="stCaptionContainer"] > p { font-size: 1.05rem; }
}
</style>"""


def _tight(below: int) -> str:
    """On a screen of less height than this, the ten answers need the room between things; letters keep their size."""
    return f"""<style>
@media (max-height: {below}px) and (min-width: 900px) {{
  :root {{ --avx-card: 26px; --avx-card-air: 1px; --avx-card-gap: 3px; --avx-board-air: 4px; }}
  .stMainBlockContainer {{ padding-block: var(--avx-top, 3.75rem) var(--avx-bottom, .2rem); }}
  .stMainBlockContainer [data-testid="stVerticalBlock"] {{ gap: .45rem; }}
  .stMain .stMainBlockContainer h3 {{ padding-bottom: .4rem; }}
  .stElementContainer:has(> .stHeading h1) {{ margin-bottom: .6rem; }}
  .stElementContainer:has(> .stHeading) + .stElementContainer:has([data-testid="stCaptionContainer"]) {{
    display: none;
  }}
}}
</style>"""


@st.cache_data(show_spinner="Looking for clips with a story …", max_entries=8)
def _cases(address: str, _loaded: LoadedRun) -> Cases:
    stability = _stability(_loaded)
    above = None
    if stability is not None and stability.null != "none":
        order = [stability.nodes.index(name) for name in _loaded.affinity.nodes]
        clear = stability.edge_frequency - stability.null_frequency >= CLEAR
        above = clear[np.ix_(order, order)]
    return find_cases(_loaded, _loaded.clips.rows("test"), above)


def _stability(loaded: LoadedRun) -> GraphStability | None:
    """The bootstraps behind the weights, if they are stored."""
    found: GraphStability | None = job_progress.cached_or_quick(loaded.student.lir.affinity.stability)
    return found


def draw(loaded: LoadedRun) -> None:
    """The whole page below its heading."""
    cases = _cases(loaded.key, loaded)
    if not cases.good:
        _nothing(cases)
        return
    number, step = _place(len(cases.good))
    st.html(STYLE)
    case = cases.good[number]
    _controls(number, len(cases.good), step)
    (_clip, _teacher, _graph, _regularizer, _answers)[step](loaded, case)
    _count(cases, number)


def _nothing(cases: Cases) -> None:
    """Where the chain from a missing label to a better list breaks, and the page to look at."""
    if not cases.found:
        broken, page, link = "so no story begins", "soft_labels", "See what the teacher finds"
    elif not cases.linked:
        broken, page, link = "none of these has a weighted class pair", "class_graph", "See which classes are linked"
    else:
        broken = (
            f"{cases.linked:,} of these have a weighted class pair, and none of them sees a related clip rise into the "
            f"first {GOOD_RANK} answers"
        )
        page, link = "tune", "Try other settings"
    st.info(f"No clip of this run's test split carries the whole story. {_found(cases)}; {broken}.")
    links.to(page, link, {})


def _found(cases: Cases) -> str:
    """How many events there are, and how many the teacher finds: one number where only the teacher speaks of them."""
    if cases.truth_known:
        return f"The test clips hold {cases.events:,} events that nobody annotated; the teacher finds {cases.found:,}"
    return f"In the test clips, the teacher suspects {cases.found:,} events beside the annotated ones"


def _place(count: int) -> tuple[int, int]:
    def read(name: str, limit: int) -> int:
        text = st.query_params.get(name, "1")
        return min(int(text), limit) - 1 if text.isascii() and text.isdecimal() and int(text) else 0

    return read("case", count), read("step", len(STEPS))


def _go(case: int, step: int) -> None:
    st.query_params["case"] = str(case + 1)
    st.query_params["step"] = str(step + 1)


def _controls(number: int, count: int, step: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for i, name in enumerate(STEPS):
            st.button(
                f"{i + 1} · {name}", key=f"step-{i}", type="primary" if i == step else "secondary",
                on_click=_go, args=(number, i), help=glossary.LIR if name == "LIR" else None,
            )  # fmt: skip
        st.space("stretch")
        st.button(
            "Back", key="step-back", disabled=step == 0, on_click=_go, args=(number, step - 1), shortcut="Left",
        )  # fmt: skip
        st.button(
            "Next", key="next-step", disabled=step == len(STEPS) - 1, on_click=_go, args=(number, step + 1),
            shortcut="Right",
        )  # fmt: skip
        st.button(
            "Another clip", key="another", on_click=_go, args=((number + 1) % count, 0), disabled=count < 2,
            shortcut="Shift+A",
        )  # fmt: skip


def _count(cases: Cases, number: int) -> None:
    share = cases.lifted / cases.linked if cases.linked else 0.0
    st.caption(
        f"Story {number + 1} of {len(cases.good)}, those first whose ranked list improves most; it does in "
        f"{cases.improved:,}. How typical is it? {cases.tally}",
        help=f"{_found(cases)}. Looked at were {cases.linked:,} of them, the most promising whose class pair has a "
        f"weight: for {cases.lifted:,} ({share:.0%}) LIR lifts the event's clips on average. A story is told where one "
        f"of them comes into the first {GOOD_RANK} answers.",
    )


def _say(sentence: str, more: str) -> None:
    st.subheader(sentence, anchor=False)
    st.markdown(more)


def _names(loaded: LoadedRun, case: Case) -> tuple[str, str]:
    """Annotated class and event, safe to stand in Markdown."""
    own = loaded.clips.classes[int(loaded.clips.hard_label[case.clip])]
    return plain_text.as_markdown(own), plain_text.as_markdown(loaded.clips.classes[case.event])


def _clip(loaded: LoadedRun, case: Case) -> None:
    own, event = _names(loaded, case)
    said = f"There is also {event} in it" if case.confirmed else f"The teacher suspects {event} in it, too"
    known = (
        "The labels that say so were kept aside: no training ever saw them."
        if case.confirmed
        else "Whether it is there is not known: this data set lists one label per clip."
    )
    _say(f"Somebody annotated this clip as {own}. {said}, and nobody wrote it down.", known)
    classes, label = loaded.clips.classes, int(loaded.clips.hard_label[case.clip])
    if not clip_media.play(loaded.clips, case.clip):
        unwritten = "true, but nobody annotated it" if case.confirmed else "suspected by the teacher"
        data = {
            "scene": "pairs",
            "title": "A test clip",
            "words": clip_labels.clip_name(loaded.clips, case.clip),
            "pairs": [
                {"title": classes[label], "words": "annotated", "share": 0.5, "linked": True, "tone": "own"},
                {"title": classes[case.event], "words": unwritten, "share": 0.0, "linked": False, "tone": "hot"},
            ],
            "label": "The clip's written and unwritten labels",
        }
        component("story", "view", _FOLDER)(data=data, key="story-labels")
    links.to("embedding_space", "See this clip on the map", {"point": f"{case.modality}-{case.clip}"})


def _teacher(loaded: LoadedRun, case: Case) -> None:
    _, event = _names(loaded, case)
    heard = "hears" if case.modality == "audio" else "sees"
    count = len(loaded.clips.classes)
    guess = f" One that only guessed would give each of the {count} classes {1 / count:.0%}."
    chance = guess if loaded.soft_labels.normalized else ""
    _say(
        f"The teacher {heard} it: {event}, {case.probability:.0%}.",
        f"Its training knew one annotated class per clip, never a second one.{chance}",
    )
    lines = clip_labels.label_lines(loaded.soft_labels, loaded.clips, case.clip, 6)
    event_name = loaded.clips.classes[case.event]
    if event_name not in [line.name for line in lines]:
        soft = loaded.soft(np.array([case.clip]))[:, 0, case.event]
        lines = [*lines[:5], clip_labels.LabelLine(event_name, clip_labels.HIDDEN, float(soft[0]), float(soft[1]))]
    rows = [
        {
            "name": line.name,
            "audio": line.audio,
            "visual": line.visual,
            "mark": "event" if line.name == event_name else "annotated" if line.status == clip_labels.ANNOTATED else "",
            "words": line.status,
        }
        for line in lines
    ]
    component("story", "view", _FOLDER)(
        data={"scene": "bars", "rows": rows, "label": "Soft labels by class"}, key="story-bars"
    )
    links.to("soft_labels", "Compare all soft labels", {"clip": str(case.clip)})


def _graph(loaded: LoadedRun, case: Case) -> None:
    own, event = _names(loaded, case)
    mark = _mark(_stability(loaded), case)
    joined = {
        "→": f"The class graph has an edge from {own} to {event}.",
        "←": f"The class graph has an edge from {event} to {own}.",
        "—": f"The class graph joins {own} and {event}; it leaves the direction open.",
        "": f"The weights tie {own} to {event}, although the best single graph has no edge between them.",
    }[mark]
    words, meaning = _certainty(loaded, case)
    _say(joined, "The edge says that the teacher's soft labels for the two depend on each other over all training "
         "clips. It is a dependency, not a cause." + meaning)  # fmt: skip
    data = {"scene": "edge", "nodes": case.nodes, "mark": mark, "weight": case.weight, "words": words,
            "label": "An edge of the class graph"}  # fmt: skip
    component("story", "view", _FOLDER)(data=data, key="story-edge")
    links.to("class_graph", "See it in the class graph", {"pick": links.edge_address(loaded.graph, *case.nodes)})


def _mark(stability: GraphStability | None, case: Case) -> str:
    """How the edge is drawn: with an arrowhead only where the bootstraps agree on it, as on the class graph page."""
    if case.edge not in ("→", "←") or stability is None:
        return case.edge
    i, j = (stability.nodes.index(name) for name in (case.nodes if case.edge == "→" else case.nodes[::-1]))
    return case.edge if is_settled(stability, i, j) else "—"


_NULLS = {
    "within-class": ("shuffled data", "soft labels shuffled among clips of one annotated class, which leaves nothing "
                     "but the annotation"),
    "decoupled": ("shuffled data", "pictures shuffled against sounds within each annotated class"),
    "one-hot": ("the annotation alone", "the annotation alone, with a little noise"),
}  # fmt: skip
"""Each null model, in a few words for the picture and in a sentence's part for the text."""


def _certainty(loaded: LoadedRun, case: Case) -> tuple[list[str], str]:
    """How often the edge comes back, for the picture; and what to make of it, for the text."""
    stability = _stability(loaded)
    if stability is None:
        return [], ""
    i, j = (stability.nodes.index(name) for name in case.nodes)
    found, null = float(stability.edge_frequency[i, j]), float(stability.null_frequency[i, j])
    words = [f"in {found:.0%} of {stability.bootstraps} resampled graphs"]
    if stability.null not in _NULLS:
        return words, ""
    data, explained = _NULLS[stability.null]
    words.append(f"in {null:.0%} of graphs from {data}")
    verdict = (
        "this edge comes back clearly more often in the real data, so it says more than that."
        if found - null >= CLEAR
        else "this edge comes back about as often there, so it may say no more than that."
    )
    return words, f" The second figure is a check, the same search on {explained}: {verdict}"


def _regularizer(loaded: LoadedRun, case: Case) -> None:
    own, event = _names(loaded, case)
    how = _FORMS[loaded.student.lir.form]
    _say(
        f"So pairs of clips like this one with {event} clips {how}.",
        "The strength is soft label × weight × soft label, over all class pairs: thick lines are strong links, dashed "
        "ones hardly count. In training, LIR acts on training clips only; shown are this test clip's links by the same "
        f"measure, to clips annotated otherwise than {own}.",
    )
    gallery = loaded.clips.rows("test")
    labels = np.asarray(loaded.clips.hard_label)[gallery]
    strength = ranked_answers.pair_strength(loaded, case.direction, case.clip, gallery)
    top = float(strength[labels != loaded.clips.hard_label[case.clip]].max(initial=1e-12))
    linked = [int(p) for p in np.argsort(-strength, kind="stable") if labels[p] == case.event][:3]
    if case.answer >= 0:
        place = int(np.flatnonzero(gallery == case.answer)[0])
        linked = [place, *[p for p in linked if p != place]][:3]
    weak = [int(p) for p in np.argsort(strength, kind="stable") if labels[p] != loaded.clips.hard_label[case.clip]][:2]
    pairs = [_pair(loaded, gallery, strength, p, top) for p in (*linked, *weak)]
    data = {
        "scene": "pairs",
        "title": loaded.clips.classes[int(loaded.clips.hard_label[case.clip])],
        "words": "● by its sound" if case.direction == "audio-to-visual" else "■ by its picture",
        "pairs": pairs,
        "label": "Pairs that LIR treats differently",
    }
    component("story", "view", _FOLDER)(data=data, key="story-pairs")
    if case.answer >= 0:
        links.to("retrieval", "See why, pair by pair", {**_asked(case), "answer": str(case.answer)})


def _pair(loaded: LoadedRun, gallery: Any, strength: Any, place: int, top: float) -> dict[str, Any]:
    clip, share = int(gallery[place]), float(strength[place]) / top
    return {
        "title": loaded.clips.classes[int(loaded.clips.hard_label[clip])],
        "words": f"strength {strength[place]:.3f}",
        "share": min(share, 1.0),
        "linked": share > 0.02,
    }


def _asked(case: Case) -> dict[str, str]:
    return {"query": str(case.clip), "direction": DIRECTIONS[case.direction]}


def _answers(loaded: LoadedRun, case: Case) -> None:
    _, event = _names(loaded, case)
    query = ranked_answers.from_clip(loaded, case.clip, case.direction)
    answers = ranked_answers.ask(loaded, query, loaded.clips.rows("test"))
    shown = min(ANSWERS, len(answers.gallery))
    before, after = case.right
    moved = (
        f"a clip of {event} goes from rank {case.rank_before} to rank {case.rank_after}; over all clips of {event}, "
        f"the mean rank goes from {case.related_before:.0%} to {case.related_after:.0%} of the gallery."
    )
    if case.improves:
        sentence = f"And the answers get better: {after} of the first {shown} are right, instead of {before}."
    else:
        sentence = f"And the answers change: {after} of the first {shown} are right, after {before}."
    falls = case.precision[1] < case.precision[0]
    costs = " Average precision falls: only clips annotated alike count for it." if falls else ""
    right = "Right is what shares a true label with the clip" if case.confirmed else "Right is what is annotated alike"
    _say(sentence, f"{right}. {moved[0].upper()}{moved[1:]}{costs}")
    data = answer_board.content(loaded, query, answers, shown) | {"isCompact": True}
    has_pictures = any(answer["picture"] for each in data["lists"] for answer in each["answers"])
    st.html(_tight(below=1200 if has_pictures else 800))
    answer_board.draw(data, case.answer, key=f"story-board-{case.clip}")
    links.to("retrieval", "Go on from here in Retrieval", _asked(case))
