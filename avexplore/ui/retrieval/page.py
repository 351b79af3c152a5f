"""The retrieval page: a query, its answers without and with LIR next to each other, and why a pair is linked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels, query_choice, ranked_answers, tables
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.query_choice import LASSO, PICKS, Pick
from avexplore.analysis.ranked_answers import DIRECTIONS, Answers, Direction, Query
from avexplore.artifacts import Clips, FloatArray, IntArray, Modality, RetrievalReport
from avexplore.data.files.query_vectors import MAX_BYTES
from avexplore.errors import AvexploreError
from avexplore.ui.parts import (
    answer_board,
    clip_card,
    clip_media,
    clip_selection,
    job_progress,
    plain_text,
    split_reports,
)
from avexplore.ui.parts.split_reports import SPLITS
from avexplore.ui.parts.told import Telling
from avexplore.ui.retrieval import gallery as retrieval_gallery
from avexplore.ui.retrieval import upload
from avexplore.ui.retrieval.gallery import Search
from avexplore.ui.settings import working
from avexplore.ui.shell import address, links, session

if TYPE_CHECKING:
    from avexplore.data.media.query import Provenance


def draw(loaded: LoadedRun) -> None:
    """The whole page below its heading."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        query_by = st.container(width=170)
        st.segmented_control(
            "Direction", list(DIRECTIONS), format_func=lambda name: DIRECTIONS[name], default="audio-to-visual",
            key="direction", bind="query-params", required=True, on_change=_other_direction,
            help="A→V: a clip's sound asks for pictures. V→A: a clip's picture asks for sounds.",
        )  # fmt: skip
        present = [name for name in SPLITS if len(loaded.clips.rows(name))]
        split = st.segmented_control(
            "Gallery", present, default=present[0], key="gallery", bind="query-params", required=True,
            help="The clips that are ranked, the query's own other half among them.",
        )  # fmt: skip
        gallery = loaded.clips.rows(split)
        st.segmented_control("Answers", [5, 10, 20, 50], default=10, key="top", bind="query-params", required=True)
        search = retrieval_gallery.choose(len(gallery)) if len(gallery) > split_reports.WHOLE else None
        clip_media.box(loaded.clips)
    reports = split_reports.both(loaded.students, split, len(gallery))
    offered = [pick for pick in PICKS if reports is not None or pick not in ("gained", "lost")]
    query_by.selectbox(
        "Query", offered, format_func=lambda pick: PICKS[pick], key="by", bind="query-params",
        on_change=_anew,
        help="Best and worst change: by how much the query's average precision is higher or lower in the right list."
        + ("" if reports else " Not offered here: the queries of so large a gallery are not all ranked."),
    )  # fmt: skip
    pick: Pick = st.session_state["by"]
    direction: Direction = st.session_state["direction"]
    query = _own(loaded, direction) if pick == "own" else _from_clips(loaded, pick, direction, gallery, reports)
    if query is not None:
        _answers(loaded, query, gallery, search)


# --- the query ----------------------------------------------------------------------------------------------------


def _anew() -> None:
    """Another list of queries starts with its own first one, not with the clip asked before."""
    working.ask(None)


def _other_direction() -> None:
    """What changed best from sound to picture need not the other way round; any other clip may be asked both ways."""
    if st.session_state.get("by") in ("gained", "lost"):
        _anew()


def _from_clips(
    loaded: LoadedRun,
    pick: Pick,
    direction: Direction,
    gallery: IntArray,
    reports: tuple[RetrievalReport, RetrievalReport] | None,
) -> Query | None:
    change = query_choice.changes(reports[0], reports[1], direction) if reports else {}
    label, row = 0, st.container(horizontal=True, vertical_alignment="bottom")
    if pick == "class":
        names = range(len(loaded.clips.classes))
        label = row.selectbox("Class", names, format_func=lambda c: loaded.clips.classes[c], key="class", width=220,
                              on_change=_anew)  # fmt: skip
    seed = st.session_state.setdefault("draw", 0) if pick == "random" else 0
    if pick == "lasso":
        clip_selection.follow(loaded.key, len(loaded.clips.hard_label))
        clip_selection.remember("lasso", st.session_state["lasso_word"])
    lasso = st.session_state.get(LASSO, ())
    if reports:
        offered = query_choice.candidates(loaded.clips, pick, change, label=label, seed=seed, lasso=lasso)
    else:
        offered = query_choice.unmeasured(loaded.clips, pick, gallery, label=label, seed=seed, lasso=lasso)
    asked = working.query()
    wanted = asked if asked in gallery else None
    offered = _with_guest(offered, wanted, (loaded.pair, pick, label, seed, direction, len(gallery), lasso))
    if not offered:
        _nothing_offered(pick)
        return None
    with row:
        chosen = _step(loaded, offered, change, wanted if wanted in offered else offered[0], pick)
    if pick == "random":  # the next draw is another one
        working.ask(chosen)
        working.write()
    return ranked_answers.from_clip(loaded, chosen, direction)


def _with_guest(offered: list[int], wanted: int | None, place: object) -> list[int]:
    """A clip that a link asks about leads the list that it does not belong to, and stays there for "Previous"."""
    if wanted is not None and wanted not in offered:
        st.session_state["guest"] = (place, wanted)
    where, guest = st.session_state.get("guest", (None, -1))
    return [guest, *offered] if where == place else offered


def _nothing_offered(pick: Pick) -> None:
    if pick == "lasso":
        st.info("No clip of this gallery is drawn around. Draw a lasso on the map first.")
        links.to("embedding_space", "Go to the map", {})
    else:
        st.info("No clip of this gallery fits. Choose another class or another gallery.")


def _step(
    loaded: LoadedRun, offered: Sequence[int], change: dict[int, tuple[float, float]], current: int, pick: Pick
) -> int:
    def words(clip: int) -> str:
        title = clip_labels.clip_title(loaded.clips, clip)
        return f"{title}   AP {change[clip][0]:.2f} → {change[clip][1]:.2f}" if clip in change else title

    place = offered.index(current)
    # The list's key changes with what is offered, so that a stale choice is never shown.
    chosen = st.selectbox(
        "Clip", offered, index=place, format_func=words, key=f"clip-{hash((tuple(offered), current))}", width=460
    )
    if st.button("Previous", disabled=place == 0, shortcut="Shift+P"):
        chosen = offered[place - 1]
    if st.button("Next", disabled=place == len(offered) - 1, shortcut="Shift+N"):
        chosen = offered[place + 1]
    if pick == "random" and st.button("Draw again"):
        st.session_state["draw"] = st.session_state.get("draw", 0) + 1
        working.ask(None)
        st.rerun()
    if chosen != current:
        working.ask(chosen)
        st.rerun()
    return int(chosen)


def _own(loaded: LoadedRun, direction: Direction) -> Query | None:
    if session.workbench().read_only:
        st.info("This avexplore takes no uploads. Start your own to ask with a clip of yours.")
        return None
    modality: Modality = "audio" if direction == "audio-to-visual" else "visual"
    made = _made_of_clips(loaded)
    kinds = [*upload.VECTORS, *(upload.CLIPS[modality] if made is not None else ())]
    side = "sound" if modality == "audio" else "picture"
    what = f"A video or a {side}, or its features" if made is not None else f"Your {modality} features"
    given = st.file_uploader(
        what,
        type=[kind.lstrip(".") for kind in kinds],
        max_upload_size=(upload.MAX_CLIP_BYTES if made is not None else MAX_BYTES) // 2**20,
        help="A clip is described by the extractor that described this run's clips. Features: one vector, or a matrix "
        "with one vector per row, from that extractor.",
    )
    if given is None:
        if made is not None:
            st.info(f"Upload a video or a {side} to ask with a clip that this run has never seen.")
        else:
            st.info(
                f"Upload a .npy or .npz file with {modality} features to ask with a clip that this run has never seen. "
                "Runs on features made by `avexplore features` also take the clip itself."
            )
        return None
    with Telling():
        vectors = _vectors(given, modality, made)
        number = 1
        if len(vectors) > 1:
            number = st.number_input("Vector", 1, len(vectors), 1, width=140)
        sides = []
        for config in loaded.students:
            weights = job_progress.artifact(config, "Reading the student", start=False).weights
            one = vectors[number - 1 : number]
            sides.append(upload.embed_vectors(one, modality, config, weights, loaded.clips.classes)[0])
        return Query(sides[0], sides[1], direction)
    return None


def _made_of_clips(loaded: LoadedRun) -> Provenance | None:
    """How the run's features were made of clips; None if they were not, or are not at hand."""
    from avexplore.data.media.query import provenance

    try:
        return provenance(session.workbench().files_of(loaded.student.data))
    except AvexploreError:
        return None


def _vectors(given: Any, modality: Modality, made: Provenance | None) -> FloatArray:
    content: bytes = given.getvalue()
    ending = PurePosixPath(given.name).suffix.lower()
    if ending in upload.VECTORS or made is None:
        uploaded = upload.vectors_of(hashlib.sha256(content).hexdigest(), given.name, modality, content)
        st.caption(plain_text.as_markdown(uploaded.said))
        return uploaded.vectors
    from avexplore.data.media.query import extractor_of

    spec = extractor_of(made, modality)
    vectors, picture = upload.described(hashlib.sha256(content).hexdigest(), ending, spec, made.every, content)
    if picture:
        st.image(picture, width=160)
    return vectors


# --- the answers --------------------------------------------------------------------------------------------------


@st.fragment
def _answers(loaded: LoadedRun, query: Query, gallery: IntArray, search: Search | None) -> None:
    top = min(int(st.session_state["top"]), len(gallery))
    answers = ranked_answers.ask(loaded, query, gallery) if search is None else _first(loaded, query, gallery, search)
    left, right = st.columns([3, 7], gap="medium")
    with right:
        board = answer_board.content(loaded, query, answers, top)
        chosen = answer_board.draw(board, _chosen(query, answers), key=f"board-{query.clip}-{query.direction}")
        address.write("answer", {"answer": "" if chosen is None else str(chosen)})
        st.download_button(
            "Both rankings (CSV)", lambda: _table(loaded, answers), "rankings.csv", "text/csv", type="tertiary"
        )
    with left:
        _player(loaded.clips, query.clip, chosen)
        if query.clip is not None:
            st.caption("Query, by its " + ("sound" if query.direction == "audio-to-visual" else "picture"))
            clip_card.draw(loaded, query.clip, key="query-card", count=4, player=False)
        else:
            st.caption("The query is a clip of your own, so nothing is said of right and wrong.")
        if chosen is None:
            st.info("Click an answer to see its clip and why LIR links the two.")
        else:
            _why(loaded, query, answers, chosen)


def _player(clips: Clips, query: int | None, chosen: int | None) -> None:
    """The page's one player: of the answer that was clicked, otherwise of the query."""
    files = {
        name: clip
        for name, clip in (("answer", chosen), ("query", query))
        if clip is not None and clip_media.of(clips, clip) is not None
    }
    if not files:
        return
    shown = next(iter(files))
    if len(files) > 1:
        shown = st.segmented_control(
            "Play", list(files), default=shown, key=f"player-{query}-{chosen}", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
    clip_media.play(clips, files[shown])


def _first(loaded: LoadedRun, query: Query, gallery: IntArray, search: Search) -> Answers:
    prepared = retrieval_gallery.prepared(loaded, st.session_state["gallery"], query.direction)
    return retrieval_gallery.searched(
        prepared, search, lambda indexes: ranked_answers.ask_first(loaded, query, gallery, indexes)
    )


def _chosen(query: Query, answers: Answers) -> int | None:
    state = st.session_state.get(f"board-{query.clip}-{query.direction}")
    if state is not None and "answer" in state:
        answer = state["answer"]
        return answer if isinstance(answer, int) else None
    text = st.query_params.get("answer", "")
    return int(text) if text.isdecimal() and int(text) in answers.gallery else None


def _why(loaded: LoadedRun, query: Query, answers: Answers, chosen: int) -> None:
    places = np.flatnonzero(answers.gallery == chosen)
    if not len(places):
        return
    position = int(places[0])
    kind = ranked_answers.KINDS[answers.kinds[position]]
    before, after = (answers.rank_words(when, position) for when in (0, 1))
    said = [plain_text.as_markdown(words) for words in loaded.said]
    st.markdown(f"**Answer, {kind.word}: rank {before} {said[0]}, {after} {said[1]}**")
    if query.clip is not None:
        _links(loaded, query, query.clip, answers, position)
    clip_card.draw(loaded, chosen, key="answer-card", count=5, explain=False, player=False)


def _links(loaded: LoadedRun, query: Query, clip: int, answers: Answers, position: int) -> None:
    chosen = int(answers.gallery[position])
    pair = (clip, chosen) if query.direction == "audio-to-visual" else (chosen, clip)
    found = ranked_answers.links(loaded, *pair)
    strength = ranked_answers.pair_strength(loaded, query.direction, clip, answers.gallery)
    share = float((strength < strength[position]).mean())
    if not found:
        st.caption("No class pair links the two: LIR leaves such pairs alone.")
        return
    st.caption(
        f"Linked with {strength[position]:.3f} (soft label × weight × soft label), more than {share:.0%} of the "
        + ("gallery. " if answers.reach is None else "answers above. ")
        + "LIR treats training pairs like this one the more differently, the stronger the link."
    )
    st.html(_terms(found))
    edge = links.edge_address(loaded.graph, found[0].audio_node, found[0].visual_node)
    links.to("class_graph", "See this in the class graph", {"pick": edge})


_TERM_COLUMNS = (
    ("● audio, ■ visual", "Two class nodes, and how the class graph joins them; · means that it does not"),
    ("●", "Audio soft label of the one clip"),
    ("×", "Weight of the pair in LIR"),
    ("■", "Visual soft label of the other clip"),
    ("=", "Soft label × weight × soft label"),
)


def _terms(found: Sequence[ranked_answers.Link]) -> str:
    """The class pairs that tie two clips. Not `st.dataframe`, which breaks no lines: names would lose their ends."""
    head = "".join(f'<th title="{help_text}">{name}</th>' for name, help_text in _TERM_COLUMNS)
    lines = []
    for link in found:
        audio, visual = (plain_text.as_html(node.partition(":")[2]) for node in (link.audio_node, link.visual_node))
        numbers = (link.audio_soft, link.weight, link.visual_soft, link.strength)
        cells = "".join(f"<td>{value:.2f}</td>" for value in numbers)
        lines.append(f"<tr><th>● {audio}<br>{link.edge or '·'} ■ {visual}</th>{cells}</tr>")
    return f'{_TERM_STYLE}<table class="terms"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


_TERM_STYLE = """<style>
.terms { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.35; }
.terms td { font-variant-numeric: tabular-nums; }
.terms th, .terms td { padding: 5px 6px; border-bottom: 1px solid #8884; font-weight: 400; text-align: right; }
.terms th:first-child { text-align: left; padding-left: 2px; }
.terms thead th { opacity: .75; }
.terms td:last-child { font-weight: 600; }
</style>"""


def _table(loaded: LoadedRun, answers: Answers) -> str:
    sides = ("without", "with") if loaded.beside is None else ("left", "right")
    rows: list[list[object]] = [
        ["clip", "class", "kind", *(f"{what}_{s}" for what in ("rank", "cosine") for s in sides)]
    ]
    cosine = np.empty(answers.order.shape)
    np.put_along_axis(cosine, answers.order, answers.similarity, axis=1)
    known = len(answers.gallery) if answers.reach is None else answers.reach
    for position in answers.order[1]:
        clip = int(answers.gallery[position])
        ranks = [int(place) if place <= known else f">{known}" for place in answers.place[:, position]]
        name = loaded.clips.classes[int(loaded.clips.hard_label[clip])]
        cosines = [f"{value:.6f}" for value in cosine[:, position]]
        rows.append([loaded.clips.clip_ids[clip], name, answers.kinds[int(position)], *ranks, *cosines])
    return tables.as_csv(rows)
