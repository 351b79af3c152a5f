"""The evaluation page's tables: rows of figures, and the same rows as CSV, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avexplore.analysis.headline import change
from avexplore.analysis.loaded_run import TITLES
from avexplore.artifacts import RetrievalReport
from avexplore.config import Config, StudentConfig
from avexplore.retrieval.significance import Interval, holm, paired_difference, permutation_test, verdict

FIGURES: Mapping[str, tuple[str, str]] = {
    "map_audio_to_visual": ("MAP, A→V", "Audio queries, visual gallery; the annotated class is relevant."),
    "map_visual_to_audio": ("MAP, V→A", "Visual queries, audio gallery; the annotated class is relevant."),
    "map": ("MAP, mean", "Mean of both directions."),
    "any_label_map": ("Any-label MAP", "Clips that share any true label are relevant, annotated or not."),
    "hidden_pair_ap": ("Hidden-pair AP", "Only pairs that share a true, unannotated label are relevant."),
    "recovered_false_negatives": (
        "False negatives recovered, per query",
        "Share of those pairs within the first R answers, mean over queries.",
    ),
    "map_over_cutoffs": (
        "MAP over cut-offs",
        "The authors' released metric; not comparable with MAP.",
    ),
}
"""Names and meanings of the figures, in the order of the table."""

_RELEVANT = {
    "clip": ("clip", "Relevant: the other half of the same clip alone."),
    "class": ("class", "Relevant: all clips of the query's annotation."),
}
FIELD: Mapping[str, tuple[str, str]] = {
    f"{kind}_{key}": (f"{name}, {called}", f"{meaning} {relevant}")
    for kind, (called, relevant) in _RELEVANT.items()
    for key, name, meaning in (
        ("r_at_1", "R@1", "Share of queries whose first answer is relevant."),
        ("r_at_5", "R@5", "Share of queries with a relevant answer among the first 5."),
        ("r_at_10", "R@10", "Share of queries with a relevant answer among the first 10."),
        ("ndcg_at_10", "nDCG@10", "Discounted gain of the first 10 answers, over that of a perfect ranking."),
        ("mrr", "MRR", "Mean of 1 / rank of the first relevant answer."),
    )
}
"""The figures that other papers of the field print, mean of both directions; see `retrieval.evaluate`."""


@dataclass(frozen=True)
class Row:
    """One figure of the twin and of the student with LIR.

    Attributes:
        name: For people.
        meaning: One sentence.
        before, after: Without and with LIR.
        difference: after - before with an interval where one is known, over `over`.
        over: "queries" or "seeds", "" without an interval.
    """

    name: str
    meaning: str
    before: float
    after: float
    difference: Interval
    over: str = ""


def comparison(
    before: RetrievalReport,
    after: RetrievalReport,
    figures: Mapping[str, tuple[str, str]] = FIGURES,
    *,
    paired: bool = True,
) -> list[Row]:
    """Two students: intervals over clips, each of which asks twice, of the figures that are known of single clips.

    Args:
        before: Of the one.
        after: Of the other.
        figures: Which figures, with their names and meanings.
        paired: Whether both asked the same queries; there is no interval otherwise.
    """
    rows = []
    for key, (name, meaning) in figures.items():
        if key not in before.metrics or key not in after.metrics:
            continue
        found = change(before, after, key) if paired else None
        one, other = before.metrics[key], after.metrics[key]
        difference = Interval(other - one, math.nan, math.nan, 1) if found is None else found.difference
        rows.append(Row(name, meaning, one, other, difference, "" if found is None else "queries"))
    return rows


@dataclass(frozen=True)
class SeedRow:
    """One figure over trainings that differ in their seeds only; `p_value` is corrected over the rows (Holm)."""

    row: Row
    p_value: float
    verdict: str


Pair = tuple[Mapping[str, float], Mapping[str, float]]
"""Figures of a twin without LIR, and of its student with."""


def over_seeds(pairs: Sequence[Pair]) -> list[SeedRow]:
    """The figures over several seeds, paired by seed; [] for fewer than two."""
    if len(pairs) < 2:
        return []
    rows, p_values = [], []
    for key, (name, meaning) in FIGURES.items():
        if all(key in figures for pair in pairs for figures in pair):
            before, after = (np.array([pair[k][key] for pair in pairs]) for k in (0, 1))
            difference = paired_difference(after, before)
            rows.append(Row(name, meaning, float(before.mean()), float(after.mean()), difference, "seeds"))
            p_values.append(permutation_test(after, before))
    corrected = holm(p_values)
    return [SeedRow(row, float(p), verdict(row.difference, float(p))) for row, p in zip(rows, corrected, strict=True)]


def siblings(student: StudentConfig, known: Iterable[Config]) -> list[StudentConfig]:
    """The students on the same data that differ from this one in their seeds alone, itself among them."""
    same = _without_seeds(student)
    return [other for other in known if isinstance(other, StudentConfig) and _without_seeds(other) == same]


def _without_seeds(config: Config) -> object:
    def strip(value: object) -> object:
        if isinstance(value, dict):
            # Another seed of the synthetic benchmark, or another split, is other data.
            kept = value.get("stage") in ("synthetic", "features")
            return {name: strip(item) for name, item in value.items() if kept or name != "seed"}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return strip(config.to_json(address_only=True))


# --- other forms --------------------------------------------------------------------------------------------------


def number(value: float, *, signed: bool = False) -> str:
    """Four decimals, a true minus sign left to typesetting.

    >>> number(0.12345), number(0.01, signed=True), number(float("nan"))
    ('0.1235', '+0.0100', '')
    """
    if math.isnan(value):
        return ""
    return f"{value:+.4f}" if signed else f"{value:.4f}"


def cells(rows: Sequence[Row], titles: tuple[str, str] = TITLES) -> list[list[str]]:
    """The table as text, with its header; `titles` are what the two sides are called."""
    table = [["Figure", *titles, "Difference", "95 % interval"]]
    for row in rows:
        low, high = number(row.difference.low, signed=True), number(row.difference.high, signed=True)
        interval = f"{low} to {high} ({row.over})" if low else ""
        difference = number(row.difference.mean, signed=True)
        table.append([row.name, number(row.before), number(row.after), difference, interval])
    return table


def exact(rows: Sequence[Row], titles: tuple[str, str] = TITLES) -> list[list[str | float]]:
    """The table with all digits, the interval in two columns; `titles` as in `cells`."""
    table: list[list[str | float]] = [["Figure", *titles, "Difference", "Low", "High", "Interval over"]]
    for row in rows:
        d = row.difference
        limits = ["" if math.isnan(value) else value for value in (d.low, d.high)]
        table.append([row.name, row.before, row.after, d.mean, *limits, row.over])
    return table


def as_csv(table: Sequence[Sequence[object]]) -> str:
    """CSV that no spreadsheet takes for formulas in its names; numbers keep all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for line in table:
        writer.writerow([safe(cell) if isinstance(cell, str) and not _is_number(cell) else cell for cell in line])
    return text.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_markdown(table: Sequence[Sequence[str]]) -> str:
    r"""A Markdown table; the first column is text, the others are numbers.

    >>> print(as_markdown([["Class", "AP"], ["a|b", "0.5"]]))
    | Class | AP |
    | :--- | ---: |
    | a\|b | 0.5 |
    """
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table]
    rule = "| " + " | ".join([":---"] + ["---:"] * (len(table[0]) - 1)) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "→": r"$\to$",
}  # fmt: skip


def as_latex(table: Sequence[Sequence[str]]) -> str:
    r"""A booktabs tabular.

    >>> print(as_latex([["Class", "AP"], ["R&B", "-0.5"]]))
    \begin{tabular}{lr}
    \toprule
    Class & AP \\
    \midrule
    R\&B & $-0.5$ \\
    \bottomrule
    \end{tabular}
    """

    def cell(text: str) -> str:
        if _is_number(text) and text[:1] in "+-":
            return f"${text}$"
        return "".join(_LATEX.get(sign, sign) for sign in text)

    lines = [" & ".join(cell(text) for text in line) + r" \\" for line in table]
    body = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
    columns = "l" + "r" * (len(table[0]) - 1)
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"])


def safe(text: str) -> str:
    """A name that no spreadsheet takes for a formula.

    >>> safe("=HYPERLINK(1)"), safe("Bus")
    ("'=HYPERLINK(1)", 'Bus')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
