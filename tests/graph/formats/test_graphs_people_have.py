"""Graphs as other programs write them, each with what is right for it; made here, and where at hand the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from avexplore.artifacts import ClassGraph
from avexplore.errors import GraphError
from avexplore.graph.formats import ALL, FORMATS, SUFFIXES, read_graph, told_format, write_graph
from avexplore.graph.formats.marks import meaning
from avexplore.ui.class_graph.exchange import keep_import, kept_import

A, B, C = "audio:Bus", "visual:Bus", "visual:Cat"
FORWARD, BACK, LINE = [(A, B, True)], [(B, A, True)], [(A, B, False)]


MARKS = {
    "-->": "forward", "->": "forward", "directed": "forward", "Directed": "forward", "": "forward", "=>": "forward",
    "<--": "backward", "<-": "backward",
    "---": "undirected", "--": "undirected", "-": "undirected", "undirected": "undirected", "Mutual": "undirected",
    "...": "none",
}  # fmt: skip


@pytest.mark.parametrize(("mark", "expected"), MARKS.items())
def test_marks_mean_what_they_draw(mark: str, expected: str) -> None:
    assert meaning(mark, where="here") == expected


REFUSED = ["<->", "o->", "<-o", "o-o", "o--", "--o", "bidirected", "@->", "@-@", "*->"]


@pytest.mark.parametrize("mark", REFUSED)
def test_marks_that_a_class_graph_cannot_hold_are_refused(mark: str) -> None:
    with pytest.raises(GraphError, match="no edge of a CPDAG"):
        meaning(mark, where="here")


def in_format(name: str, mark: str) -> str:
    """One edge with a mark, in a format that has a place for it."""
    drawn = {"<->": ("standard", "standard"), "o->": ("white_circle", "standard"), "<--": ("standard", "none")}
    heads = {"<->": ("normal", "normal"), "o->": ("odot", "normal"), "<--": ("normal", "none")}[mark]
    ends = {"<->": ("ARROW", "ARROW"), "o->": ("CIRCLE", "ARROW"), "<--": ("ARROW", "TAIL")}[mark]
    arrow = {"<->": "<->", "o->": "@->", "<--": "<-"}[mark]
    source, target = drawn[mark]
    return {
        "csv": f"Cause,Effect,Type\naudio_Bus,visual_Bus,{mark}\n",
        "tetrad": f"Graph Nodes:\n{A};{B}\n\nGraph Edges:\n1. {A} {mark} {B}\n",
        "dagitty": f'pag {{ "{A}" {arrow} "{B}" }}',
        "dot": f'digraph {{ "{A}" -> "{B}" [dir=both, arrowtail={heads[0]}, arrowhead={heads[1]}] }}',
        "graphml": f'<graphml><graph edgedefault="directed"><node id="{A}"/><node id="{B}"/><edge source="{A}" '
        f'target="{B}"><data key="d"><Arrows source="{source}" target="{target}"/></data></edge></graph></graphml>',
        "json": json.dumps(
            {"nodes": [A, B], "edges": [{"node1": A, "node2": B, "endpoint1": ends[0], "endpoint2": ends[1]}]}
        ),
        "gml": f'graph [ node [ id 0 label "{A}" ] node [ id 1 label "{B}" ] edge [ source 0 target 1 graphics '
        f'[ sourceArrow "{source}" targetArrow "{target}" ] ] ]',
        "sif": f"{A}\t{mark}\t{B}\n",
    }[name]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "bif"])
def test_one_table_of_marks_holds_for_all_formats(name: str) -> None:
    assert read_graph(in_format(name, "<--"), name).edges() == BACK
    for mark in ("<->", "o->"):
        with pytest.raises(GraphError, match="no edge of a CPDAG"):
            read_graph(in_format(name, mark), name)


def nx_graph() -> nx.DiGraph:
    return nx.DiGraph([(A, B)])


STRENGTHS = f"""from,to,strength,direction
{A},{B},.9,.2
{B},{A},.9,.8
{A},{C},.4,.9
{C},{A},.4,.1
"""
ENDING_DEFAULT = f'digraph {{ subgraph c {{ edge [dir=none] "{A}" }} "{A}" -> "{B}" }}'
CLUSTERS = f'digraph {{ subgraph cluster_a {{ label=x; "{A}" }} subgraph {{ "{B}" }} "{A}" -> "{B}" }}'
DAGITTY = f"""dag {{
bb="0,0,1,1"
"{A}" [exposure,pos="0,1"]
Z [latent]
"{A}" -> "{B}"
}}"""
CAUSAL_CMD = f"""Start search
alg: boss
====
Graph Nodes:
{A};{B}

Graph Edges:
1. {A} --> {B}

Ambiguous triples (i.e. list of triples for which there is ambiguous data):
{A}
"""
TETRAD = f"""Graph Nodes:
{A},{B}

Graph Edges:
1. {A} --> {B} dd nl

Graph Attributes:
BIC: -1.5
"""
TETRAD_JSON = {
    "nodes": [{"name": A}, {"name": B}],
    "edgesSet": [
        {"node1": {"name": A}, "node2": {"name": B}, "endpoint1": {"ordinal": 1}, "endpoint2": {"ordinal": 0}}
    ],
}
BIF = """network unknown {}
variable audio_Bus { }
variable visual_Bus { }
probability ( visual_Bus | audio_Bus ) { }
probability ( audio_Bus ) { }
"""
Edges = list[tuple[str, str, bool]]

READ: list[tuple[str, str, str, list[tuple[str, str, bool]]]] = [
    # what it is, the file's ending, its text, the edges that are right
    ("R's column names", "csv", "from,to\naudio.Bus,visual.Bus\n", FORWARD),
    ("a table of tabs", "tsv", "source\ttarget\tinteraction\naudio_Bus\tvisual_Bus\t--\n", LINE),
    ("a table of semicolons", "csv", '"from";"to"\n"audio_Bus";"visual_Bus"\n', FORWARD),
    ("Gephi's types", "csv", "Source,Target,Type\naudio_Bus,visual_Bus,Undirected\n", LINE),
    ("no edge", "csv", f"from,to,type\n{A},{C},...\n{A},{B},-->\n", FORWARD),
    ("a matrix", "csv", f",{A},{B}\n{A},0,1\n{B},0,0\n", FORWARD),
    ("a matrix of weights", "csv", f"x,{A},{B}\n{A},0,0\n{B},-0.7,0\n", BACK),
    ("a matrix both ways", "csv", f"x,{A},{B}\n{A},0,1\n{B},1,0\n", LINE),
    ("causal-learn's matrix", "csv", f"x,{A},{B}\n{A},0,-1\n{B},1,0\n", FORWARD),
    ("causal-learn's line", "csv", f"x,{A},{B}\n{A},0,-1\n{B},-1,0\n", LINE),
    ("strengths", "csv", STRENGTHS, BACK),
    ("strengths without a way", "csv", f"from,to,strength,direction\n{A},{B},.9,.5\n{B},{A},.9,.5\n", LINE),
    ("defaults in DOT", "dot", f'digraph {{ edge [dir=none]; "{A}" -> "{B}" }}', LINE),
    ("a default that ends with its cluster", "dot", ENDING_DEFAULT, FORWARD),
    ("an arrow drawn at the tail", "dot", f'digraph {{ "{A}" -> "{B}" [dir=back] }}', BACK),
    ("Tetrad's DOT", "dot", f'digraph g {{ "{A}" -> "{B}" [dir=both, arrowtail=none, arrowhead=normal]; }}', FORWARD),
    ("a line with an arrow", "gv", f'graph {{ "{A}" -- "{B}" [dir=forward] }}', FORWARD),
    ("clusters", "dot", CLUSTERS, FORWARD),
    ("DOT in a text file", "txt", f'// made by hand\ndigraph {{\n"{A}" -> "{B}" }}', FORWARD),
    ("DAGitty in a text file", "txt", DAGITTY, FORWARD),
    ("JSON in a text file", "txt", json.dumps({"edges": [[A, B]]}), FORWARD),
    ("causal-cmd's log", "txt", CAUSAL_CMD, FORWARD),
    ("Tetrad's attributes", "txt", TETRAD, FORWARD),
    ("arcs", "json", json.dumps({"nodes": [A, B], "arcs": [{"from": A, "to": B}]}), FORWARD),
    ("a list of arcs (R)", "json", json.dumps([{"from": A, "to": B}]), FORWARD),
    ("a list of pairs", "json", json.dumps([[A, B]]), FORWARD),
    ("node-link", "json", json.dumps(nx.node_link_data(nx_graph(), edges="links")), FORWARD),
    ("adjacency data", "json", json.dumps(nx.adjacency_data(nx_graph())), FORWARD),
    ("adjacency data without direction", "json", json.dumps(nx.adjacency_data(nx.Graph([(A, B)]))), LINE),
    ("Cytoscape data", "cyjs", json.dumps(nx.cytoscape_data(nx_graph())), FORWARD),
    ("a dict of lists", "json", json.dumps(nx.to_dict_of_lists(nx_graph())), FORWARD),
    ("a matrix in JSON", "json", json.dumps({"nodes": [A, B], "adjacency_matrix": [[0, 1], [0, 0]]}), FORWARD),
    ("Tetrad's JSON", "json", json.dumps(TETRAD_JSON), BACK),
    ("marks in JSON", "json", json.dumps({"edges": [{"source": A, "target": B, "type": "---"}]}), LINE),
    ("GraphML of networkx", "graphml", "\n".join(nx.generate_graphml(nx_graph())), FORWARD),
    ("GML of networkx", "gml", "\n".join(nx.generate_gml(nx_graph())), FORWARD),
    ("GML without direction", "txt", "\n".join(nx.generate_gml(nx.Graph([(A, B)]))), LINE),
    ("SIF", "sif", "audio_Bus pp visual_Bus\n", FORWARD),
    ("BIF of pgmpy", "bif", BIF, FORWARD),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "text", "edges"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_what_programs_write_is_read(
    tmp_path: Path, ending: str, text: str, edges: list[tuple[str, str, bool]]
) -> None:
    path = tmp_path / f"graph.{ending}"
    path.write_text(text, encoding="utf-8")
    found = read_graph(path)
    assert found.edges() == edges
    kept = kept_import(tmp_path, keep_import(tmp_path, path.name, text.encode()))
    assert kept is not None
    assert kept.edges() == edges, "the app's own import reads it as well"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"nodes": [A, B]}), "no list of edges, only 'nodes'"),
        (json.dumps({"nodes": [A, B], "relations": []}), "no list of edges"),
        (json.dumps({"id": A, "children": [{"id": B}]}), "no list of edges"),
        (json.dumps({"edges": [{"node1": A, "node2": B, "endpoint1": "X", "endpoint2": "ARROW"}]}), "not known"),
        (f",{A},{B}\n{A},1,1\n{B},0,0\n", "depends on itself"),
        ("0,1,0\n0,0,1\n0,0,0\n", "names into the first row"),
        ("[audio_A][visual_A|audio_A]", "Not JSON"),
        (f",{A},{B}\n{A},0,1\n{B},0\n", "Expected 2 numbers"),
        (f",{A},{B}\n{A},0,2\n{B},-1,0\n", "no edge of a CPDAG"),
        (f"from,to,strength,direction\n{A},{B},-4,.2\n", r"strength and direction in \[0, 1\]"),
        (f"from,to,type\n{A},{B},-->\n{A},{C},strong\n", r"no edge mark \(|'strong' is no edge mark"),
        ('dag { Z [latent]\nZ -> "audio:Bus" }', "tells no modality"),
        ("Graph Nodes:\nX1;X2\n\nGraph Edges:\n", "tells no modality"),
        ("variable audio_A {}\nprobability ( audio_A | audio_B ) {}", "unknown variables"),
        ("graph [ node [ id 0 ] edge [ source 0 target 1 ] ]", "tells no modality|not there"),
        ("graph [ node [", "not understood"),
    ],
)
def test_what_cannot_be_told_is_refused_and_never_an_empty_graph(text: str, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        read_graph(text)


def test_a_graph_without_edges_can_be_said() -> None:
    assert read_graph(json.dumps({"nodes": [A, B], "edges": []})).edges() == []


def test_a_column_that_is_no_column_of_marks_is_named() -> None:
    found = read_graph(f"from,to,type\n{A},{B},strong\n")
    assert found.edges() == FORWARD
    assert any("no edge marks" in warning for warning in found.warnings)


YED = """<graphml xmlns:y="http://www.yworks.com/xml/graphml"><key for="node" id="d6" yfiles.type="nodegraphics"/>
<key for="edge" id="d9" yfiles.type="edgegraphics"/><graph edgedefault="directed" id="G">
<node id="n0" yfiles.foldertype="group"><data key="d6"><y:ProxyAutoBoundsNode><y:Realizers active="0"><y:GroupNode>
<y:NodeLabel>Sounds</y:NodeLabel></y:GroupNode></y:Realizers></y:ProxyAutoBoundsNode></data>
<graph edgedefault="directed" id="n0:"><node id="n0::n0"><data key="d6"><y:ShapeNode><y:NodeLabel>audio:Bus
<y:LabelModel/></y:NodeLabel></y:ShapeNode></data></node></graph></node>
<node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>visual:Bus</y:NodeLabel></y:ShapeNode></data></node>
<edge source="n0::n0" target="n1"><data key="d9"><y:PolyLineEdge><y:Arrows source="SOURCE" target="TARGET"/>
</y:PolyLineEdge></data></edge></graph></graphml>"""


@pytest.mark.parametrize(
    ("source", "target", "edges"), [("none", "standard", FORWARD), ("standard", "none", BACK), ("none", "none", LINE)]
)
def test_yed_groups_names_and_arrows(source: str, target: str, edges: Any) -> None:
    found = read_graph(YED.replace("SOURCE", source).replace("TARGET", target))
    assert found.edges() == edges
    assert any("'Sounds'" in warning for warning in found.warnings), "a group is no class"


def test_shares_of_tetrads_bootstraps() -> None:
    text = f"Graph Nodes:\n{A};{B};{C}\n\nGraph Edges:\n"
    text += f"1. {A} --> {B} [{A} --> {B}]:0.9100;[{A} --- {B}]:0.0900;[edge]:1.0000\n"
    text += f"2. {B} --- {C} [no edge]:0.1200;[{B} --- {C}]:0.8800\n3. {A} ... {C} [no edge]:0.7;[{A} --> {C}]:0.3\n"
    found = read_graph(text)
    assert found.edges() == [(A, B, True), (B, C, False)]
    assert found.shares["bootstraps"][0, 1] == 1
    assert found.shares["bootstraps"][1, 2] == pytest.approx(0.88)
    assert found.shares["direction"][0, 1] == 0.91
    assert np.isnan(found.shares["direction"][1, 2])
    again = read_graph(write_graph(found, "json"))
    assert np.array_equal(again.shares["bootstraps"][0, 1], found.shares["bootstraps"][0, 1])


NODES = ("audio:Train horn", "audio:Rodents, rats", "visual:Train horn", "visual:Rodents, rats")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("audio.Train.horn", "visual.Rodents..rats"),
        ("audio_Train_horn", "visual_Rodents__rats"),
        ("audio:Train horn", "visual_Rodents, rats"),
    ],
)
def test_names_as_r_and_python_mangle_them_are_matched(one: str, two: str) -> None:
    found = read_graph(json.dumps([[one, two]]), nodes=NODES)
    assert found.edges() == [("audio:Train horn", "visual:Rodents, rats", True)]
    assert any("matched" in warning for warning in found.warnings) == (one != "audio:Train horn")


def test_names_that_could_be_two_are_not_matched() -> None:
    nodes = ("audio:A b", "audio:A-b", "visual:C")
    with pytest.raises(GraphError, match="not among the classes"):
        read_graph(json.dumps([["audio.A.b", "visual:C"]]), nodes=nodes)


def test_imports_take_the_nodes_of_the_run(tmp_path: Path) -> None:
    mangled = b'"from","to"\n"audio.Train.horn","visual.Train.horn"\n'
    kept = kept_import(tmp_path, keep_import(tmp_path, "arcs.csv", mangled, NODES))
    assert kept is not None
    assert kept.nodes == NODES
    assert kept.edges() == [("audio:Train horn", "visual:Train horn", True)]
    other = kept_import(tmp_path, keep_import(tmp_path, "other.csv", b"from,to\naudio_X,visual_Y\n", NODES))
    assert other is not None
    assert other.nodes == ("audio:X", "visual:Y")


class TestRegistry:
    """What every format of the list promises."""

    @pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
    def test_its_samples_and_own_texts_are_read(self, kind: Any) -> None:
        for text in kind.samples:
            assert read_graph(text, kind.name).edges()
        assert kind.samples or kind.is_written
        assert hasattr(kind.home, "write") == kind.is_written
        assert all(SUFFIXES[suffix] in FORMATS for suffix in kind.suffixes)

    @pytest.mark.parametrize("kind", [kind for kind in ALL if kind.is_written], ids=lambda kind: kind.name)
    def test_what_the_app_writes_comes_back_through_its_import(self, kind: Any, tmp_path: Path) -> None:
        nodes = ("audio:Glöckchen", "audio:B", "visual:Glöckchen", "visual:B")
        adjacency = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], np.int8)
        shares = {"bootstraps": np.where(adjacency, 0.75, np.nan)} if kind.holds_shares else {}
        graph = ClassGraph(nodes, adjacency, shares=shares)
        text = write_graph(graph, kind.name).encode()
        for name in [f"graph{suffix}" for suffix in kind.suffixes] + ["graph"]:
            kept = kept_import(tmp_path, keep_import(tmp_path, name, text, nodes))
            assert kept is not None
            assert np.array_equal(kept.adjacency, adjacency)
            if kind.holds_shares:
                assert np.array_equal(kept.shares["bootstraps"][adjacency > 0], shares["bootstraps"][adjacency > 0])

    @pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
    @pytest.mark.parametrize("content", [b"", b"\0\1\2", b"\xff\xfeG\0", b"{", b"[1, 2]", b"<a/>", b"x" * 1000])
    def test_other_things_are_refused_in_words(self, kind: Any, content: bytes) -> None:
        with pytest.raises(GraphError) as error:
            read_graph(content, kind.name)
        assert error.value.what.strip()

    @pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
    def test_truncated(self, kind: Any) -> None:
        graph = ClassGraph(("audio:A", "visual:A", "visual:B"), np.eye(3, k=1, dtype=np.int8))
        text = write_graph(graph, kind.name) if kind.is_written else kind.samples[0]
        for cut in range(1, len(text), 7):
            try:
                found = read_graph(text[:cut], kind.name)
            except GraphError:
                continue
            assert len(found.edges()) <= 3


class TestRealCases:
    """Files rebuilt from public reports."""

    def edges(self, cases: Path, name: str) -> list[tuple[str, str, bool]]:
        return read_graph(cases / "graphs" / name).edges()

    def test_bnlearn(self, shared_cases: Path) -> None:
        edges = self.edges(shared_cases, "bnlearn_write_dot.dot")
        assert sorted(directed for *_, directed in edges) == [False, False, True]
        found = read_graph(shared_cases / "graphs" / "bnlearn_strength.csv")
        assert {frozenset(edge[:2]) for edge in found.edges()} == {frozenset((A, B)), frozenset(("audio:Cat", C))}
        assert np.nanmax(found.shares["bootstraps"]) == 0.99

    def test_marks(self, shared_cases: Path) -> None:
        with pytest.raises(GraphError, match=r"<-> has an arrowhead at both ends.*line 3"):
            self.edges(shared_cases, "edge_types.csv")
        lines = (shared_cases / "graphs" / "edge_types.csv").read_text().splitlines()
        kept = read_graph("\n".join(line for line in lines if "<->" not in line and "o->" not in line))
        assert kept.edges()[-1] == ("visual:Pig", "audio:Pig", True)

    def test_json(self, shared_cases: Path) -> None:
        assert self.edges(shared_cases, "arcs.json") == FORWARD

    def test_yed(self, shared_cases: Path) -> None:
        assert self.edges(shared_cases, "yed_drawn.graphml") == [(A, B, True), (B, C, False)]
        assert self.edges(shared_cases, "yed_saved_again.graphml") == BACK

    def test_tetrad(self, shared_cases: Path) -> None:
        found = read_graph(shared_cases / "graphs" / "tetrad_bootstrap.txt")
        assert found.edges() == [(A, B, True), ("audio:Cat", C, False)]
        assert np.unique(found.shares["bootstraps"][~np.isnan(found.shares["bootstraps"])]).tolist() == [0.88, 1.0]

    def test_dagitty(self, shared_cases: Path) -> None:
        assert told_format((shared_cases / "graphs" / "dagitty_in.txt").read_text(), ".txt") == "dagitty"
        assert self.edges(shared_cases, "dagitty_in.txt") == [("audio:Train horn", B, True)]


@pytest.mark.parametrize(
    "content", [b"\xff", b"[]", b"{}", b"[" * 3000, b'{"graph": 3, "name": 1}', b'{"graph": "x", "name": 1}']
)
def test_a_kept_graph_that_was_damaged_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 16}.json").write_bytes(content)
    assert kept_import(tmp_path, "a" * 16) is None
