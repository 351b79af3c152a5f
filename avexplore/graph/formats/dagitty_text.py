"""DAGitty's text: `dag { ... }` or `pdag { ... }`, which its R package and its web page read."""

from __future__ import annotations

from urllib.parse import unquote

from avexplore.artifacts import ClassGraph
from avexplore.graph.formats.dot_text import Parser, quoted
from avexplore.graph.formats.draft import Draft


class _Parser(Parser):
    def _name(self) -> str:
        quoted_name = self._token is not None and self._token.kind == "quoted"
        name = super()._name()
        # Older releases percent-encode names instead of quoting them.
        return name if quoted_name or "%" not in name else unquote(name)


def read(content: str) -> Draft:
    """Read a dag or pdag; of mixed graphs (mag, pag), those with marks that a CPDAG lacks are refused.

    Raises:
        GraphError: If it is not DAGitty text; the message names the line.

    >>> read('pdag { "audio:A" -- "visual:A"\\n audio_B -> "audio:A" }').finish().edges()
    [('audio:A', 'visual:A', False), ('audio:B', 'audio:A', True)]
    """
    known = ("->", "<-", "--", "<->", "@->", "<-@", "@-@", "@--", "--@")
    parser = _Parser(content, {mark: mark for mark in known}, drawn=False)
    parser.keyword(("dag", "pdag", "mag", "pag", "digraph", "graph"))
    return parser.body()


def write(graph: ClassGraph) -> str:
    """A dag, or a pdag if any edge is undirected.

    >>> import numpy as np
    >>> print(write(ClassGraph(("audio:A", "visual:A"), np.array([[0, 1], [0, 0]], np.int8))))
    dag {
    "audio:A"
    "visual:A"
    "audio:A" -> "visual:A"
    }
    <BLANKLINE>
    """
    edges = graph.edges()
    lines = ["dag {" if all(directed for *_, directed in edges) else "pdag {", *(quoted(name) for name in graph.nodes)]
    lines += [f"{quoted(source)} {'->' if directed else '--'} {quoted(target)}" for source, target, directed in edges]
    return "\n".join([*lines, "}", ""])
