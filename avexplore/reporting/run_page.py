"""A run as one page that opens from a file: class graph, both maps and ranked lists, with the app's own front ends.

A content security policy in the page forbids it every request.
"""

from __future__ import annotations

import base64
import html
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avexplore.analysis import headline, tables
from avexplore.analysis.opening_question import OpeningQuestion, opening_question
from avexplore.artifacts import IntArray
from avexplore.drawing.answers import payload as answers
from avexplore.drawing.class_graph import sources as graph_sources
from avexplore.drawing.class_graph.arrangement import of_classes
from avexplore.drawing.class_graph.build import build_picture, class_support, first_threshold
from avexplore.drawing.class_graph.first_view import first_view
from avexplore.drawing.class_graph.layout_candidates import layout_of, soft_label_correlation
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import class_groups
from avexplore.drawing.one_module import front_end
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.reporting.whole_run import WholeRun

STAGE = (1080.0, 560.0)
"""Pixels of the class graph."""
MOST_QUERIES = 500
"""Of more test clips, so many ask, evenly spaced: the page stays a few megabytes."""
TOP = 10


def page(run: WholeRun) -> str:
    """The page, with everything in it."""
    clips = run.loaded.clips
    test = clips.rows("test")
    first = opening_question(run.loaded.before, run.loaded.after, clips)
    spread = np.unique(np.linspace(0, len(test) - 1, min(len(test), MOST_QUERIES)).astype(int))
    queries = np.union1d(test[spread], [first.clip])
    content = {
        "graph": _graph(run),
        "maps": base64.b64encode(_maps(run)).decode(),
        "mapRows": run.projection.rows.tolist(),
        "answers": answers.many(run.loaded, queries, test, TOP),
        "first": {"clip": first.clip, "direction": first.direction},
        "sources": _sources(),
    }
    text = (_frontend("run.html")).replace("/*STYLE*/", _frontend("run.css"))
    words = _words(run, queries, first)
    for name, value in words.items():
        text = text.replace(f"<!--{name}-->", value)
    # The data last: nothing that a class is called can stand for a place of the page.
    before, after = text.split("/*CODE*/")
    code = _frontend("run.js")
    head, tail = before.split("/*DATA*/")
    return head + _inert(content) + tail + code + after


def _inert(content: Any) -> str:
    """JSON that no HTML parser takes for an end of its script."""
    return json.dumps(content, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _frontend(name: str) -> str:
    return (Path(__file__).parent / "frontend" / name).read_text(encoding="utf-8")


@cache
def _sources() -> dict[str, Any]:
    many = (answers.FRONTEND / "many.js").read_text(encoding="utf-8")
    return {
        "graph": {**front_end("view", graph_sources.FRONTEND), "loader": graph_sources.loader_source()},
        "maps": front_end("view", packed.FRONTEND),
        "answers": {**front_end("view", answers.FRONTEND), "many": many},
    }


def _graph(run: WholeRun) -> dict[str, Any]:
    labels = run.loaded.soft_labels
    picture = build_picture(
        run.loaded.graph,
        run.stability,
        support=class_support(labels),
        universe=run.loaded.key,
        given=False,
        probability=run.probability,
        correlation=np.nan_to_num(soft_label_correlation(labels)),
        possible_causes=(possible := hidden_causes(run.loaded.graph)),
    )
    view = {**first_view(), "threshold": first_threshold(picture), "auto": True, "serial": run.loaded.key, "seen": 0}
    arrangement = of_classes(layout_of(labels, run.stability, STAGE), run.loaded.key)
    return to_payload(picture, arrangement, view=view, height=int(STAGE[1]), can_mark_causes=possible is not None)


def _maps(run: WholeRun) -> bytes:
    found = facets.of_run(run.loaded, run.projection, class_groups(run.loaded.soft_labels, run.stability))
    return packed.pack(packed.content_of(run.loaded, run.projection, found))


def _words(run: WholeRun, queries: IntArray, first: OpeningQuestion) -> dict[str, str]:
    loaded, (before, after) = run.loaded, run.reports
    clips = loaded.clips
    test = len(clips.rows("test"))
    annotated, hidden = (headline.change(before, after, figure) for figure in ("map", "hidden_pair_ap"))
    assert annotated is not None, "every report keeps the average precision of each query"
    said = headline.headline(annotated, hidden, test)
    cells = tables.cells(tables.comparison(before, after))
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in cells[0])
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells[1:])
    asked = f"{test:,} test clips" if len(queries) == test else f"{len(queries):,} of the {test:,} test clips"
    asked += (
        " ask, in both directions; all test clips may be answers. First shown is the question that gains most right "
        f"answers with LIR. {first.tally}"
    )
    return {
        "TITLE": html.escape(run.name),
        "SOURCE": html.escape(clips.source or "The synthetic benchmark"),
        "VERDICT": html.escape(said.verdict),
        "FIGURES": html.escape(said.figures),
        "ASKED": html.escape(asked),
        "TABLE": f"<table><tr>{head}</tr>{rows}</table>",
        "ADDRESS": html.escape(loaded.student.address),
    }
