"""What hangs together on the page, in a real browser: tables and matrix with the picture, files, code, the address."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from avexplore.ui.class_graph.details.tables import MATRICES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

Edges = set[tuple[str, str, bool]]


@pytest.fixture
def shown(screen: Any, server: str) -> Any:
    return screen.open(f"{server}/class_graph")


def edges_of(graph: Any) -> Edges:
    """(source, target, directed); an undirected edge with its ends in alphabetical order."""
    return {(a, b, True) if directed else (*sorted((a, b)), False) for a, b, directed in graph.edges()}


def save(shown: Any, name: str) -> str:
    with shown.page.expect_download() as waiting:
        shown.page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


# --- table and matrix ---------------------------------------------------------------------------------------------


def test_a_cell_of_the_matrix_selects_in_the_picture_and_the_panel(screen: Any, server: str, made_home: Any) -> None:
    screen.open(f"{server}/class_graph?{urlencode({'g_tab': 'Matrix', 'g_matrix': MATRICES['correlation']})}")
    plot = screen.page.locator(".js-plotly-plot")
    plot.wait_for()
    plot.scroll_into_view_if_needed()
    screen.calm()
    i, j = 4, 9
    # Where plotly itself says that this cell lies.
    at = plot.evaluate(
        """(plot, [i, j]) => {
          const { xaxis, yaxis } = plot._fullLayout;
          return { x: xaxis._offset + xaxis.d2p(j), y: yaxis._offset + yaxis.d2p(i) };
        }""",
        [i, j],
    )
    box = plot.bounding_box()
    screen.page.mouse.move(box["x"] + at["x"] - 2, box["y"] + at["y"])
    screen.page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    screen.until("stage.view.selection?.id === argument", f"e{i}-{j}")
    screen.page.wait_for_url(f"**pick=e{i}-{j}**")
    label = made_home.labels.nodes[i].split(":", 1)[1]
    screen.page.wait_for_function(
        "(name) => document.querySelector('.st-key-graph-panel h4').textContent.includes(name)", arg=label
    )
    screen.panel_says(f"{made_home.stability.correlation[i, j]:+.2f}")


def test_the_table_has_one_row_per_edge_in_the_picture(shown: Any) -> None:
    shown.calm()
    drawn = shown.stage("stage.visible.filter(e => e.type === 'learned').length")
    # The first row of the grid's accessible table is its head.
    shown.page.locator(".st-key-graph-details [data-testid=stDataFrame]").scroll_into_view_if_needed()
    shown.page.wait_for_function(
        "(rows) => document.querySelectorAll('.st-key-graph-details [role=row]').length === rows", arg=drawn + 1
    )


def test_a_selected_edge_comes_first_in_the_table(shown: Any) -> None:
    last = shown.stage("stage.data.edges.filter(e => e.type === 'learned').at(-1).id")
    shown.page.get_by_text("Also the edges that the picture leaves out").click()
    shown.page.wait_for_url("**g_all_edges=true**")
    shown.stage("stage.select({ kind: 'edge', id: argument })", last)
    shown.page.wait_for_url(f"**pick={last}**")
    names = shown.stage(
        "[stage.edge.get(argument).from, stage.edge.get(argument).to].map(id => stage.nameOf(id))", last
    )
    shown.page.locator(".st-key-graph-details").get_by_text("Sort by a column").scroll_into_view_if_needed()
    shown.page.wait_for_function(
        """(names) => {
          const row = document.querySelector('.st-key-graph-details [role=row][aria-rowindex="2"]');
          return row && names.every((name) => row.textContent.includes(name));
        }""",
        arg=names,
    )


# --- keys, paths, full screen -------------------------------------------------------------------------------------


def test_shift_click_highlights_the_directed_paths_between_two_classes(shown: Any, made_home: Any) -> None:
    import networkx as nx

    shown.page.locator("input.threshold").evaluate(
        "(e) => { e.value = 0; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }"
    )
    graph = nx.DiGraph(np.argwhere(made_home.graph.adjacency).tolist())
    chains = [
        (a, b)
        for a in graph
        for b in graph
        if a != b and nx.has_path(graph, a, b) and made_home.graph.adjacency[a, b] == 0
    ]
    start, goal = chains[0]
    shown.page.mouse.click(*shown.point(f"n{start}"))
    shown.page.keyboard.down("Shift")
    shown.page.mouse.click(*shown.point(f"n{goal}"))
    shown.page.keyboard.up("Shift")
    shown.page.wait_for_url(f"**path=n{start}-n{goal}**")
    between = {start, goal} | (nx.descendants(graph, start) & nx.ancestors(graph, goal))
    bright = shown.stage("[...stage.looks].filter(([, look]) => look !== 'dim').map(([id]) => id)")
    assert set(bright) == {f"n{node}" for node in between}
    assert "paths from" in shown.page.locator(".graph-view .status").inner_text()


def test_full_screen_fills_the_screen_and_says_what_is_selected(shown: Any) -> None:
    shown.page.mouse.click(*shown.point("n3"))
    before = shown.page.locator(".graph-view .canvas").bounding_box()
    positions = shown.positions()
    assert shown.page.locator(".graph-view .status").inner_text() == "", "beside the panel, nothing is said twice"
    shown.page.get_by_role("button", name="Full screen").last.click()
    shown.page.wait_for_function("() => document.fullscreenElement !== null")
    shown.page.wait_for_function(
        "() => { const { width, height } = window.graphStage().root.getBoundingClientRect();"
        " return width >= innerWidth - 1 && height >= innerHeight - 1; }"
    )
    shown.until("stage.status.textContent.length > 0")
    assert shown.stage("stage.nameOf('n3')") in shown.page.locator(".graph-view .status").inner_text()
    assert shown.page.locator(".graph-view .canvas").bounding_box()["width"] > before["width"]
    assert shown.positions() == positions, "larger, and otherwise the same picture"
    shown.page.evaluate("() => document.exitFullscreen()")
    shown.until(
        "Math.abs(stage.canvas.getBoundingClientRect().width - argument) < 2 && stage.status.textContent === ''",
        before["width"],
    )


def test_keys_lower_the_threshold_undo_redo_and_explain_themselves(shown: Any) -> None:
    canvas = shown.page.locator(".graph-view .canvas")
    shown.page.mouse.click(*shown.point("n3"))
    canvas.press("+")
    threshold = shown.stage("stage.view.threshold")
    canvas.press("-")
    assert shown.stage("stage.view.threshold") == pytest.approx(max(threshold - 0.05, 0))
    canvas.press("?")
    assert "undo, redo" in shown.page.locator(".graph-view .keys").inner_text()
    canvas.press("Escape")
    assert not shown.page.locator(".graph-view .keys").is_visible()
    handle = shown.page.get_by_role("slider", name="Penalty")
    handle.focus()
    handle.press("ArrowRight")
    shown.page.wait_for_url("**graph.penalty_discount-2.5**")
    shown.until("stage.data.canUndo")
    canvas.press("u")
    shown.until("stage.data.canRedo")
    shown.page.wait_for_function("() => !location.search.includes('graph.penalty_discount')")
    canvas.press("U")
    shown.page.wait_for_url("**graph.penalty_discount-2.5**")


def test_what_python_says_waits_for_what_the_reader_just_did(shown: Any) -> None:
    shown.calm()
    push = """(() => {
      stage.change({ threshold: 0.35 }, false);
      const push = (seen) => {
        const view = { ...stage.data.view, threshold: 0.9, serial: "another", seen };
        stage.show({ ...stage.data, view }, stage.setStateValue, stage.setTriggerValue);
        return stage.view.threshold;
      };
      return [push(stage.touched - 1), push(stage.touched)];
    })()"""
    assert shown.stage(push) == [0.35, 0.9]


def test_an_edge_is_required_by_right_click_undone_and_redone(shown: Any) -> None:
    edge = next(
        edge
        for edge in shown.stage("stage.visible.filter(e => e.type === 'learned').map(e => ({ ...e }))")
        if _can_be_hit(shown, edge["id"])
    )
    shown.page.mouse.click(*shown.edge_point(edge["id"]), button="right")
    shown.page.get_by_role("menuitem", name="Require").first.click()
    required = "stage.data.edges.some(e => e.id === argument && e.knowledge === 'required')"
    shown.until(required, edge["id"])
    assert "knowledge.required" in shown.page.url
    shown.until("stage.data.canUndo")
    canvas = shown.page.locator(".graph-view .canvas")
    canvas.press("u")
    shown.until(f"!{required}", edge["id"])
    shown.until("stage.data.canRedo")
    canvas.press("U")
    shown.until(required, edge["id"])


def _can_be_hit(shown: Any, edge: str) -> bool:
    try:
        shown.edge_point(edge)
    except TypeError:
        return False
    return True


def test_the_legend_hides_links_between_the_two_sides_of_a_class(shown: Any) -> None:
    shown.page.get_by_text("More filters").click()
    shown.page.get_by_label("A class heard with the same class seen").uncheck()
    assert shown.stage("stage.visible.every(e => !e.same)")
    shown.page.wait_for_url("**same=0**")


# --- files and code -----------------------------------------------------------------------------------------------


@pytest.fixture
def files(screen: Any, server: str) -> Any:
    screen.open(f"{server}/class_graph?g_tab=In%20and%20out")
    screen.calm()
    return screen


def test_csv_is_read_by_the_csv_module(files: Any, made_home: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(save(files, "CSV"))))
    found = {frozenset((row["Cause"], row["Effect"])) for row in rows}
    assert found == {frozenset(name.replace(":", "_", 1) for name in edge[:2]) for edge in made_home.graph.edges()}


def test_graphml_is_read_by_networkx(files: Any, made_home: Any) -> None:
    import networkx as nx

    graph = nx.parse_graphml(save(files, "GraphML"))
    pairs = {frozenset(pair) for pair in graph.edges()}
    names = {node: data.get("name", data.get("label", node)) for node, data in graph.nodes(data=True)}
    assert set(names.values()) == set(made_home.graph.nodes)
    wanted = {frozenset((a, b)) for a, b, _ in made_home.graph.edges()}
    assert {frozenset(names[node] for node in pair) for pair in pairs} == wanted


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pydot's own
def test_dot_is_read_by_pydot(files: Any, made_home: Any) -> None:
    pydot = pytest.importorskip("pydot")
    (graph,) = pydot.graph_from_dot_data(save(files, "DOT"))
    assert len(graph.get_edges()) == len(made_home.graph.edges())


def test_json_is_read_by_the_json_module(files: Any, made_home: Any) -> None:
    content = json.loads(save(files, "JSON"))
    assert len(content["edges"]) == len(made_home.graph.edges())
    assert len(content["nodes"]) == len(made_home.graph.nodes)


def test_tetrad_and_dagitty_texts_hold_every_edge(files: Any, made_home: Any) -> None:
    directed = sum(directed for *_, directed in made_home.graph.edges())
    undirected = len(made_home.graph.edges()) - directed
    tetrad = save(files, "Tetrad")
    assert "Graph Nodes" in tetrad
    assert len(re.findall(r"^\d+\. .* --> ", tetrad, re.M)) == directed
    assert len(re.findall(r"^\d+\. .* --- ", tetrad, re.M)) == undirected
    dagitty = save(files, "DAGitty")
    assert dagitty.count(" -> ") == directed
    assert dagitty.count(" -- ") == undirected


def test_every_format_that_can_be_imported_comes_back_as_the_same_graph(files: Any, made_home: Any) -> None:
    from avexplore.graph.formats import read_graph

    for name, format in (("GraphML", "graphml"), ("DOT", "dot"), ("JSON", "json")):
        again = read_graph(save(files, name), format, nodes=made_home.graph.nodes)
        assert edges_of(again) == edges_of(made_home.graph), name


def test_svg_shows_what_the_picture_shows(files: Any) -> None:
    root = ElementTree.fromstring(save(files, "SVG"))  # noqa: S314 - our own file
    drawn = files.stage("stage.visible.filter(e => e.type === 'learned').length")
    strands, bars = (
        root.findall(".//{*}path[@stroke-opacity]"),
        root.findall("./{*}g[@class='nodes']/{*}path[@class='bar']"),
    )
    assert len(strands) + len(bars) == drawn
    assert len(root.findall("./{*}g[@class='nodes']/{*}path[@class='heard']")) == 6
    files.page.get_by_text(f"The picture with its {drawn} edges").wait_for()


def test_files_hold_all_edges_or_those_shown_and_say_how_many(files: Any, made_home: Any) -> None:
    files.page.locator("input.threshold").evaluate(
        "(e) => { e.value = 0.9; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }"
    )
    files.page.wait_for_url("**at_least=0.9**")
    drawn = files.stage("stage.visible.filter(e => e.type === 'learned').length")
    assert drawn < len(made_home.graph.edges())
    files.page.get_by_text(f"{len(made_home.graph.edges())} edges in each file").wait_for()
    files.page.get_by_text(f"{drawn} shown", exact=True).click()
    files.page.get_by_text(f"{drawn} edges in each file").wait_for()
    rows = list(csv.DictReader(io.StringIO(save(files, "CSV"))))
    assert len(rows) == drawn
    assert all(float(row["Bootstraps"]) >= 0.9 for row in rows)
    assert {"Direction", "Null"} <= set(rows[0])


def test_png_is_a_picture_of_the_canvas(shown: Any) -> None:
    from PIL import Image

    with shown.page.expect_download() as waiting:
        shown.page.get_by_role("button", name="Save the picture as PNG").click()
    with Image.open(waiting.value.path()) as picture:
        size = shown.stage("[stage.canvas.querySelector('canvas').width, stage.canvas.querySelector('canvas').height]")
        assert list(picture.size) == size
        assert len(picture.convert("RGB").getcolors(1_000_000)) > 20, "more than an empty sheet"


def test_imported_graphs_are_compared_and_counted_together(files: Any, made_home: Any, tmp_path: Path) -> None:
    graph = made_home.graph
    i, j = (int(k) for k in np.argwhere(np.triu(graph.skeleton, 1))[0])
    free = next(map(tuple, np.argwhere(np.triu(~graph.skeleton, 1))))
    names = [name.replace(":", "_", 1) for name in graph.nodes]
    for name, pairs in (("one.csv", [(i, j)]), ("two.csv", [(i, j), free])):
        rows = [f"{k},{_quoted(names[a])},{_quoted(names[b])}" for k, (a, b) in enumerate(pairs)]
        (tmp_path / name).write_text("\n".join([",Cause,Effect", *rows]) + "\n", encoding="utf-8")
    files.page.locator("input[type=file]").set_input_files([tmp_path / "one.csv", tmp_path / "two.csv"])
    files.until("stage.data.compared !== null")
    files.page.wait_for_function("() => (location.search.match(/import=([0-9a-f.]+)/)?.[1] ?? '').length === 33")
    changes = files.stage("Object.fromEntries(stage.data.edges.map(e => [e.id, e.change]))")
    assert changes[f"e{free[0]}-{free[1]}"] == "removed"
    assert changes[f"e{i}-{j}"] in ("kept", "half", "reversed")
    assert sum(change == "added" for change in changes.values()) == len(graph.edges()) - 1
    files.page.get_by_text("links are shared").wait_for()
    matrix = urlencode({"g_tab": "Matrix", "g_matrix": MATRICES["graphs"]})
    files.page.goto(files.page.url.replace("g_tab=In+and+out", matrix))
    files.ready()
    plot = files.page.locator(".js-plotly-plot")
    plot.wait_for()
    z = plot.evaluate("(plot) => Array.from(plot.calcdata[0][0].z, (row) => Array.from(row))")
    assert z[i][j] == pytest.approx(1), "in all three graphs"
    assert z[free[1]][free[0]] == pytest.approx(1 / 3), "in one of three, whatever its direction"
    assert "3 graphs." in files.page.locator("[data-testid=stMain]").inner_text()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- the address --------------------------------------------------------------------------------------------------


def test_the_address_of_a_busy_screen_shows_the_same_to_a_colleague(
    shown: Any, second_screen: Any, made_home: Any
) -> None:
    page = shown.page
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="Pin this graph").click()
    shown.until("stage.data.compared !== null")
    page.get_by_role("button", name="Arrange for this graph").click()
    page.wait_for_url("**arranged=**")
    page.keyboard.press("Escape")
    page.mouse.click(*shown.point("n2"))
    page.wait_for_url("**pick=n2**")
    handle = page.get_by_role("slider", name="Penalty")
    handle.focus()
    handle.press("ArrowRight")
    page.wait_for_url("**graph.penalty_discount-2.5**")
    x, y = shown.point("n4")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 30, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"moved=(10\.[-\d.]+_)?4\."))
    # The ground is dragged: the view moves, the nodes stay.
    box = page.locator(".graph-view .canvas").bounding_box()
    page.mouse.move(box["x"] + 6, box["y"] + 6)
    page.mouse.down()
    page.mouse.move(box["x"] + 66, box["y"] + 46, steps=4)
    page.mouse.up()
    page.wait_for_url("**look=**")
    shown.until("stage.data.measure === 'frequency'")
    shown.calm()
    second_screen.open(page.url)
    second_screen.until("stage.data.measure === 'frequency'")
    view = "JSON.stringify({ ...stage.view, hidden: [...stage.view.hidden].sort() })"
    assert json.loads(second_screen.stage(view)) == json.loads(shown.stage(view))
    edges = "JSON.stringify(stage.data.edges.map(({ title, ...edge }) => edge))"
    assert second_screen.stage(edges) == shown.stage(edges)
    assert second_screen.positions() == shown.positions()
    assert second_screen.stage("stage.network.getViewPosition().x") == pytest.approx(
        shown.stage("stage.network.getViewPosition().x"), abs=1.5
    )
    second_screen.page.wait_for_function(
        "(text) => document.querySelector('.st-key-graph-panel').textContent === text", arg=shown.panel()
    )
