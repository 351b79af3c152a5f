"""How the class graph is searched, bootstrapped and turned into weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from avexplore.config.base import Acts, Config, setting, within
from avexplore.config.teacher import SoftLabelSource

Engine = Literal["grasp", "boss", "both", "causal-learn-grasp", "causal-learn-boss", "flop"]
Score = Literal["bic", "bdeu", "kernel"]
Strategy = Literal["single", "polished", "perturbed", "restarts", "iterated"]
STRATEGIES = {
    "single": "one start",
    "polished": "one start, polished",
    "perturbed": "perturbations that keep parents",
    "restarts": "restarts",
    "iterated": "perturbations, parents grown anew",
}
"""What strategies are called."""
Transform = Literal["raw", "logit", "clr", "ilr", "drop-one", "rank", "class-centered"]


@dataclass(frozen=True)
class KnowledgeConfig(Config):
    """What the searcher must respect. Nodes are named `audio:X` or `visual:X`."""

    stage: ClassVar[str] = "knowledge"
    acts: ClassVar[Acts] = "reading"
    required: tuple[tuple[str, str], ...] = setting((), help="Edges (source, target) that must be there.")
    forbidden: tuple[tuple[str, str], ...] = setting((), help="Edges (source, target) that must not be there.")
    tiers: tuple[tuple[str, ...], ...] = setting(
        (), help="No edge from a later tier into an earlier one; unlisted nodes are free."
    )
    forbidden_blocks: tuple[tuple[str, str], ...] = setting(
        (), help='Modality pairs (source, target) without edges, such as ("audio", "visual").'
    )

    def tier_of(self, node: str) -> int:
        """The tier of a node from 1, or 0."""
        return next((index for index, members in enumerate(self.tiers, 1) if node in members), 0)


@dataclass(frozen=True)
class GraphConfig(Config):
    """How the class-dependency graph is searched."""

    stage: ClassVar[str] = "graph"
    acts: ClassVar[Acts] = "reading"
    format_version: ClassVar[int] = 2  # the kernel score is the full likelihood
    soft_labels: SoftLabelSource = setting(help="The teacher, or a file of soft labels.")
    engine: Engine = setting("both", help="Search algorithm; both runs BOSS, then GRaSP from its result.")
    score: Score = setting(
        "bic",
        choices={"bic": "BIC (Gaussian)", "bdeu": "BDeu (discretized)", "kernel": "kernel (small data only)"},
        help=(
            "Gaussian BIC on the values, BDeu on discretized values, or a kernel regression's cross-validated "
            "likelihood. The last finds any kind of dependency, and takes some hundred clips and a few "
            "classes at most."
        ),
    )
    transform: Transform = setting(
        "raw",
        choices={
            "raw": "as they are",
            "logit": "log-odds",
            "clr": "centered log-ratio",
            "ilr": "isometric log-ratio",
            "drop-one": "one class left out",
            "rank": "normal ranks",
            "class-centered": "minus class means",
        },
        label="Soft labels",
        help="What is done to the soft labels before the search.",
    )
    penalty_discount: float = within(
        0.0,
        1000.0,
        2.0,
        label="Penalty",
        # Even steps on a logarithmic scale, nearly, and readable numbers.
        steps=(1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 16.0),
        help="How much better a further edge must fit to be kept: higher means fewer edges. c in BIC = 2L - c k ln n "
        "(Tetrad's unit; 1 is plain BIC, useful 1..16).",
        open_low=True,
    )
    depth: int = within(1, 10, 3, help="How deep GRaSP follows moves that do not change the score at once.")
    strategy: Strategy = setting(
        "perturbed",
        choices=STRATEGIES,
        help=(
            "One start; one start, polished; perturbations of the best graph, which keep its parents; restarts; or "
            "perturbations that grow all parents anew (the earlier default)."
        ),
    )
    iterations: int = within(
        1,
        100_000,
        300,
        label="Restarts or perturbations",
        help="How long to search: restarts, or rounds of perturbations; unused by one start, polished or not.",
    )
    rows: Literal["train", "all"] = setting(
        "train",
        label="Clips",
        choices={"train": "training clips", "all": "all clips (test too)"},
        help="Clips that the graph is learned from; all uses test clips and is marked so.",
    )
    knowledge: KnowledgeConfig = setting(KnowledgeConfig(), help="Edges required, forbidden or ordered by you.")
    seed: int = within(0, 2**31 - 1, 0, help="Draws start orders and perturbations.")


@dataclass(frozen=True)
class StabilityConfig(Config):
    """How often each edge comes back over bootstraps, beside how often it appears under a null model."""

    stage: ClassVar[str] = "stability"
    acts: ClassVar[Acts] = "reading"
    format_version: ClassVar[int] = 2  # a column that a resample makes constant correlates with nothing
    graph: GraphConfig = setting(help="The search to repeat.")
    bootstraps: int = within(
        2, 10_000, 100, help="Resamples of the clips; more make the frequencies finer and take longer."
    )
    strategy: Strategy = setting(
        "polished",
        label="Strategy of resamples",
        choices=STRATEGIES,
        help=(
            "How resamples are searched. What a search misses counts as instability: one start alone is quick and "
            "misses the best graph in half of the cases, polished in a tenth."
        ),
    )
    null: Literal["none", "within-class", "decoupled", "one-hot"] = setting(
        "within-class",
        label="Shuffled data",
        choices={
            "none": "not compared with",
            "within-class": "shuffled within each annotated class",
            "decoupled": "pictures shuffled against sounds",
            "one-hot": "the annotation alone",
        },
        help="How clips are shuffled so that no relation between classes is left.",
    )
    null_bootstraps: int = within(2, 10_000, 50, label="Shuffled resamples", help="Graphs of shuffled data.")
    seeds: int = within(
        0,
        1000,
        10,
        label="Search seeds",
        help=("Searches of the data as they are, each from its own seed: how much of the graph is the search's luck."),
    )
    seed: int = within(0, 2**31 - 1, 0, help="Draws the resamples.")


@dataclass(frozen=True)
class AffinityConfig(Config):
    """From graph to class-pair weights (A-hat), with the controls as equal choices."""

    stage: ClassVar[str] = "affinity"
    acts: ClassVar[Acts] = "reading"
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    stability: StabilityConfig = setting(help="The bootstrapped graph.")
    source: Literal[
        "graph",
        "correlation",
        "identity",
        "constant",
        "random",
        "graphical-lasso",
        "conditional-means",
        "true-graph",
        "true-pairs",
    ] = setting(
        "graph",
        label="Source of links",
        help="Where weights come from: the graph, or a control to compare it with.",
    )
    threshold: float = within(
        0.0,
        1.0,
        0.5,
        label="Edge frequency at least",
        steps=tuple(step / 20 for step in range(21)),
        help="Keep edges at least this frequent over bootstraps.",
    )
    top_k: int = within(1, 10_000, 5, label="Edges kept per node (top-K)", help="Keep at most so many edges per node.")
    top_pairs: int | None = within(
        1, 1_000_000, None, label="Class pairs kept", help="Keep at most so many class pairs overall; none keeps all."
    )
    same_class: bool = setting(
        True,
        acts="training",
        label="Add same-class pairs (identity)",
        help="Add the identity: pairs whose soft labels share a class.",
    )
    edge_weight: float = within(
        0.0,
        1.0,
        1.0,
        acts="training",
        help="Weight of the strongest edge, beside the 1 of pairs that share a class; unused without those.",
    )
    within_audio: bool = setting(True, help="Use edges between audio nodes.")
    within_visual: bool = setting(True, help="Use edges between visual nodes.")
    across: bool = setting(True, help="Use edges between an audio and a visual node.")
    directed: bool = setting(
        False, acts="training", help="Use an edge only from its source's clip to its target's; otherwise both ways."
    )
    seed: int = within(0, 2**31 - 1, 0, help="Draws the random graph; unused by the other sources.")
