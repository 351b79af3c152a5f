"""Cytoscape's simple interaction format: a node, how it is linked, and the nodes that it is linked with."""

from __future__ import annotations

from avexplore.errors import GraphError
from avexplore.graph.formats.draft import Draft, short
from avexplore.graph.formats.marks import is_mark, meaning


def read(content: str) -> Draft:
    """Read one statement per line, separated by tabs where there is one in the file, else by spaces.

    A link is an edge mark, or any word: then it points from the first node to the others.

    Raises:
        GraphError: If a line holds two words, or a name tells no modality; the message names the line.

    >>> read("audio_A --- visual_A audio_B").finish().edges()
    [('audio:A', 'audio:B', False), ('audio:A', 'visual:A', False)]
    """
    draft, words = Draft(), set()
    separator = "\t" if "\t" in content else None
    for number, line in enumerate(content.splitlines(), 1):
        parts = [part.strip() for part in line.split(separator) if part.strip()]
        if len(parts) == 2:
            raise GraphError(f"Expected a node, a link and nodes, found {short(line)}", where=f"line {number}")
        if not parts:
            continue
        draft.list_node(parts[0])
        for other in parts[2:]:
            mark = parts[1] if is_mark(parts[1]) else "directed"
            words |= set() if is_mark(parts[1]) else {parts[1]}
            draft.add_marked(parts[0], other, meaning(mark, where=f"line {number}"))
    if words:
        some = ", ".join(short(word) for word in sorted(words)[:5])
        draft.warnings.append(f"Links by words ({some}) count as directed, from the first node to the others.")
    return draft
