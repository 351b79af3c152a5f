"""The graph in files: to take away, to bring along, and as lines of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from avexplore.apart import apart
from avexplore.drawing.class_graph.build import shown
from avexplore.drawing.class_graph.svg import to_svg
from avexplore.errors import AvexploreError
from avexplore.ui.class_graph import exchange as exchange
from avexplore.ui.class_graph.picture_pane import place
from avexplore.ui.class_graph.state.kept_graphs import MOST
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from avexplore.drawing.class_graph.picture import Picture
    from avexplore.ui.class_graph.scene import Scene


def draw_files(scene: Scene, picture: Picture, view: dict[str, Any]) -> None:
    """Downloads, uploads, and the code."""
    _draw_downloads(scene, picture, view)
    _draw_upload(scene)
    st.markdown("**The same in Python**")
    of = scene.shown
    if not of.is_own:
        st.caption("This graph was not made by the controls of this page; the lines make the one that was.")
    wanted = scene.settings.stability if of.stability is not None else scene.settings.graph
    name = "stability" if of.stability is not None else "graph"
    st.code(exchange.to_python(wanted, name=name), language="python", wrap_lines=True)


def _draw_downloads(scene: Scene, picture: Picture, view: dict[str, Any]) -> None:
    from avexplore.graph.formats import ALL, write_graph

    st.markdown("**Take this graph with you**")
    graph, stability, probability = scene.shown.graph, scene.shown.stability, scene.pairs.probability
    drawn = shown(picture, view["threshold"], view["hidden"])
    edges = [edge.id for edge in drawn if edge.change != "removed"]
    counts = {"all": int(np.triu(graph.skeleton, 1).sum()), "shown": len(edges)}
    chosen = st.segmented_control(
        "Edges in the files",
        list(counts),
        default="all",
        required=True,
        format_func=lambda kind: f"{kind} {counts[kind]} edges" if kind == "all" else f"{counts[kind]} shown",
        key="g_save_edges",
        label_visibility="collapsed",
        help="The edges of the graph, or those that threshold and legend leave in the picture.",
    )
    # Downloads are made outside of the page's run, where there is no session: all they need is fetched here.
    written = exchange.only(graph, edges) if chosen == "shown" else graph
    arrangement = place(scene)
    with st.container(horizontal=True):
        for kind in ALL:
            if not kind.is_written:
                continue
            name, suffix = kind.name, kind.suffixes[0].lstrip(".")
            st.download_button(
                kind.title,
                lambda name=name: write_graph(written, name, stability, probability),  # type: ignore[misc]
                file_name=f"class_graph_{name}.{suffix}" if suffix == "txt" else f"class_graph.{suffix}",
                key=f"g-save-{name}",
                on_click="ignore",
            )
    said = (
        f"{counts[chosen]} edges in each file. CSV, GraphML, DOT and JSON also hold how probable it is that an edge's "
    )
    said += "classes come together"
    if stability is not None:
        null = " and of the graphs of shuffled data" if stability.null != "none" else ""
        said += f", its share of the bootstraps{null}, and its direction's"
    said += "; Tetrad and DAGitty know of no such figures, so their files hold the edges alone."
    st.caption(said)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "SVG",
            lambda: to_svg(picture, arrangement, view["threshold"], view["hidden"], causes=view["markCauses"]),
            file_name="class_graph.svg",
            mime="image/svg+xml",
            key="g-save-svg",
            on_click="ignore",
            help="A vector graphic of what is shown, for a paper. PNG: the arrow in the picture's tool bar.",
        )
        st.caption(f"The picture with its {len(drawn)} edges and a legend.")


def _draw_upload(scene: Scene) -> None:
    st.markdown("**Bring graphs to compare with**")
    if session.workbench().read_only:
        st.caption("This avexplore takes no uploads. Start your own to compare with graphs of yours.")
        return
    from avexplore.graph.formats import ALL, SUFFIXES

    uploads = st.file_uploader(
        ", ".join(kind.title for kind in ALL),
        type=[suffix.lstrip(".") for suffix in SUFFIXES],
        key="g-import",
        max_upload_size=5,
        accept_multiple_files=True,
        help="Nodes are named audio:X, audio_X or audio.X, and so for visual. Tables may also be adjacency matrices or "
        "bnlearn's strengths. The graphs then stand under Compare.",
    )
    for sentence in st.session_state.get("graph_import_notes", []):
        st.caption(as_markdown(sentence))
    known = st.session_state.setdefault("graph_import_files", [])
    new = [upload for upload in uploads if upload.file_id not in known]
    if new:
        known += [upload.file_id for upload in new]
        if _import(scene, new):
            st.rerun()


def _import(scene: Scene, uploads: list[UploadedFile]) -> bool:
    """Keep the graphs in some files; False if one of them could not be read, which is said."""
    folder = session.workbench().store.root / "imported-graphs"
    state = st.session_state
    clean = True
    state.graph_import_notes = []
    for upload in uploads:
        try:
            found = apart(exchange.keep_import, folder, upload.name, upload.getvalue(), scene.nodes, seconds=30.0)
        except AvexploreError as error:
            st.error(as_markdown(str(error)))
            clean = False
            continue
        state.graph_imports = [*(one for one in state.graph_imports if one != found), found][-MOST:]
        state.graph_compare_next = f"import-{found}"
        graph = exchange.kept_import(folder, found)
        if graph is not None:
            edges = len(graph.edges())
            state.graph_import_notes += [f"{upload.name}: {edges} edges between {len(graph.nodes)} classes."]
            state.graph_import_notes += graph.warnings
    return clean
