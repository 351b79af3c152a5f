"""Bayesian networks in the interchange format (BIF) that pgmpy and bnlearn write: their edges, without the tables."""

from __future__ import annotations

import re

from avexplore.errors import GraphError
from avexplore.graph.formats.draft import LONGEST_NAME, Draft, short

_NAME = rf'(?:"([^"\n]{{1,{LONGEST_NAME}}})"|([^\s"{{}}()|,]{{1,{LONGEST_NAME}}}))'
_VARIABLE = re.compile(rf"^\s*variable\s+{_NAME}", re.MULTILINE)
_TABLE = re.compile(r"^\s*probability\s*\(([^()\n]{1,20000})\)", re.MULTILINE)
_ONE = re.compile(_NAME)


def read(content: str) -> Draft:
    """Read the variables, and each table's variable with those that it depends on.

    Raises:
        GraphError: If there are no variables, or a table is of others.

    >>> read("variable audio_A {}\\nvariable visual_A {}\\nprobability ( visual_A | audio_A ) {}").finish().edges()
    [('audio:A', 'visual:A', True)]
    """
    draft = Draft()
    names = {one or two: draft.list_node(one or two) for one, two in _VARIABLE.findall(content)}
    if not names:
        raise GraphError("There are no variables", where="BIF", fix="Check that this is a Bayesian network in BIF")
    for table in _TABLE.findall(content):
        child, _, parents = table.partition("|")
        found = [one or two for one, two in _ONE.findall(child)]
        others = [one or two for one, two in _ONE.findall(parents)]
        if len(found) != 1 or not {*found, *others} <= set(names):
            raise GraphError(f"The table of {short(table.strip())} is of unknown variables", where="BIF")
        for other in others:
            draft.add_edge(names[other], names[found[0]])
    return draft
