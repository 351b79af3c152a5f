"""Arms and controls on the experiments page: does the graph help, or would any regularizer?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import streamlit as st

from avexplore.config import DEFAULT_ARMS, ClipsConfig, ExperimentConfig, StudentConfig
from avexplore.experiments import OFFERED, alike, arms_of, compare_arms, linked_pairs, reference_of
from avexplore.experiments.comparison import answer, mean_of, seeds_needed, sentences
from avexplore.ui.experiments import figures
from avexplore.ui.parts import job_progress
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import Telling
from avexplore.ui.shell import session

if TYPE_CHECKING:
    from avexplore.artifacts import ExperimentReport
    from avexplore.experiments import Comparison
    from avexplore.workbench.runs import Run

MEANING = {
    "graph+I": "Inferred graph and same-class pairs",
    "graph": "Inferred graph alone",
    "identity": "Similar soft labels alone, no graph",
    "every-pair": "Every pair of classes linked, no graph",
    "popularity": "Every class linked as strongly as it is common, no graph",
    "graphical-lasso+I": "Graphical lasso with as many links as the graph, and same-class pairs",
    "conditional-means+I": "As many links where one class makes another likelier, and same-class pairs",
    "random+I": "Random graph and same-class pairs",
    "correlation+I": "Plain correlation and same-class pairs",
    "constant": "One constant weight for every pair",
    "true-graph+I": "True co-occurrence graph (a ceiling)",
    "true-pairs": "Truly related pairs (the ceiling)",
    "pull:graph+I": "Inferred graph, pulling pairs together",
    "forgive:graph+I": "Inferred graph, forgiving negatives",
    "margin:graph+I": "Inferred graph, shrinking margins",
    "method:paper": "Loss and LIR as the papers report them",
    "reading:anew": "Twin, read anew: nothing trained, share and temperature chosen on validation clips",
    "reading:links": "Twin, read through the inferred graph's links: nothing trained",
    "proxies:aadml": "AA proxies, no LIR",
    "proxies:aadml+graph+I": "AA proxies and LIR with the inferred graph",
    "proxies:anchor_aware": "AA proxies as defined before 0.2.0, no LIR",
    "proxies:anchor_aware+graph+I": "AA proxies as defined before 0.2.0, and LIR with the inferred graph",
    "baseline:cca": "CCA",
    "baseline:cluster-cca": "Cluster-CCA",
    "loss:cross-entropy": "Cross-entropy, no LIR",
    "loss:infonce": "InfoNCE, no LIR",
    "loss:soft-triplet": "Soft triplets (after MPSD), no LIR",
    "without LIR": "The twin without LIR",
}
SHORT = {arm: words.partition(", ")[0].removesuffix(" and same-class pairs") for arm, words in MEANING.items()} | {
    "popularity": "Popularity",
    "graphical-lasso+I": "Graphical lasso",
    "conditional-means+I": "Conditional means",
}
"""As they are called within a sentence."""
FIGURES = {
    "hidden_pair_ap": "Hidden-pair AP",
    "any_label_map": "Any-label MAP",
    "map": "MAP",
    "map_audio_to_visual": "MAP, A→V",
    "map_visual_to_audio": "MAP, V→A",
    "recovered_false_negatives": "Recovered false negatives",
    "delta_d": "Delta-D",
    "link_precision": "Link precision",
    "link_recall": "Link recall",
}
HELP = {
    "hidden_pair_ap": "How early answers come that share only an event with the question which nobody annotated.",
    "any_label_map": "Mean average precision; right is what shares any true label, annotated or not.",
    "map": "Mean average precision; right is what was annotated alike. Mean of both directions.",
    "recovered_false_negatives": "Share of the pairs that only hidden labels relate among the first answers.",
    "delta_d": "How much nearer than in the twin the clips of the inferred graph's strongest edges lie; for every arm "
    "on the same edges.",
    "link_precision": "Share of the linked class pairs that truly come together in the training clips.",
    "link_recall": "Share of the class pairs that truly come together that are linked.",
}
NEEDS_TRUTH = ("true-graph", "true-pairs")
READ_ANEW = (
    "Validation clips choose, for each arm and for the twin, how much the class posteriors count in the embedding."
)


def draw(run: Run) -> None:
    """Draw the form, the progress or the findings."""
    assert run.student is not None
    earlier = last_experiment(run.student)
    findings = st.container()
    with st.expander("What is compared", expanded=earlier is None):
        config = _chosen(run.student, earlier)
    if config is None:
        return
    with findings:
        _found(config)


def last_experiment(student: StudentConfig) -> ExperimentConfig | None:
    """The experiment of a student that was made last."""
    known = (one.config for one in session.workbench().store.entries(ExperimentConfig.stage))
    made = [config for config in known if isinstance(config, ExperimentConfig) and config.student == student]
    offered = {*OFFERED}
    return next((config for config in made if offered.issuperset(config.arms)), None)


def _found(config: ExperimentConfig) -> None:
    """The sentence and the picture, or how to get them."""
    report: ExperimentReport | None = job_progress.artifact(config, size(config), start=False, stop_page=False)
    if report is None:
        st.caption(
            "Students of all arms share each seed's beginning, up to the epoch at which LIR starts. Results already on "
            "this machine are used again, and a stopped experiment goes on where it was."
        )
        return
    answered = st.container()
    metric = st.selectbox(
        "Figure",
        figures_of(report),
        format_func=FIGURES.__getitem__,
        key="experiment.metric",
        bind="query-params",
        width=280,
    )
    answered.subheader(in_a_sentence(report, metric), anchor=False)
    if metric in HELP:
        st.caption(HELP[metric] + (f" {READ_ANEW}" if config.reading == "chosen" else ""))
    if metric in ("link_precision", "link_recall"):
        counts = (f"{MEANING.get(arm, arm)} {count:.0f}" for arm, count in linked_pairs(report).items())
        st.caption(as_markdown("Linked class pairs: " + "; ".join(counts) + "."))
    reference = reference_of(report, metric)
    found = compare_arms(report, metric)
    name = MEANING.get(reference, reference)
    st.plotly_chart(
        figures.forest(found, MEANING, FIGURES[metric], name[0].lower() + name[1:]),
        width="stretch",
        key="experiment.forest",
    )
    st.caption(
        "Filled marks: the permutation test, corrected over the arms (Holm), confirms the difference at 5 %. One "
        "figure should be chosen before looking: the correction does not cover looking at all of them."
    )
    with st.expander("In plain words, arm by arm"):
        lines = sentences(report, metric, {**MEANING, **FIGURES})
        st.markdown("\n".join(f"- {as_markdown(line)}" for line in lines))
        groups = ["; ".join(MEANING.get(arm, arm) for arm in group) for group in alike(report, metric)]
        st.markdown("Arms of one line cannot be told apart (paired tests of all pairs, Holm), best first:")
        st.markdown("\n".join(f"{i}. {as_markdown(group)}" for i, group in enumerate(groups, 1)))
    table = _table(found, name, mean_of(report, reference, metric))
    number, signed = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%+.4f"))
    columns = dict.fromkeys(("Difference", "95 % from", "to"), signed) | {"Mean": number, "p (Holm)": number}
    st.dataframe(table, column_config=columns, hide_index=True, width="stretch", placeholder="–")
    st.download_button("Download every seed (CSV)", _long(report).to_csv(index=False), "experiment.csv", "text/csv")


def figures_of(report: ExperimentReport) -> list[str]:
    """The figures that arms are compared on."""
    return [name for name in FIGURES if name in report.metrics and compare_arms(report, name)]


def in_a_sentence(report: ExperimentReport, metric: str) -> str:
    """What the experiment says on one figure, as Markdown."""
    return as_markdown(answer(report, metric, {**SHORT, **FIGURES}))


def _chosen(student: StudentConfig, earlier: ExperimentConfig | None) -> ExperimentConfig | None:
    offered = [arm for arm in OFFERED if _truth_known(student) or not arm.startswith(NEEDS_TRUTH)]
    chosen = st.multiselect(
        "Arms",
        offered,
        default=list(DEFAULT_ARMS if earlier is None else earlier.arms),
        format_func=lambda arm: MEANING.get(arm, arm),
        key="experiment.arms",
        bind="query-params",
        help="Each is compared with the twin without LIR, paired by seed.",
    )
    row = st.container(horizontal=True)
    count = row.number_input(
        "Seeds", 2, 100, 10 if earlier is None else earlier.seeds, key="experiment.seeds", bind="query-params",
        width=150,
        help=f"Paired seeds. To confirm anything with {len(chosen)} arms, at least {seeds_needed(len(chosen) or 1)}.",
    )  # fmt: skip
    start = row.number_input(
        "First seed", 0, 2**20, 0 if earlier is None else earlier.first_seed, key="experiment.first",
        bind="query-params",
        width=150,
        help="A sweep chose by seeds from 0 on: to test its choice on fresh ones, start behind them.",
    )  # fmt: skip
    where: Literal["validation", "test"] = row.segmented_control(
        "Clips",
        ["validation", "test"],
        default="test" if earlier is None else earlier.split,
        key="experiment.split",
        bind="query-params",
        required=True,
        help="Choose parameters on validation clips, and look at test clips once.",
    )
    fair = st.toggle(
        "Each arm read as does best for it",
        earlier is None or earlier.reading == "chosen",
        key="experiment.fair",
        bind="query-params",
        help="Share and temperature of the class posteriors in the embedding are chosen on validation clips for every "
        "arm and seed, the twin's too; otherwise all have the run's.",
    )
    if fair and "reading:anew" in chosen:
        st.caption("The twin is read anew, too: it stands for that arm.")
    with Telling():
        reading: Literal["own", "chosen"] = "chosen" if fair else "own"
        return ExperimentConfig(student, tuple(chosen), int(count), int(start), split=where, reading=reading)
    return None


def _truth_known(student: StudentConfig) -> bool:
    """Whether the data say which classes truly occur; assumed while that cannot be read quickly."""
    clips = job_progress.cached_or_quick(ClipsConfig(student.data))
    return clips is None or clips.true_labels is not None


def _table(found: list[Comparison], reference: str, mean: float) -> pd.DataFrame:
    rows = [
        {
            "Arm": MEANING.get(c.arm, c.arm),
            "Mean": c.mean,
            "Difference": c.difference,
            "95 % from": c.low,
            "to": c.high,
            "p (Holm)": c.p_value,
            "Verdict": c.verdict,
        }
        for c in found
    ]
    return pd.DataFrame([{"Arm": reference, "Mean": mean, "Verdict": "reference"}, *rows])


def size(config: ExperimentConfig) -> str:
    """How much there is to train."""
    count = len(arms_of(config)) - 1
    return f"{count} {'arm' if count == 1 else 'arms'} and the twin x {config.seeds} seeds"


def address(config: ExperimentConfig) -> dict[str, Any]:
    """The form of an experiment, as the page's address has it."""
    return {
        "experiment.arms": [MEANING.get(arm, arm) for arm in config.arms],
        "experiment.seeds": str(config.seeds),
        "experiment.first": str(config.first_seed),
        "experiment.split": config.split,
        "experiment.fair": "true" if config.reading == "chosen" else "false",
    }


def _long(report: ExperimentReport) -> pd.DataFrame:
    rows = [
        {"arm": arm, "seed": int(seed), **dict(zip(report.metrics, map(float, report.values[a, s]), strict=True))}
        for a, arm in enumerate(report.arms)
        for s, seed in enumerate(report.seeds)
    ]
    return pd.DataFrame(rows)
