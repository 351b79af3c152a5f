"""The page in a real browser: what a reader clicks, drags and types."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from avexplore.analysis.graph_verdict import keeps_direction
from avexplore.analysis.pair_evidence import expected_counts
from avexplore.graph.algebra.hidden_causes import hidden_causes
from avexplore.graph.evidence.pair_probability import pair_probability
from avexplore.tuning.settings import WorkingSettings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def shown(screen: Any, server: str) -> Any:
    return screen.open(f"{server}/class_graph")


def a_visible_edge(shown: Any) -> dict[str, Any]:
    """An edge that can be hit with the mouse."""
    for edge in shown.stage("stage.visible.filter(e => e.type === 'learned').map(e => ({...e}))"):
        try:
            shown.edge_point(edge["id"])
        except TypeError:
            continue
        return dict(edge)
    raise AssertionError("no edge can be hit")


def test_a_click_on_a_node_tells_its_neighbors(shown: Any, made_home: Any) -> None:
    shown.page.mouse.click(*shown.point("n2"))
    shown.page.get_by_text("Markov blanket", exact=True).wait_for()
    assert "pick=n2" in shown.page.url
    parents = [made_home.graph.nodes[i] for i in np.flatnonzero(made_home.graph.skeleton[2])]
    shown.panel_says(*(name.split(":", 1)[1] for name in parents))


def test_a_click_on_an_edge_tells_how_sure_it_is(shown: Any, made_home: Any) -> None:
    edge = a_visible_edge(shown)
    shown.page.mouse.click(*shown.edge_point(edge["id"]))
    shown.page.get_by_text("In bootstraps", exact=True).wait_for()
    i, j = (int(part) for part in edge["id"][1:].split("-"))
    shown.panel_says(f"{made_home.stability.edge_frequency[i, j]:.0%}")
    assert f"pick={edge['id']}" in shown.page.url


def test_nothing_moves_when_a_slider_does(shown: Any) -> None:
    before, version = shown.positions(), shown.stage("stage.data.version")
    edges = shown.stage("JSON.stringify(stage.data.edges)")
    handle = shown.page.get_by_role("slider", name="Penalty")
    handle.focus()
    handle.press("ArrowRight")
    shown.until("stage.data.version !== argument", version)
    assert shown.positions() == before
    assert "graph.penalty_discount-2.5" in shown.page.url
    shown.until("stage.data.canUndo")
    shown.page.locator(".graph-view .canvas").press("u")
    shown.page.wait_for_function("() => !location.search.includes('graph.penalty_discount')")
    shown.until("JSON.stringify(stage.data.edges) === argument", edges)
    assert shown.positions() == before


def test_the_threshold_acts_while_it_is_dragged_and_is_kept_on_release(shown: Any) -> None:
    before, count = shown.positions(), shown.stage("stage.visible.length")
    shown.page.locator("input.threshold").evaluate("(e) => { e.value = 0.99; e.dispatchEvent(new Event('input')); }")
    assert shown.stage("stage.visible.length") < count, "filtered without asking Python"
    assert "at_least" not in shown.page.url
    shown.page.locator("input.threshold").evaluate("(e) => e.dispatchEvent(new Event('change'))")
    shown.page.wait_for_url("**at_least=0.99**")
    assert shown.positions() == before


def test_it_opens_with_the_strongest_links_and_shows_the_others_on_demand(shown: Any, made_home: Any) -> None:
    stability, count = made_home.stability, len(made_home.labels.classes)
    probability = pair_probability(made_home.labels).of_nodes(made_home.labels.nodes)
    evidence = stability.edge_frequency * np.corrcoef(made_home.labels.matrix(), rowvar=False) * probability
    pairs = [(int(i), int(j)) for i, j in np.argwhere(np.triu(made_home.graph.skeleton, 1)) if i % count != j % count]
    effect = made_home.graph.effect + made_home.graph.effect.T
    often = [pair for pair in pairs if stability.edge_frequency[pair] >= 0.5 and effect[pair] > 0]
    fit = [pair for pair in often if evidence[pair] > 0]
    strongest = sorted(fit, key=lambda pair: -evidence[pair])[: round(1.4 * count)]
    drawn = shown.stage("stage.visible.filter(e => e.type === 'learned' && !e.same).map(e => e.id)")
    assert sorted(drawn) == sorted(f"e{i}-{j}" for i, j in strongest)
    tick = shown.page.get_by_label("strongest only")
    assert tick.is_checked()
    tick.uncheck()
    shown.page.wait_for_url("**hide=ghost.negative**")
    assert "at_least" not in shown.page.url
    drawn = shown.stage("stage.visible.filter(e => e.type === 'learned' && !e.same).map(e => e.id)")
    assert sorted(drawn) == sorted(f"e{i}-{j}" for i, j in often)


@pytest.mark.parametrize("layout", ["Classes", "Layered"])
def test_heads_are_filled_where_the_bootstraps_agree_and_what_the_null_model_gives_can_be_left_out(
    screen: Any, server: str, made_home: Any, layout: str
) -> None:
    screen.open(f"{server}/class_graph?at_least=0&hide=none&g_layout={layout}")
    stability = made_home.stability
    heads = screen.stage("stage.cables.flatMap(c => c.heads).map(h => [{ ...h.edge }, h.filled])")
    assert heads
    for edge, filled in heads:
        i, j = int(edge["from"][1:]), int(edge["to"][1:])
        forth, back = stability.orientation_frequency[i, j], stability.orientation_frequency[j, i]
        assert edge["type"] == "learned"
        assert edge["directed"]
        assert filled == bool(keeps_direction(forth, back)), edge["id"]
        assert edge["in_null"] == bool(stability.null_frequency[i, j] >= stability.edge_frequency[i, j]), edge["id"]
    settled = screen.stage("stage.visible.filter(e => e.directed && e.settled && e.type === 'learned')")
    counted = [edge for edge in settled if layout == "Layered" or not edge["same"]]
    assert f"{len(counted)} have a settled direction" in screen.page.locator(".graph-view .count").inner_text()
    screen.page.get_by_text("More filters").click()
    screen.page.get_by_label("Links that shuffled data show as often").uncheck()
    assert screen.stage("stage.visible.every(e => !e.in_null)")
    screen.page.wait_for_url("**hide=null**")
    screen.page.reload()
    screen.ready()
    screen.page.get_by_text("More filters (1 hidden)").click()
    assert not screen.page.get_by_label("Links that shuffled data show as often").is_checked()


def test_what_is_probably_true_can_be_shown_alone_and_is_told_of_a_pair(
    screen: Any, server: str, made_home: Any
) -> None:
    screen.open(f"{server}/class_graph?at_least=0&hide=none")
    known = pair_probability(made_home.labels)
    of_nodes = known.of_nodes(made_home.labels.nodes)
    edges = [edge for edge in screen.stage("stage.data.edges") if edge["type"] == "learned"]
    ends = {edge["id"]: tuple(int(edge[end][1:]) for end in ("from", "to")) for edge in edges}
    for edge in edges:
        p = of_nodes[ends[edge["id"]]]
        assert edge["doubtful"] == bool(np.isfinite(p) and p < known.probably_true), edge["id"]
    assert any(edge["doubtful"] for edge in edges)
    screen.page.get_by_label("probably true only").check()
    assert screen.stage("stage.visible.every(e => !e.doubtful)")
    screen.page.wait_for_url("**hide=doubtful**")
    across = next(edge for edge in edges if edge["group"] == "across" and not edge["same"])
    i, j = ends[across["id"]]
    screen.open(f"{server}/class_graph?at_least=0&pick={across['id']}")
    panel = screen.page.locator(".st-key-graph-panel")
    panel.get_by_text("Come together", exact=True).wait_for()
    said = panel.inner_text()
    assert f"{of_nodes[i, j]:.0%}" in said
    facts = expected_counts(made_home.labels).pair(i, j)
    assert f"{facts.given:.1%} of the clips with" in said
    assert f"at least {facts.same_class:.0%} of these clips also hold" in said
    assert "In this graph: does it repeat?" in said


def test_rings_mark_where_a_hidden_common_cause_is_possible(screen: Any, server: str, made_home: Any) -> None:
    screen.open(f"{server}/class_graph?at_least=0&hide=none")
    assert not screen.stage("stage.data.edges.some(e => e.hidden_cause)"), "nobody asked"
    screen.page.get_by_text("More filters").click()
    screen.page.get_by_label("Rings where a hidden common cause is possible").check()
    screen.page.wait_for_url("**causes=1**")
    screen.until("stage.data.edges.some(e => e.hidden_cause)")
    possible = hidden_causes(made_home.graph)
    for edge in screen.stage("stage.data.edges.filter(e => e.type === 'learned')"):
        i, j = int(edge["from"][1:]), int(edge["to"][1:])
        assert edge["hidden_cause"] == bool(possible[i, j]), edge["id"]
    marked = next(edge for edge in screen.stage("stage.visible") if edge["hidden_cause"])
    screen.open(f"{server}/class_graph?at_least=0&hide=none&causes=1&pick={marked['id']}")
    spoken = screen.page.locator(".graph-view .spoken")
    assert "A hidden common cause is possible." in spoken.inner_text()
    screen.page.locator(".graph-view .legend").get_by_text("hidden cause possible").click()
    screen.page.wait_for_url(lambda url: "causes=" not in url)


def test_a_drag_sticks_and_moves_nothing_else(shown: Any) -> None:
    before = shown.positions()
    x, y = shown.point("n4")
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 60, y + 40, steps=5)
    shown.page.mouse.up()
    shown.page.wait_for_url(re.compile(r"moved=(10\.[-\d.]+_)?4\."))
    after = shown.positions()
    moved = {node for node in before if before[node] != after[node]}
    assert moved == {"n4", "n10"}, "both halves of one sign"
    version = shown.stage("stage.data.version")
    handle = shown.page.get_by_role("slider", name="Penalty")
    handle.focus()
    handle.press("ArrowRight")
    shown.until("stage.data.version !== argument", version)
    assert shown.positions() == after


def test_a_right_click_forbids_an_edge_and_undo_brings_it_back(shown: Any) -> None:
    edge = a_visible_edge(shown)
    shown.page.mouse.click(*shown.edge_point(edge["id"]), button="right")
    shown.page.get_by_role("menuitem", name="Forbid both directions").click()
    shown.until("!stage.visible.some(e => e.id === argument && e.type === 'learned')", edge["id"])
    assert "knowledge.forbidden" in shown.page.url
    shown.until("stage.data.canUndo")
    shown.page.locator(".graph-view .canvas").press("u")
    shown.until("stage.data.edges.some(e => e.id === argument && e.type === 'learned')", edge["id"])
    shown.page.wait_for_function("() => !location.search.includes('knowledge.')")


def test_a_required_edge_between_two_classes_appears(shown: Any, made_home: Any) -> None:
    free = np.argwhere(~made_home.graph.skeleton & ~np.eye(12, dtype=bool))
    i, j = (int(index) for index in free[0])
    shown.page.mouse.click(*shown.point(f"n{i}"), button="right")
    shown.page.get_by_role("menuitem", name="Require an edge from").click()
    shown.page.mouse.click(*shown.point(f"n{j}"))
    shown.until(
        "stage.data.edges.some(e => e.from === argument[0] && e.to === argument[1] && e.knowledge === 'required')",
        [f"n{i}", f"n{j}"],
    )


def test_a_cold_deep_link_restores_everything(screen: Any, server: str, made_home: Any) -> None:
    pair = tuple(made_home.labels.nodes[:2])
    text = WorkingSettings.of({"graph.penalty_discount": 4.0, "knowledge.forbidden": [pair]}).encode()
    query = f"g_layout=Circular&set={text}&at_least=0.3&hide=directed.ghost&pick=n1&focus=n1.2&find=car"
    screen.open(f"{server}/class_graph?{query}&moved=3.10.20&g_tab=Matrix")
    view = screen.stage("({...stage.view, hidden: [...stage.view.hidden].sort()})")
    assert view["threshold"] == 0.3
    assert view["hidden"] == ["directed", "ghost"]
    assert view["selection"] == {"kind": "node", "id": "n1"}
    assert view["focus"] == {"node": "n1", "hops": 2}
    assert view["search"] == "car"
    assert screen.positions()["n3"] == {"x": 10, "y": 20}
    assert screen.stage("stage.data.layout.name") == "circular"
    screen.page.get_by_text("Markov blanket", exact=True).wait_for()
    screen.page.get_by_text("A click on a cell selects").wait_for()
    found = made_home.learn(penalty_discount=4.0, forbidden=(0, 1))
    edges = screen.stage("stage.data.edges.filter(e => e.type === 'learned').map(e => e.id)")
    assert sorted(edges) == found, "the graph of the penalty and the rules in the address"
    for part in (*query.split("&"), "moved=3.10.20"):
        assert part in unquote(screen.page.url), "still in the address"


def test_data_that_come_before_the_picture_do_not_kill_it(screen: Any, server: str, made_home: Any) -> None:
    # As on a slow line: vis-network arrives after the slider has moved. Streamlit ends the calls that were overtaken.
    screen.page.add_init_script(
        """{
          const arrived = new Promise((tell) => { window.letArrive = tell; });
          let kept;
          window.asked = 0;
          window.avexploreGraphView = {
            waiting: [],
            get ready() { window.asked += 1; return kept; },
            set ready(loaded) { kept = arrived.then(() => loaded); },
          };
        }"""
    )
    screen.page.goto(f"{server}/class_graph")
    handle = screen.page.get_by_role("slider", name="Penalty")
    handle.focus()
    screen.calm()
    for _ in range(2):
        asked = screen.page.evaluate("() => window.asked")
        handle.press("ArrowRight")
        screen.page.wait_for_function("(before) => window.asked > before", arg=asked)
    screen.page.evaluate("() => window.letArrive()")
    screen.ready()
    shown = screen.page.evaluate(
        """() => new Promise((tell) => setTimeout(() => {
          const network = window.graphStage().network;
          tell(network.nodesHandler ? Object.keys(network.getPositions()).length : "destroyed");
        }, 500))"""
    )
    assert shown == 12
    newest = made_home.learn(penalty_discount=3.0)
    screen.until(
        "stage.data.edges.filter(e => e.type === 'learned').map(e => e.id).sort().join() === argument", ",".join(newest)
    )


def test_hostile_names_are_text_everywhere(screen: Any, server: str) -> None:
    for query in (
        "pick=n1",
        "pick=e1-7&g_tab=Edges&g_all_edges=true",
        "g_tab=Matrix",
        "g_tab=In%20and%20out&rules=f1-2",
    ):
        screen.open(f"{server}/class_graph?{query}")
        screen.calm()
        assert screen.page.evaluate("() => window.hacked") is None
    screen.open(f"{server}/class_graph?pick=n1")
    screen.page.locator(".facts h4").wait_for()
    assert screen.page.locator(".facts h4").inner_text() == '<img src=x onerror="window.hacked=1">'
    screen.page.mouse.click(*screen.point("n1"), button="right")
    assert "<img src=x" in screen.page.locator(".menu-title").inner_text()
    assert screen.page.locator(".graph-view img").count() == 0
    screen.page.get_by_role("button", name="Rules").click()
    screen.page.get_by_text("The search keeps to these").wait_for()
    assert screen.page.evaluate("() => window.hacked") is None


def test_the_theme_reaches_the_canvas(shown: Any) -> None:
    light = shown.stage("({...stage.theme})")
    assert not light["dark"]
    shown.page.emulate_media(color_scheme="dark")
    shown.until("stage.theme.dark")
    assert shown.stage("stage.theme.text") != light["text"]


def test_keys_focus_find_paths_and_let_go(shown: Any) -> None:
    edge = a_visible_edge(shown)
    shown.page.mouse.click(*shown.point(edge["from"]))
    canvas = shown.page.locator(".graph-view .canvas")
    canvas.press("f")
    assert shown.stage("stage.view.focus") == {"node": edge["from"], "hops": 1}
    assert shown.stage("stage.looks.get(argument)", edge["to"]) != "dim"
    assert shown.stage("[...stage.looks.values()].includes('dim')")
    canvas.press("f")
    canvas.press("p")
    shown.page.mouse.click(*shown.point(edge["to"]))
    assert shown.stage("stage.view.path") == [edge["from"], edge["to"]]
    assert "path" in shown.page.locator(".graph-view .status").inner_text()
    threshold = shown.stage("stage.view.threshold")
    canvas.press("+")
    assert shown.stage("stage.view.threshold") == pytest.approx(min(threshold + 0.05, 1))
    canvas.press("Escape")
    assert shown.stage("stage.view.path") is None
    assert shown.stage("stage.view.selection") is None
    canvas.press("ArrowRight")
    assert shown.page.locator(".graph-view .spoken").inner_text().startswith("Train horn (audio).")


def test_the_legend_filters_and_search_marks(shown: Any) -> None:
    assert shown.page.locator(".legend .entry").count() <= 6
    shown.page.locator(".entry[data-trait=edge-visual]").click()
    assert shown.stage("stage.visible.every(e => e.group !== 'visual')")
    shown.page.wait_for_url("**hide=edge-visual.ghost.negative.weak**")
    shown.page.locator(".entry[data-trait=edge-visual]").click()
    shown.page.get_by_text("More filters").click()
    shown.page.get_by_label("Classes as seen").uncheck()
    assert shown.stage("stage.visible.every(e => e.group === 'audio')")
    shown.page.get_by_label("Classes as seen").check()
    shown.page.locator(".graph-view input[type=search]").fill("violin")
    found = shown.stage("[...stage.looks].filter(([, look]) => look === 'found').map(([id]) => id)")
    assert sorted(found) == ["n11", "n5"]
    dim = shown.stage("[...stage.states].filter(([, state]) => state === 'dim').map(([id]) => stage.edge.get(id))")
    assert dim
    assert all({edge["from"], edge["to"]}.isdisjoint(found) for edge in dim), "links of others stand back, too"


def test_bootstraps_fill_in_behind_a_new_graph(shown: Any) -> None:
    handle = shown.page.get_by_role("slider", name="Penalty")
    for _ in range(4):  # further than any other test of this server goes: those graphs have their bootstraps
        before = shown.page.url
        handle.press("ArrowRight")
        shown.page.wait_for_function("before => location.href !== before", arg=before)
    shown.until("stage.data.measure === 'BIC gain' && stage.cables.every(c => c.heads.every(h => !h.filled))")
    # Of each step of the slider on the way a graph may have come first.
    shown.until("stage.data.measure === 'frequency' && stage.data.edges.every(e => e.frequency !== null)")


def test_a_row_of_the_edge_table_selects_in_the_picture(screen: Any, server: str, made_home: Any) -> None:
    screen.open(f"{server}/class_graph?g_all_edges=true")
    screen.calm()
    table = screen.page.locator(".st-key-graph-details [data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    screen.page.mouse.click(box["x"] + 14, box["y"] + 52)
    screen.until("stage.view.selection?.kind === 'edge'")
    pick = screen.stage("stage.view.selection.id")
    i, j = (int(part) for part in pick[1:].split("-"))
    frequency = made_home.stability.edge_frequency
    assert frequency[i, j] == frequency[np.triu(made_home.graph.skeleton, 1)].max()


def test_the_picture_is_saved_as_png(shown: Any) -> None:
    with shown.page.expect_download() as waiting:
        shown.page.get_by_role("button", name="Save the picture as PNG").click()
    assert waiting.value.suggested_filename == "class_graph.png"
    with open(waiting.value.path(), "rb") as file:  # noqa: PTH123 - a path of Playwright's
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_no_two_names_touch_and_none_runs_out_of_its_box(screen: Any, server: str, width: int) -> None:
    screen.page.set_viewport_size({"width": width, "height": 900})
    screen.open(f"{server}/class_graph?hide=none&at_least=0")
    screen.rest()
    boxes = screen.stage("stage.signs.map(sign => sign.box)")
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "boxes are apart"
    # Every text that is drawn, with the room that it was given and the width that it needs there.
    drawn = screen.stage(
        """(() => {
          const canvas = stage.canvas.querySelector('canvas').getContext('2d');
          const [fill, found] = [canvas.fillText, []];
          canvas.fillText = function (text, x, y, room) {
            found.push({ text, x, y, room, needs: this.measureText(text).width });
            return fill.apply(this, arguments);
          };
          stage.network.renderer._redraw(false);
          delete canvas.fillText;
          return found;
        })()"""
    )
    names = {line for lines in screen.stage("stage.data.classes.lines") for line in lines}
    inside = [text for text in drawn if text["text"] in names and text["room"] is not None]
    assert len(inside) >= len(names) or not screen.stage("stage.areNamed")
    assert all(text["needs"] <= 1.12 * text["room"] for text in inside), "letters are not squeezed to fit"
    frame = screen.stage("stage.sight()")
    assert all(frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] for box in boxes), "all is in sight"
