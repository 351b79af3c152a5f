"""What is known of two classes without any graph: how probably they come together, and in how many clips they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avexplore.artifacts import split_node
from avexplore.ui.class_graph.panel import facts as facts
from avexplore.ui.parts.plain_text import as_html

if TYPE_CHECKING:
    from avexplore.analysis.pair_evidence import ClipCounts, PairEvidence

_WORDS = {"audio": "heard", "visual": "seen"}


def pair_facts(pairs: PairEvidence, nodes: tuple[str, ...], i: int, j: int) -> str:
    """Facts as HTML; nothing where the nodes are not those of the soft labels."""
    if pairs.expected.nodes != nodes:
        return ""
    found = _probability(pairs, nodes, i, j)
    if pairs.true is not None:
        found += "<h5>By the human labels of each modality</h5>" + facts.grid(_counts(pairs.true, i, j))
        found += facts.folded("By the soft labels", facts.grid(_counts(pairs.expected, i, j)))
        return found
    why = "Expected numbers by the teacher's probabilities: they rank pairs, and understate how much is shared."
    return f"{found}<h5>By the soft labels</h5>{facts.grid(_counts(pairs.expected, i, j))}<p>{why}</p>"


def _probability(pairs: PairEvidence, nodes: tuple[str, ...], i: int, j: int) -> str:
    from avexplore.graph.evidence.pair_probability import limits

    known = pairs.probability
    p = float(known.of_nodes((nodes[i], nodes[j]))[0, 1])
    if not np.isfinite(p):
        return ""
    said = ": probably true, as nine in ten such pairs are in simulations" if p >= known.probably_true else ""
    rows = [("Come together", f"{facts.bar(p)}probability, by the soft labels alone{said}")]
    return facts.grid(rows) + facts.folded(
        "What this says, and what not", "".join(f"<p>{as_html(text)}</p>" for text in (limits(), *known.warnings))
    )


def _counts(counts: ClipCounts, i: int, j: int) -> list[tuple[str, str]]:
    known = counts.pair(i, j)
    one, other = _short(counts.nodes[i]), _short(counts.nodes[j])
    number = f"{known.joint:,.0f}" if counts.exact or known.joint >= 10 else f"{known.joint:.1f}"
    rows = [
        ("Clips with both", f"{number} of {counts.clips:,}"),
        (
            "Odds ratio",
            f"{known.odds_ratio:.2g} (95 %: {known.low:.2g} to {known.high:.2g}){_sure(known.low, known.high)}",
        ),
    ]
    if np.isfinite(known.given):
        rows.append(("P(to | from)", _share(known.given, known.base, one, other)))
    if np.isfinite(known.given_back):
        rows.append(("P(from | to)", _share(known.given_back, known.base_back, other, one)))
    if known.same_class is not None:
        a, b = (split_node(counts.nodes[k]) for k in (i, j))
        least = "" if counts.exact else "at least "
        through = f"{_WORDS[b[0]]} {a[1]} or {_WORDS[a[0]]} {b[1]}"
        rows.append(("Through one class", f"{least}{known.same_class:.0%} of these clips also hold {as_html(through)}"))
    return rows


def _share(given: float, base: float, condition: str, event: str) -> str:
    return f"{given:.1%} of the clips with {as_html(condition)} hold {as_html(event)}; of all clips {base:.1%}"


def _short(node: str) -> str:
    modality, label = split_node(node)
    return f"{_WORDS[modality]} {label}"


def _sure(low: float, high: float) -> str:
    if low > 1:
        return ": more often together than by chance"
    return ": less often together than by chance" if high < 1 else ": chance may explain it"
