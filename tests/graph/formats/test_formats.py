from __future__ import annotations

import contextlib
import csv
import io
import json
import random
import string
import time
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avexplore.artifacts import ClassGraph, GraphStability
from avexplore.errors import AvexploreError, GraphError
from avexplore.graph.evidence.pair_probability import PairProbability
from avexplore.graph.formats import ALL, FORMATS, WITH_SHARES, WRITTEN, read_graph, write_graph

NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20).filter(lambda name: name.strip())
TAME = st.text(string.ascii_letters + string.digits + " ,.'()/&-%=+\"\\>", min_size=1, max_size=20).map(
    lambda name: f"x{name}x"
)


@st.composite
def graphs(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> ClassGraph:
    classes = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    nodes = [f"{modality}:{name}" for modality in ("audio", "visual") for name in classes]
    p = len(nodes)
    cells = draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=p * p, max_size=p * p))
    adjacency = np.zeros((p, p), np.int8)
    for i in range(p):
        for j in range(i + 1, p):
            adjacency[i, j], adjacency[j, i] = cells[i * p + j] & 1, cells[i * p + j] >> 1
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, p, p))
    values = np.where((adjacency & adjacency.T).astype(bool), values + values.transpose(0, 2, 1), values) * adjacency
    return ClassGraph(tuple(nodes), adjacency, 12.5, values[0], values[1], samples=7, warnings=("Careful.",))


@given(graph=graphs())
@example(graph=ClassGraph(("audio:a\\\nb", "visual:\\\\\n"), np.array([[0, 1], [0, 0]], np.int8)))
@pytest.mark.parametrize("format", ["csv", "dot", "dagitty", "json"])
def test_any_name_survives_a_round_trip(format: str, graph: ClassGraph) -> None:
    back = read_graph(write_graph(graph, format), format, nodes=graph.nodes)
    np.testing.assert_array_equal(back.adjacency, graph.adjacency)
    assert back.nodes == graph.nodes


@given(graph=graphs())
@pytest.mark.parametrize("format", ["graphml", "tetrad"])
def test_any_name_survives_or_is_refused_in_words(format: str, graph: ClassGraph) -> None:
    try:
        text = write_graph(graph, format)
    except GraphError as error:
        if "hold" not in error.what:
            raise
        return
    back = read_graph(text, format)
    assert back.nodes == graph.nodes
    np.testing.assert_array_equal(back.adjacency, graph.adjacency)


@given(graph=graphs(TAME))
@pytest.mark.parametrize("format", WRITTEN)
def test_round_trips_need_no_hint_of_the_format(format: str, graph: ClassGraph) -> None:
    back = read_graph(write_graph(graph, format).encode(), nodes=graph.nodes)
    assert f"({format})" in back.source
    np.testing.assert_array_equal(back.adjacency, graph.adjacency)
    if format in ("graphml", "json"):
        np.testing.assert_array_equal(back.effect, graph.effect)
        np.testing.assert_array_equal(back.gain, graph.gain)
    if format == "json":
        assert (back.score, back.samples, back.warnings[:1]) == (12.5, 7, ("Careful.",))


@given(graph=graphs(TAME))
@pytest.mark.parametrize("format", WITH_SHARES)
def test_shares_are_written_beside_each_edge_and_read_back(format: str, graph: ClassGraph) -> None:
    known = a_stability(graph.nodes)
    back = read_graph(write_graph(graph, format, known).encode(), format, nodes=graph.nodes)
    np.testing.assert_array_equal(back.adjacency, graph.adjacency)
    place = {name: i for i, name in enumerate(graph.nodes)}
    for source, target, _ in graph.edges():
        i, j = place[source], place[target]
        assert back.shares["bootstraps"][i, j] == pytest.approx(known.edge_frequency[i, j], abs=1e-6)
        assert back.shares["direction"][i, j] == pytest.approx(known.orientation_frequency[i, j], abs=1e-6)
        assert back.shares["null"][i, j] == pytest.approx(known.null_frequency[i, j], abs=1e-6)
    if graph.edges():
        again, first = (replace(one, source="", warnings=()) for one in (back, graph))
        assert write_graph(again, format) == write_graph(first, format, known), "and written again as they were"


def test_each_format_says_the_shares_of_an_edge() -> None:
    graph = sample()
    known = a_stability(graph.nodes)
    wanted = [known.edge_frequency[0, 1], known.orientation_frequency[0, 1], known.null_frequency[0, 1]]
    row = next(csv.DictReader(io.StringIO(write_graph(graph, "csv", known))))
    assert [float(row[name]) for name in ("Bootstraps", "Direction", "Null")] == pytest.approx(wanted, abs=1e-6)
    names = ("bootstraps", "direction", "null")
    edge = nx.parse_graphml(write_graph(graph, "graphml", known)).edges["n0", "n1"]
    assert [edge[name] for name in names] == pytest.approx(wanted, abs=1e-6)
    edge = json.loads(write_graph(graph, "json", known))["edges"][0]
    assert [edge[name] for name in names] == pytest.approx(wanted, abs=1e-6)
    assert f"bootstraps={wanted[0]:.6f}".rstrip("0") in write_graph(graph, "dot", known)
    for format in ("tetrad", "dagitty"):
        assert write_graph(graph, format, known) == write_graph(graph, format)
    assert "Null" not in write_graph(graph, "csv", replace(known, null="none"))
    with pytest.raises(GraphError, match="other nodes"):
        write_graph(graph, "csv", a_stability(graph.nodes[::-1]))


def test_files_say_how_probable_it_is_that_classes_come_together() -> None:
    graph = sample()
    known = PairProbability(("Train horn", "Bus"), np.array([[np.nan, 0.75], [0.75, np.nan]]), 0.8)
    # Only audio:Train horn -> audio:Bus joins two classes; of one class with itself nothing is known.
    rows = list(csv.DictReader(io.StringIO(write_graph(graph, "csv", probability=known))))
    assert [row["Probability"] for row in rows] == ["0.75", "", ""]
    edges = json.loads(write_graph(graph, "json", probability=known))["edges"]
    assert [edge.get("probability") for edge in edges] == [0.75, None, None]
    graphml = nx.parse_graphml(write_graph(graph, "graphml", probability=known))
    assert graphml.edges["n0", "n1"]["probability"] == 0.75
    assert "probability" not in graphml.edges["n0", "n2"]
    assert "probability=0.75" in write_graph(graph, "dot", probability=known)
    for format in WITH_SHARES:
        assert read_graph(write_graph(graph, format, probability=known), format).edges() == graph.edges()


def a_stability(nodes: tuple[str, ...]) -> GraphStability:
    share = np.random.default_rng(0).random((4, len(nodes), len(nodes)))
    pair = np.zeros(2)
    return GraphStability(nodes, *share[:3], share[0], share[3], 30, pair, pair, pair, null="within-class")


def sample() -> ClassGraph:
    nodes = ("audio:Train horn", "audio:Bus", "visual:Train horn", "visual:Bus")
    adjacency = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], np.int8)
    return ClassGraph(nodes, adjacency)


@pytest.mark.parametrize("format", WRITTEN)
def test_files_are_recognized_by_suffix_and_content(format: str, tmp_path: Path) -> None:
    suffix = {"tetrad": "txt", "dagitty": "dagitty"}.get(format, format)
    file = tmp_path / f"graph.{suffix}"
    file.write_text(write_graph(sample(), format), encoding="utf-8")
    assert read_graph(file).edges() == sample().edges()
    assert read_graph(file).source == f"graph.{suffix} ({format})"


def test_networkx_reads_our_graphml_and_we_read_its() -> None:
    made = nx.parse_graphml(write_graph(sample(), "graphml"))
    names = nx.get_node_attributes(made, "name")
    found = {(names[a], names[b]) for a, b in made.edges()}
    assert found == {(sample().nodes[i], sample().nodes[j]) for i, j in np.argwhere(sample().adjacency)}
    theirs = nx.DiGraph([("audio:A", "visual:A"), ("visual:A", "audio:B")])
    back = read_graph("\n".join(nx.generate_graphml(theirs)), "graphml")
    assert set(back.edges()) == {("audio:A", "visual:A", True), ("visual:A", "audio:B", True)}
    undirected = read_graph("\n".join(nx.generate_graphml(nx.Graph([("audio:A", "visual:A")]))))
    assert undirected.edges() == [("audio:A", "visual:A", False)]


def test_networkx_node_link_json_is_read() -> None:
    made = nx.node_link_data(nx.DiGraph([("audio:A", "visual:A")]), edges="links")
    assert read_graph(json.dumps(made)).edges() == [("audio:A", "visual:A", True)]


def test_dot_as_pydot_writes_it_is_read() -> None:
    text = """strict digraph "G" {
    // causal-learn writes numbers and labels
    graph [rankdir=LR]; node [shape=ellipse, fontsize="12"];
    0 [label="audio_A"]; 1 [label=audio_B]
    2 [label="visual_A",]
    0 -> 1 [dir=both, arrowtail=none, arrowhead=normal];
    1 -> 2 [dir=both, arrowtail=none, arrowhead=none];
    visual:B -> 0 -> "visual:C" /* a chain */
    }"""
    expected = {("audio:A", "audio:B", True), ("audio:B", "visual:A", False)}
    expected |= {("visual:B", "audio:A", True), ("audio:A", "visual:C", True)}
    assert set(read_graph(text).edges()) == expected


def test_tetrad_text_with_flags_attributes_and_arrows_in_names() -> None:
    text = """Graph Nodes:
audio:a --> b;visual:c;audio:d

Graph Edges:
1. audio:a --> b --> visual:c [audio:a --> b --> visual:c]:0.9;
2. visual:c --- audio:d dd nl
3. audio:d <-- audio:a --> b

Graph Attributes:
Score: -12.5
"""
    assert set(read_graph(text).edges()) == {
        ("audio:a --> b", "visual:c", True),
        ("audio:d", "visual:c", False),
        ("audio:a --> b", "audio:d", True),
    }


def test_dagitty_with_positions_and_percent_encoding_is_read() -> None:
    text = """dag {
bb="0,0,1,1"
audio%3ATrain%20horn [pos="0.1,0.2"]
"audio:B" [exposure]
"audio:B" <- audio%3ATrain%20horn
}"""
    assert read_graph(text, "dagitty").edges() == [("audio:Train horn", "audio:B", True)]


def test_the_authors_csv_is_read(shared_data: Path) -> None:
    graph = read_graph(shared_data / "causalcmr" / "causal_500.csv")
    assert len(graph.nodes) == 30
    assert len(graph.edges()) == 218
    assert all(directed for *_, directed in graph.edges())
    classes = [name.removeprefix("audio:") for name in graph.nodes if name.startswith("audio:")]
    assert all(graph.skeleton[graph.nodes.index(f"audio:{c}"), graph.nodes.index(f"visual:{c}")] for c in classes)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_cells_are_no_formulas(begin: str) -> None:
    graph = ClassGraph((f"{begin}cmd|' /C calc'!A0", "visual:A"), np.array([[0, 1], [0, 0]], np.int8))
    rows = list(csv.reader(io.StringIO(write_graph(graph, "csv"), newline="")))
    assert rows[1][0].startswith("'" + begin)


def test_markup_in_names_stays_text() -> None:
    graph = ClassGraph(("audio:<img src=x onerror=alert(1)>", "visual:]]>"), np.array([[0, 1], [0, 0]], np.int8))
    text = write_graph(graph, "graphml")
    assert "<img" not in text
    assert read_graph(text).nodes == graph.nodes


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><graphml><graph><node id="&a;"/></graph></graphml>'


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        (BOMB + "]><graphml><graph><node id='&i;'/></graph></graphml>", "graphml", "entities are refused"),
        (OUTSIDE, "graphml", "entities are refused"),
        ("<a>" * 400_000, "graphml", "nested too deeply"),
        (
            "<graphml><graph><node id='audio:A'/><edge source='audio:A' target='b'/></graph></graphml>",
            None,
            "not there",
        ),
        ("<graphml/>", "graphml", "no graph element"),
        ("<graphml><graph>", "graphml", "Not XML"),
        ("", None, "table is empty"),
        ("Cause,Effect\nX1,X2\n", "csv", r"no modality \(line 2, 'X1'\)"),
        ("a,b\n1,2\n", "csv", "columns Cause and Effect are missing"),
        ("Cause,Effect\naudio_A\n", "csv", "at least 2 cells, got 1"),
        ('Cause,Effect\n"audio_A,visual_A\n', "csv", "Not a CSV table"),
        ("Cause,Effect\naudio_A,audio:A\n", "csv", "depends on itself"),
        ('digraph { "audio:A" -> ', "dot", "Expected a name, found the end"),
        ("digraph { a -> subgraph x { b } }", "dot", "Edges to subgraphs are not supported"),
        ('digraph { "audio:A -> b }', "dot", "not understood"),
        ("digraph { a [label=<<b>x</b>>] }", "dot", "not understood"),
        ('digraph { "audio:A" -> "audio:B" [dir=both] }', "dot", "arrowhead at both ends"),
        ('dag { "audio:A" <-> "audio:B" }', "dagitty", "arrowhead at both ends"),
        ("/* " * 1_000_000, "dot", "not understood"),
        ("Graph Nodes:\naudio:A;visual:A\nGraph Edges:\n1. audio:A o-> visual:A", "tetrad", "no edge of a CPDAG"),
        ("Graph Nodes:\naudio:A\nGraph Edges:\n1. audio:A --> visual:A", "tetrad", "No edge between listed nodes"),
        ("Graph Nodes:\naudio:A\nGraph Edges:\n1. " + " --> " * 100_000, "tetrad", "numbered edge"),
        ("nonsense", "tetrad", "Expected 'Graph Nodes:'"),
        ("[" * 100_000, "json", "Not JSON"),
        ('{"nodes": {}}', "json", "Expected a list"),
        ('{"nodes": ["audio:A"], "edges": [{"source": "audio:A", "target": 3}]}', "json", "not there"),
        ('{"nodes": [], "score": "high"}', "json", "Expected a number"),
        ('{"format": "avexplore-class-graph", "version": 2}', "json", "version"),
        ('{"nodes": []}', "json", "no list of edges, only 'nodes'"),
        ('{"nodes": [], "edges": []}', "json", "There are no nodes"),
        (b"\xff\xfe\x00", "csv", "not UTF-8"),
        ("x" * 8_000_001, "csv", "larger than 8,000,000 bytes"),
        ("Cause,Effect\n" + "\n".join(f"audio_{k},visual_{k}" for k in range(3000)), "csv", "more than 2,048 nodes"),
        ("x", "png", "no graph format"),
    ],
)
def test_what_cannot_be_read_is_said_quickly(text: str | bytes, format: str | None, words: str) -> None:
    started = time.thread_time()
    with pytest.raises(GraphError, match=words):
        read_graph(text, format)
    assert time.thread_time() - started < 5


def test_unknown_nodes_are_refused_where_the_classes_are_known() -> None:
    with pytest.raises(GraphError, match=r"1 node.* not among the classes .*'visual:B'"):
        read_graph("Cause,Effect\naudio_A,visual_B\n", nodes=("audio:A", "visual:A"))


def test_json_remembers_where_a_graph_came_from() -> None:
    imported = read_graph("Cause,Effect\naudio_A,visual_A\n")
    assert read_graph(write_graph(imported, "json")).source == imported.source == "pasted text (csv)"
    assert read_graph(write_graph(sample(), "json")).source == "pasted text (json)"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="Cannot be opened"):
        read_graph(tmp_path / "none.csv")


def test_cycles_are_noticed() -> None:
    graph = read_graph("Cause,Effect\naudio_A,audio_B\naudio_B,audio_C\naudio_C,audio_A\n")
    assert any("cycle" in warning for warning in graph.warnings)


def mutations(text: str, rng: random.Random, pieces: list[str]) -> str:
    for _ in range(rng.randint(1, 4)):
        at, to = sorted(rng.randint(0, len(text)) for _ in range(2))
        text = rng.choice(
            [
                lambda t, a, b: t[:a] + t[b:],
                lambda t, a, b: t[:a] + t[a:b] * 2 + t[b:],
                lambda t, a, b: t[:a] + rng.choice(pieces) + t[a:],
                lambda t, a, b: (
                    t[:a] + chr(rng.choice([0, 9, 10, 13, 34, 38, 59, 60, 92, 123, 0x2028, 0xFFFF])) + t[a + 1 :]
                ),
            ]
        )(text, at, to)
    return text


PIECES = [
    "{",
    "}",
    "[",
    '"',
    "<!DOCTYPE a>",
    "&amp;",
    "-->",
    "->",
    "--",
    ";",
    ",",
    "audio:",
    "1e999",
    "null",
    "=",
    "\\",
]


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files_end_in_a_graph_or_a_clear_error(format: str) -> None:
    rng = random.Random(0)
    kind = next(kind for kind in ALL if kind.name == format)
    text = write_graph(sample(), format) if kind.is_written else kind.samples[0]
    outcomes = set()
    for _ in range(20_000):
        try:
            outcomes.add(type(read_graph(mutations(text, rng, PIECES), format)))
        except AvexploreError:
            outcomes.add(GraphError)
    assert outcomes == {ClassGraph, GraphError}


@settings(max_examples=300)
@given(text=st.text(max_size=200), format=st.sampled_from([None, *FORMATS]))
def test_arbitrary_text_ends_in_a_graph_or_a_clear_error(text: str, format: str | None) -> None:
    with contextlib.suppress(AvexploreError):
        assert read_graph(text, format).nodes
