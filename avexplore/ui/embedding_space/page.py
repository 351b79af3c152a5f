"""The embedding page: two maps beside facets, a table of the clips that are chosen, the clip that was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from avexplore.analysis import clip_labels, map_drift, tables
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.query_choice import PICKS
from avexplore.analysis.ranked_answers import DIRECTIONS
from avexplore.artifacts import MODALITIES, GraphStability, IntArray, Projection, SoftLabels
from avexplore.config import ProjectionConfig
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import ClassGroups, class_groups
from avexplore.drawing.maps.facets import Facet
from avexplore.projection import project_pca
from avexplore.ui.embedding_space import component, selection
from avexplore.ui.embedding_space.selection import Choice
from avexplore.ui.parts import clip_card, clip_media, job_progress, lasso_address
from avexplore.ui.parts.clip_selection import places_of, point_name, remember
from avexplore.ui.shell import links, session

SPLIT_CHOICES = ("test", "validation", "train", "all")
LISTED = 200
"""Rows of the table of clips; the CSV has all."""
# The maps are what this page is for: they get the room.
STYLE = """<style>
.stMainBlockContainer { padding: var(--avx-top, 3.2rem) 1rem var(--avx-bottom, 1.5rem); }
.stMainBlockContainer > [data-testid="stVerticalBlock"] { gap: .75rem; }
</style>"""


def draw(loaded: LoadedRun) -> None:
    """The whole page below its heading."""
    st.html(STYLE)
    config = _parameters(loaded)
    projection = _projection(loaded, config)
    if projection is not None:
        _explore(loaded, projection)


# --- parameters ---------------------------------------------------------------------------------------------------


def _parameters(loaded: LoadedRun) -> ProjectionConfig:
    with st.container(horizontal=True, vertical_alignment="center"):
        present = [name for name in SPLIT_CHOICES if len(loaded.clips.rows(name)) >= 2]
        st.segmented_control(
            "Clips", present, default=present[0], key="split", bind="query-params", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
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
        *loaded.students,
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
    projection = computed or _pca(f"{loaded.pair}-{config.split}-{config.neighbors}-{config.seed}", loaded, config)
    if words := _what_is_shown(projection, len(rows)):
        st.caption(words)
    return projection


def _what_is_shown(projection: Projection, clips: int) -> str:
    """Which clips stand on the maps and how they got there, where that needs words."""
    m, laid_out = len(projection.rows), projection.laid_out
    said = []
    if m < clips:
        said.append(f"{m:,} of {clips:,} clips are shown, drawn evenly.")
    if laid_out < m:
        said.append(f"{laid_out:,} clips, drawn evenly, were laid out; the other {m - laid_out:,} stand beside their "
                    "nearest ones and were not asked for a first answer.")  # fmt: skip
    return " ".join(said)


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
    key = f"maps-{loaded.pair}"
    address = _address(loaded, projection)
    found = _facets(address, loaded, projection, _groups(loaded))
    choice = selection.current(projection, found, key=key, run=loaded.key, clips=len(loaded.clips.hard_label))
    component.draw(packed.pack(_content(address, loaded, projection, found), **choice.sent()), key=key)
    points = choice.points(found, len(projection.drift))
    if choice.picked is None:
        _chosen(loaded, projection, found, choice, points)
    else:
        table, side = st.columns([2, 1], gap="medium")
        with table:
            _chosen(loaded, projection, found, choice, points)
        with side:
            _point(loaded, projection, choice.picked)
    _figures(projection)
    _tables(loaded, projection, found)


def _address(loaded: LoadedRun, projection: Projection) -> str:
    return f"{loaded.pair}-{projection.method}-{projection.before[:8].tobytes()!r}-{len(projection.rows)}"


@st.cache_resource(show_spinner=False, max_entries=4)
def _content(address: str, _loaded: LoadedRun, _projection: Projection, found: Sequence[Facet]) -> packed.Content:
    return packed.content_of(_loaded, _projection, found)


def _figures(projection: Projection) -> None:
    cells = st.columns(len(map_drift.SAID))
    for cell, (name, (label, explained)) in zip(cells, map_drift.SAID.items(), strict=True):
        cell.metric(label, f"{projection.metrics[name]:.3f}", help=explained)


@st.cache_data(show_spinner="Asking with every clip …", max_entries=8)
def _facets(address: str, _loaded: LoadedRun, _projection: Projection, _groups: ClassGroups) -> tuple[Facet, ...]:
    return facets.of_run(_loaded, _projection, _groups)


def _groups(loaded: LoadedRun) -> ClassGroups:
    config = loaded.student.stability
    stability = None if config is None else job_progress.cached_or_quick(config)
    return _groups_by(f"{loaded.key}-{stability is None}", loaded.soft_labels, stability)


@st.cache_data(show_spinner=False, max_entries=16)
def _groups_by(address: str, _labels: SoftLabels, _stability: GraphStability | None) -> ClassGroups:
    return class_groups(_labels, _stability)


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
    _neighbors(loaded, projection, before, after)
    direction = DIRECTIONS["audio-to-visual" if modality == "audio" else "visual-to-audio"]
    links.to("retrieval", "Ask this clip in Retrieval", {"query": str(clip), "direction": direction})


def _neighbors(
    loaded: LoadedRun,
    projection: Projection,
    before: Sequence[map_drift.Neighbor],
    after: Sequence[map_drift.Neighbor],
) -> None:
    m, clips = len(projection.rows), loaded.clips

    def words(neighbor: map_drift.Neighbor) -> str:
        mark = "●" if neighbor.point < m else "■"
        return f"{mark} {clips.classes[int(clips.hard_label[projection.rows[neighbor.point % m]])]}"

    def was(neighbor: map_drift.Neighbor, rank: int) -> str:
        moved = neighbor.other_rank - rank
        return "=" if not moved else f"{'↑' if moved > 0 else '↓'} {abs(moved)}"

    chosen = st.dataframe(
        {
            loaded.titles[0]: [words(n) for n in before],
            loaded.titles[1]: [words(n) for n in after],
            "": [was(n, i + 1) for i, n in enumerate(after)],
        },
        column_config={
            **{title: st.column_config.TextColumn(width=118) for title in loaded.titles},
            "": st.column_config.TextColumn(width=36, help="Ranks that the neighbor on the right gained or lost"),
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


def _chosen(
    loaded: LoadedRun, projection: Projection, found: Sequence[Facet], choice: Choice, points: IntArray
) -> None:
    """The clips that are chosen, and what can be done with them."""
    m = len(projection.rows)
    clips = np.unique(projection.rows[points % m])
    with st.container(horizontal=True, vertical_alignment="center"):
        if choice.is_narrowed:
            lost = f"{float(projection.drift[points].mean()):.0%}" if len(points) else "none"
            st.markdown(
                f"**{len(points):,} points of {len(clips):,} clips**. They lost {lost} of their neighbors; all points "
                f"lost {float(projection.drift.mean()):.0%}."
            )
            if len(points):
                _onward(loaded, projection, found, points)
        else:
            st.markdown(f"**{len(clips):,} clips**. Click a point or a row for its clip, a bar to filter.")
    if len(clips):
        _clip_table(loaded, projection, clips)


def _onward(loaded: LoadedRun, projection: Projection, found: Sequence[Facet], points: IntArray) -> None:
    word = lasso_address.write(places_of(projection, points))
    st.download_button(
        "Chosen points (CSV)", lambda: _table(loaded, projection, found, points), "chosen-points.csv", "text/csv",
        type="tertiary",
    )  # fmt: skip
    if word:
        links.to("retrieval", "Ask these clips in Retrieval", {"by": PICKS["lasso"], "lasso": word})
    else:
        st.caption("These are more points than a link holds.")


def _clip_table(loaded: LoadedRun, projection: Projection, chosen: IntArray) -> None:
    """Clips, those whose neighbors changed most first; a row that is clicked picks the clip's point."""
    m, clips = len(projection.rows), loaded.clips
    lost = np.zeros(len(clips.hard_label))
    lost[projection.rows] = projection.drift.reshape(2, m).mean(axis=0)
    shown = [int(row) for row in chosen[np.argsort(-lost[chosen], kind="stable")][:LISTED]]
    soft = loaded.soft(np.array(shown))
    columns: dict[str, Any] = {}
    pictures = clip_media.thumbnails(clips, shown)
    if pictures is not None:
        columns["Picture"] = pictures
    columns["Clip"] = [clip_labels.clip_name(clips, row) for row in shown]
    columns["Annotated"] = [clips.classes[int(clips.hard_label[row])] for row in shown]
    if clips.true_labels is not None:
        columns["Also there, not annotated"] = [
            ", ".join(clips.classes[c] for c in clip_labels.hidden_classes(clips, row)) for row in shown
        ]
    for side, word in enumerate(("hears", "sees")):
        columns[f"Teacher {word}"] = [
            f"{clips.classes[int(values.argmax())]} {float(values.max()):.0%}" for values in soft[side]
        ]
    columns["Neighbors lost"] = 100 * lost[shown]
    key = f"clip-table-{hash(tuple(shown))}"

    def pick() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        remember("point", f"visual-{shown[rows[0]]}" if rows else "")

    st.dataframe(
        columns,
        column_config={
            "Picture": st.column_config.ImageColumn(width=84),
            "Neighbors lost": st.column_config.NumberColumn(format="%.0f %%", width=104),
        },
        hide_index=True,
        on_select=pick,
        selection_mode="single-row",
        key=key,
        height=min((60 if pictures else 36) * len(shown) + 38, 396),
        row_height=60 if pictures else None,
    )
    if len(chosen) > LISTED:
        st.caption(f"The {LISTED} whose neighbors changed most; the CSV has all.")


# --- tables -------------------------------------------------------------------------------------------------------


def _tables(loaded: LoadedRun, projection: Projection, found: Sequence[Facet]) -> None:
    with st.expander("Change per class", expanded=False, key="per-class", on_change="rerun") as opened:
        if opened.open:
            _class_table(loaded, projection)
    st.download_button(
        "All points (CSV)", lambda: _table(loaded, projection, found, np.arange(len(projection.drift))),
        "points.csv", "text/csv", type="tertiary",
    )  # fmt: skip


def _class_table(loaded: LoadedRun, projection: Projection) -> None:
    rows = _class_rows(_address(loaded, projection), loaded, projection)
    share: dict[str, Any] = {"min_value": 0.0, "max_value": 1.0, "format": "%.2f"}
    st.dataframe(
        {
            "Class": [row.name for row in rows],
            "Clips": [row.clips for row in rows],
            "Kept, audio": [row.kept_audio for row in rows],
            "Kept, visual": [row.kept_visual for row in rows],
            "Procrustes": [row.procrustes for row in rows],
            "Trust, left": [row.trust_before for row in rows],
            "Trust, right": [row.trust_after for row in rows],
        },
        column_config={
            "Kept, audio": st.column_config.ProgressColumn(**share, help="Neighbors kept by its audio points"),
            "Kept, visual": st.column_config.ProgressColumn(**share, help="Neighbors kept by its visual points"),
            "Procrustes": st.column_config.NumberColumn(format="%.3f", help="Of the class's points, in the embedding"),
            "Trust, left": st.column_config.NumberColumn(format="%.3f"),
            "Trust, right": st.column_config.NumberColumn(format="%.3f"),
        },
        hide_index=True,
        key="class-table",
    )


@st.cache_data(show_spinner="Measuring each class …", max_entries=8)
def _class_rows(address: str, _loaded: LoadedRun, _projection: Projection) -> list[map_drift.ClassRow]:
    return map_drift.class_rows(_loaded, _projection)


def _table(loaded: LoadedRun, projection: Projection, found: Sequence[Facet], points: IntArray) -> str:
    """Points as CSV: where they are on both maps, and what each facet says of them."""
    m, ids = len(projection.rows), loaded.clips.clip_ids
    columns: dict[str, list[str]] = {
        "clip": [ids[row] for row in projection.rows[points % m].tolist()],
        "modality": [MODALITIES[side] for side in (points // m).tolist()],
    }
    for facet in found:
        if facet.name != "modality":
            names = [entry.name for entry in facet.entries]
            columns[facet.name] = [names[code] for code in np.resize(facet.code, 2 * m)[points].tolist()]
    for side, places in (("without", projection.before), ("with", projection.after)):
        for axis, letter in enumerate("xy"):
            columns[f"{letter}_{side}"] = [f"{value:.5f}" for value in places[points, axis].tolist()]
    columns["neighbors_lost"] = [f"{value:.4f}" for value in projection.drift[points].tolist()]
    return tables.as_csv([list(columns), *zip(*columns.values(), strict=True)])
