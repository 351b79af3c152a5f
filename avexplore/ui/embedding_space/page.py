"""The embedding page: two maps, their colors, the clip that was clicked, and the change in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from avexplore.analysis import map_drift, tables
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.query_choice import PICKS
from avexplore.analysis.ranked_answers import DIRECTIONS
from avexplore.artifacts import MODALITIES, Clips, Projection
from avexplore.config import ProjectionConfig
from avexplore.drawing.maps import colors, packed
from avexplore.drawing.maps.colors import Mode, Paint
from avexplore.projection import MAX_CLIPS, project_pca
from avexplore.ui.embedding_space import component, selection
from avexplore.ui.parts import clip_card, job_progress
from avexplore.ui.parts.clip_selection import Choice, point_name, remember
from avexplore.ui.shell import links, session

SPLIT_CHOICES = ("test", "validation", "train", "all")


def draw(loaded: LoadedRun) -> None:
    """The whole page below its heading."""
    config = _parameters(loaded)
    projection = _projection(loaded, config)
    if projection is not None:
        _explore(loaded, projection)


# --- parameters ---------------------------------------------------------------------------------------------------


def _parameters(loaded: LoadedRun) -> ProjectionConfig:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        available = [mode for mode in colors.MODES if mode != "hidden" or loaded.clips.true_labels is not None]
        st.selectbox(
            "Color",
            available,
            format_func=lambda mode: colors.TITLES[mode],
            key="color",
            bind="query-params",
            width=220,
            help="Hidden labels are offered where the source knows all true labels; they are never trained on.",
        )
        present = [name for name in SPLIT_CHOICES if len(loaded.clips.rows(name)) >= 2]
        st.segmented_control("Clips", present, default=present[0], key="split", bind="query-params", required=True)
        with st.popover("Map parameters"):
            neighbors = st.slider(
                "Neighbors", 2, 100, 15, key="neighbors", bind="query-params",
                help="Few show fine groups, many the large shape. Also the k of all figures on this page.",
            )  # fmt: skip
            min_dist = st.slider(
                "Minimum distance", 0.0, 1.0, 0.1, 0.05, key="min_dist", bind="query-params",
                help="How tightly points may be packed.",
            )  # fmt: skip
            epochs = st.slider("Epochs", 50, 1000, 200, 50, key="epochs", bind="query-params")
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params")
            st.caption("A map of other parameters is computed when you ask for it, and kept with the run.")
    return ProjectionConfig(
        before=loaded.student.twin,
        after=loaded.student,
        split=st.session_state["split"],
        neighbors=int(neighbors),
        min_dist=float(min_dist),
        epochs=int(epochs),
        seed=int(seed),
    )


def _projection(loaded: LoadedRun, config: ProjectionConfig) -> Projection | None:
    rows = loaded.clips.rows(config.split)
    if len(rows) < 2:
        st.info("These clips are too few for a map. Choose another part of the data.")
        return None
    computed = _computed(config)
    projection = computed or _pca(f"{loaded.key}-{config.split}-{config.neighbors}-{config.seed}", loaded, config)
    if len(projection.rows) < len(rows):
        st.caption(f"{MAX_CLIPS:,} of {len(rows):,} clips, drawn evenly.")
    return projection


def _computed(config: ProjectionConfig) -> Projection | None:
    """The stored UMAP; otherwise an offer to compute it, its progress, or why it failed."""
    from avexplore.workbench import Missing

    answer = session.workbench().ask(config, start=False)
    if not isinstance(answer, Missing):
        found: Projection | None = job_progress.artifact(
            config, "UMAP of both embeddings", start=False, stop_page=False
        )
        return found
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "These are principal components, the plainest of maps. "
            + (f"{answer.reason}." if answer.reason else "UMAP takes their place once it is computed."),
            width="content",
        )
        if st.button("Compute UMAP", type="primary", key="compute-umap"):
            session.workbench().ask(config, start=True)
            st.rerun()
    return None


@st.cache_data(show_spinner="Principal components …", max_entries=8)
def _pca(address: str, _loaded: LoadedRun, _config: ProjectionConfig) -> Projection:
    rows = _loaded.clips.rows(_config.split)
    return project_pca(_loaded.before, _loaded.after, rows, neighbors=_config.neighbors, seed=_config.seed)


# --- maps ---------------------------------------------------------------------------------------------------------


@st.fragment
def _explore(loaded: LoadedRun, projection: Projection) -> None:
    mode: Mode = st.session_state.get("color", "class")
    key = f"maps-{loaded.key}"
    classes = len(loaded.clips.classes) if mode == "class" else 0
    count = len(loaded.clips.hard_label)
    choice = selection.current(projection, key=key, run=loaded.key, classes=classes, clips=count)
    maps, side = st.columns([7, 3], gap="medium")
    with maps:
        component.draw(_packed(loaded, projection, mode, choice), key=key)
    with side:
        if choice.picked is not None:
            _point(loaded, projection, choice.picked)
        elif choice.selected:
            _selection(loaded, projection, choice)
        else:
            st.info("Click a point to see its clip here, or drag around some to compare where they went.")
    _figures(projection)
    _tables(loaded, projection)


def _figures(projection: Projection) -> None:
    cells = st.columns(len(map_drift.SAID))
    for cell, (name, (label, explained)) in zip(cells, map_drift.SAID.items(), strict=True):
        cell.metric(label, f"{projection.metrics[name]:.3f}", help=explained)


def _packed(loaded: LoadedRun, projection: Projection, mode: Mode, choice: Choice) -> bytes:
    clips, rows = loaded.clips, projection.rows
    return packed.pack(
        projection,
        _paint(mode, loaded, projection),
        labels=np.asarray(clips.hard_label)[rows].tolist(),
        classes=clips.classes,
        ids=[clips.clip_ids[int(row)] for row in rows],
        picked=choice.picked,
        selected=choice.selected,
        lit=choice.lit,
        turn=choice.turn,
    )


def _paint(mode: Mode, loaded: LoadedRun, projection: Projection) -> Paint:
    rows = projection.rows
    labels = np.asarray(loaded.clips.hard_label)[rows]
    match mode:
        case "drift":
            return colors.by_steps("drift", projection.drift, (0.1, 0.2, 0.4, 0.6, 0.8), "neighbors lost")
        case "correct":
            right = _first_answers(f"{loaded.key}-{len(rows)}-{int(rows.sum())}", loaded, rows)
            return colors.by_first_answer(*right)
        case "confidence":
            sure = loaded.soft(rows).max(axis=2).reshape(-1)
            return colors.by_steps("confidence", sure, (0.2, 0.4, 0.6, 0.8, 0.9), "confidence")
        case "hidden" if loaded.clips.true_labels is not None:
            return colors.by_hidden_labels(loaded.clips, rows)
        case "split":
            return colors.by_split(np.asarray(loaded.clips.split)[rows])
        case _:
            return colors.by_class(labels, loaded.clips.classes, projection.drift)


@st.cache_data(show_spinner=False, max_entries=8)
def _first_answers(address: str, _loaded: LoadedRun, _rows: Any) -> tuple[Any, Any]:
    labels = np.asarray(_loaded.clips.hard_label)[_rows]
    found = []
    for e in (_loaded.before, _loaded.after):
        audio, visual = e.audio[_rows], e.visual[_rows]
        found.append(
            np.concatenate(
                [
                    colors.first_answer_right(audio, visual, labels),
                    colors.first_answer_right(visual, audio, labels),
                ]
            )
        )
    return found[0], found[1]


# --- what is chosen -----------------------------------------------------------------------------------------------


def _point(loaded: LoadedRun, projection: Projection, point: int) -> None:
    m = len(projection.rows)
    clip, modality = int(projection.rows[point % m]), MODALITIES[point // m]
    clip_card.draw(loaded, clip, key="point-labels")
    lost = float(projection.drift[point])
    st.caption(f"This is its {modality} point. It lost {lost:.0%} of its neighbors.")
    towards = st.segmented_control(
        "Nearest neighbors in the embedding itself, not on the map",
        ["both", "audio", "visual"],
        default="both",
        key="towards",
        bind="query-params",
        required=True,
    )
    candidates = MODALITIES if towards == "both" else (towards,)
    before, after = map_drift.neighbor_lists(loaded, projection.rows, point, candidates)
    _neighbors(loaded.clips, projection, before, after)
    direction = DIRECTIONS["audio-to-visual" if modality == "audio" else "visual-to-audio"]
    links.to("retrieval", "Ask this clip in Retrieval", {"query": str(clip), "direction": direction})


def _neighbors(
    clips: Clips,
    projection: Projection,
    before: Sequence[map_drift.Neighbor],
    after: Sequence[map_drift.Neighbor],
) -> None:
    m = len(projection.rows)

    def words(neighbor: map_drift.Neighbor) -> str:
        mark = "●" if neighbor.point < m else "▲"
        return f"{mark} {clips.classes[int(clips.hard_label[projection.rows[neighbor.point % m]])]}"

    def was(neighbor: map_drift.Neighbor, rank: int) -> str:
        moved = neighbor.other_rank - rank
        return "=" if not moved else f"{'↑' if moved > 0 else '↓'} {abs(moved)}"

    chosen = st.dataframe(
        {
            "Without LIR": [words(n) for n in before],
            "With LIR": [words(n) for n in after],
            "": [was(n, i + 1) for i, n in enumerate(after)],
        },
        column_config={
            "Without LIR": st.column_config.TextColumn(width=82),
            "With LIR": st.column_config.TextColumn(width=82),
            "": st.column_config.TextColumn(width=36, help="Ranks that the neighbor with LIR gained or lost"),
        },
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="neighbor-table",
        height="content",
    )
    picked = chosen["selection"]["rows"] if chosen else []
    if picked and st.button("Go to this neighbor", key="go-neighbor"):
        remember("point", point_name(projection, after[picked[0]].point))
        st.rerun(scope="fragment")


def _selection(loaded: LoadedRun, projection: Projection, choice: Choice) -> None:
    m = len(projection.rows)
    places = np.array(choice.selected)
    clips = np.unique(projection.rows[places % m])
    labels = np.asarray(loaded.clips.hard_label)
    counts = np.bincount(labels[clips], minlength=len(loaded.clips.classes))
    st.markdown(f"**{len(places):,} points of {len(clips):,} clips**")
    st.caption(f"They lost {float(projection.drift[places].mean()):.0%} of their neighbors; all points lost "
               f"{float(projection.drift.mean()):.0%}.")  # fmt: skip
    order = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]
    st.dataframe(
        {"Class": [loaded.clips.classes[c] for c in order], "Clips": [int(counts[c]) for c in order]},
        column_config={"Clips": st.column_config.ProgressColumn(format="%d", max_value=int(counts.max()))},
        hide_index=True,
        key="selection-classes",
        height="content" if len(order) <= 8 else 320,
    )
    word = {"lasso": st.query_params["lasso"]} if choice.linkable else {}
    links.to("retrieval", "Ask these clips in Retrieval", {"by": PICKS["lasso"], **word})
    if not choice.linkable:
        st.caption("These are more points than an address holds: a copied link shows the map without them.")
    st.download_button(
        "Selected points (CSV)", lambda: _table(loaded, projection, places), "selected-points.csv", "text/csv"
    )


# --- tables -------------------------------------------------------------------------------------------------------


def _tables(loaded: LoadedRun, projection: Projection) -> None:
    with st.expander("Change per class", expanded=False, key="per-class", on_change="rerun") as opened:
        if opened.open:
            _class_table(loaded, projection)
    st.download_button(
        "All coordinates (CSV)", lambda: _table(loaded, projection, np.arange(len(projection.drift))),
        "coordinates.csv", "text/csv", type="tertiary",
    )  # fmt: skip


def _class_table(loaded: LoadedRun, projection: Projection) -> None:
    rows = _class_rows(f"{loaded.key}-{projection.method}-{projection.before.tobytes()[:64]!r}", loaded, projection)
    share: dict[str, Any] = {"min_value": 0.0, "max_value": 1.0, "format": "%.2f"}
    st.dataframe(
        {
            "Class": [row.name for row in rows],
            "Clips": [row.clips for row in rows],
            "Kept, audio": [row.kept_audio for row in rows],
            "Kept, visual": [row.kept_visual for row in rows],
            "Procrustes": [row.procrustes for row in rows],
            "Trust, without": [row.trust_before for row in rows],
            "Trust, with": [row.trust_after for row in rows],
        },
        column_config={
            "Kept, audio": st.column_config.ProgressColumn(**share, help="Neighbors kept by its audio points"),
            "Kept, visual": st.column_config.ProgressColumn(**share, help="Neighbors kept by its visual points"),
            "Procrustes": st.column_config.NumberColumn(format="%.3f", help="Of the class's points, in the embedding"),
            "Trust, without": st.column_config.NumberColumn(format="%.3f"),
            "Trust, with": st.column_config.NumberColumn(format="%.3f"),
        },
        hide_index=True,
        key="class-table",
    )


@st.cache_data(show_spinner="Measuring each class …", max_entries=8)
def _class_rows(address: str, _loaded: LoadedRun, _projection: Projection) -> list[map_drift.ClassRow]:
    return map_drift.class_rows(_loaded, _projection)


def _table(loaded: LoadedRun, projection: Projection, points: Any) -> str:
    """Coordinates as CSV: one line per point."""
    m = len(projection.rows)
    rows = [["clip", "modality", "class", "x_without", "y_without", "x_with", "y_with", "neighbors_lost"]]
    for p in points:
        clip = int(projection.rows[p % m])
        where = [f"{v:.5f}" for v in (*projection.before[p], *projection.after[p])]
        name = loaded.clips.classes[int(loaded.clips.hard_label[clip])]
        rows.append([loaded.clips.clip_ids[clip], MODALITIES[p // m], name, *where, f"{projection.drift[p]:.4f}"])
    return tables.as_csv(rows)
