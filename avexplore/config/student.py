"""The student, LIR, and the views of its embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from avexplore.config.base import Acts, Config, setting, within
from avexplore.config.data import DataConfig
from avexplore.config.graph import AffinityConfig, StabilityConfig
from avexplore.config.teacher import SoftLabelSource
from avexplore.errors import ConfigError


@dataclass(frozen=True)
class RegularizerConfig(Config):
    """LIR: how the affinity acts on pairs of clips."""

    stage: ClassVar[str] = "regularizer"
    affinity: AffinityConfig = setting(help="The class-pair weights.")
    form: Literal["pull", "forgive", "margin"] = setting(
        "forgive", help="Pull related pairs together, forgive them as negatives, or shrink their margin."
    )
    weight: float = within(
        0.0,
        1000.0,
        1.0,
        label="LIR weight (lambda)",
        steps=(0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0),
        help="Lambda.",
    )
    tau: float = within(0.0, 1.0, 0.0, label="Soft-label threshold (tau)", help="Soft labels up to this do not count.")
    level: Literal["class", "node"] = setting(
        "class", help="Whether an edge links its two classes in any modality, or only the modalities of its nodes."
    )
    percentile: float = within(
        0.0,
        1.0,
        0.98,
        help="Pairs linked more strongly than this share of all pairs are forgiven fully.",
        open_low=True,
    )
    evidence: Literal["own", "both"] = setting(
        "both", help="Whether a clip's soft labels are each modality's own, or the mean of both modalities' outputs."
    )
    class_heads: float = within(
        0.0,
        1000.0,
        1.0,
        help=(
            "Degree to which the student's class heads, too, stop counting linked classes as wrong; 0 leaves "
            "them alone."
        ),
    )
    posterior_links: float = within(
        0.0,
        1.0,
        0.25,
        label="Link strength",
        steps=tuple(step / 20 for step in range(20)),
        acts="reading",
        help=(
            "Probability that the strongest link's other class is present, too, for posteriors in the "
            "embedding; 0 is off."
        ),
    )
    link_scale: Literal["links", "teacher"] = setting(
        "links",
        help=(
            "What counts as the strongest link: the strongest of those that are linked, or of all that the teacher "
            "associates, so that sources of links can be compared."
        ),
        acts="reading",
        since="0.2",
    )
    linked: Literal["graph", "every-pair", "popularity"] = setting(
        "graph",
        label="Linked in the embedding",
        choices={"graph": "linked classes", "every-pair": "every pair of classes"},
        acts="reading",
        help=(
            "Between which classes posteriors in the embedding are linked: those of A-hat, or every pair, "
            "without a graph."
        ),
    )
    start_epoch: int = within(
        0, 100_000, 15, label="LIR starts at epoch", help="E_teach: LIR is off before this epoch."
    )
    ramp_epochs: int = within(
        0, 100_000, 0, label="Ramp, in epochs", help="Epochs over which the weight grows linearly to its full value."
    )


@dataclass(frozen=True)
class StudentConfig(Config):
    """The embedding network; without `regularizer` it is the twin that LIR is compared with."""

    stage: ClassVar[str] = "student"
    format_version: ClassVar[int] = 2  # links in the embedding weigh what annotated clips show
    uses: ClassVar[tuple[str, ...]] = ("prefix",)
    data: DataConfig = setting(help="The clips to learn from.")
    loss: Literal[
        "supervised-contrastive",
        "contrastive",
        "triplet",
        "triplet-semihard",
        "triplet-hard",
        "soft-triplet",
        "proxy-triplet",
        "proxy-anchor",
        "infonce",
        "cross-entropy",
    ] = setting("supervised-contrastive", help="Metric loss between the modalities.")
    metric_space: Literal["embedding", "labels"] = setting(
        "embedding",
        label="Metric loss compares by",
        help="Where the metric loss compares clips: in the embedding, or by the predicted labels (class posteriors).",
        since="0.2.0",
    )
    proxies: Literal["none", "aadml", "learned", "anchor_aware"] = setting(
        "none",
        help=(
            "What stands in for the anchor: itself, its anchor-aware proxy, or a learned one per class. "
            "`anchor_aware` is the definition before 0.2.0: such students can be read and not trained."
        ),
    )
    neighbors: int = within(1, 50, 3, label="Neighbors of the anchor (k)", help="k of the anchor-aware proxies.")
    attention_temperature: float = within(
        0.0,
        100.0,
        0.1,
        help="Temperature of the anchor-aware proxies' attention; lower looks at fewer clips.",
        since="0.2.0",
        open_low=True,
    )
    neighbors_of: Literal["own", "other", "both"] = setting(
        "own",
        label="Neighbors from modality",
        help="Modality in which an anchor's neighbors are looked for.",
        since="0.2.0",
    )
    neighbors_among: Literal["batch", "training"] = setting(
        "batch", help="Whether an anchor's neighbors come from its batch or from all training clips.", since="0.2.0"
    )
    margin: float = within(0.0, 2.0, 0.2, help="Margin of the losses that have one, in cosine distance.")
    temperature: float = within(0.0, 100.0, 0.1, help="Temperature of the losses with a softmax.", open_low=True)
    semantic_weight: float = within(
        0.0,
        100.0,
        1.0,
        label="AV-SAL weight",
        help="Weight of AV-SAL on the student's own class heads, beside the metric loss.",
    )
    alpha: float = within(
        0.0, 100.0, 0.5, label="Alignment weight (alpha)", help="Weight of the alignment term within AV-SAL."
    )
    label_smoothing: float = within(0.0, 0.9, 0.1, help="Share of the label's probability spread over all classes.")
    posterior_share: float = within(
        0.0,
        0.99,
        0.5,
        acts="reading",
        steps=tuple(step / 20 for step in range(20)),
        help="Share of the embedding that holds the class heads' probabilities; 0 keeps to the metric part.",
    )
    posterior_temperature: float = within(
        0.0,
        100.0,
        0.5,
        acts="reading",
        steps=(0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0),
        help=("Divides the class heads' outputs before they become probabilities in the embedding; below 1 sharpens."),
        open_low=True,
    )
    inputs: Literal["whitened", "standardized"] = setting(
        "whitened",
        help=(
            "Features as the network sees them: principal components of unit variance, or each feature on its "
            "own scale."
        ),
    )
    components: int = within(
        1, 8192, 256, help="At most so many principal components of each modality, with whitened inputs."
    )
    hidden: int = within(8, 8192, 512, label="Hidden units", help="Units of the hidden layer of each branch.")
    dim: int = within(2, 4096, 128, label="Embedding dimensions", help="Dimensions of the embedding.")
    input_dropout: float = within(0.0, 0.95, 0.3, help="Share of the input features left out at random while training.")
    dropout: float = within(0.0, 0.95, 0.5, help="Share of the hidden units left out at random while training.")
    epochs: int = within(1, 100_000, 40, help="Passes over the training clips.")
    batch_size: int = within(2, 65_536, 256, help="Clips per step.")
    learning_rate: float = within(0.0, 1.0, 1e-3, help="Step size of AdamW at its highest.", open_low=True)
    weight_decay: float = within(0.0, 10.0, 1e-2, help="AdamW's pull of the weights towards zero.")
    regularizer: RegularizerConfig | None = setting(None, help="LIR; none trains the twin.")
    seed: int = within(0, 2**31 - 1, 0, help="Draws initial weights and batches.")

    def _check(self) -> None:
        if self.regularizer is not None and self.regularizer.start_epoch >= self.epochs:
            raise ConfigError(
                f"LIR would start at epoch {self.regularizer.start_epoch} of {self.epochs}, that is never",
                where="student.regularizer.start_epoch",
                fix="Start earlier or train longer",
            )

    @property
    def twin(self) -> StudentConfig:
        """The same student without LIR."""
        return self.replace(regularizer=None)

    @property
    def lir(self) -> RegularizerConfig:
        """How LIR acts.

        Raises:
            ConfigError: If this student is without.
        """
        if self.regularizer is None:
            raise ConfigError("This student has no LIR", where="regularizer", fix="Pass the student, not its twin")
        return self.regularizer

    @property
    def stability(self) -> StabilityConfig | None:
        """The bootstrapped graph behind LIR; None without LIR."""
        return None if self.regularizer is None else self.regularizer.affinity.stability

    @property
    def soft_labels(self) -> SoftLabelSource | None:
        """Where LIR's soft labels come from; None without LIR."""
        return None if self.stability is None else self.stability.graph.soft_labels


@dataclass(frozen=True)
class PrefixConfig(Config):
    """The common beginning of a student and its twin: the training state after `epochs` epochs without LIR."""

    stage: ClassVar[str] = "prefix"
    student: StudentConfig
    epochs: int = within(0, 100_000, 0)

    def _check(self) -> None:
        if self.student.regularizer is not None:
            raise ConfigError("A shared prefix is trained without LIR", where="prefix.student", fix="Pass student.twin")


@dataclass(frozen=True)
class OutputsConfig(Config):
    """What a student's network says of one split's clips: enough to read it anew, without features."""

    stage: ClassVar[str] = "outputs"
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    model: StudentConfig
    split: Literal["train", "validation", "test", "all"] = "test"


@dataclass(frozen=True)
class BaselineConfig(Config):
    """Embeddings that every table of this field carries, for comparison."""

    stage: ClassVar[str] = "baseline"
    data: DataConfig
    method: Literal["cca", "cluster-cca"] = "cca"
    dim: int = within(1, 1024, 10)
    seed: int = within(0, 2**31 - 1, 0)


@dataclass(frozen=True)
class ReadingConfig(Config):
    """A stored student's embedding put together anew: nothing is trained, only how it is read may change."""

    stage: ClassVar[str] = "reading"
    uses: ClassVar[tuple[str, ...]] = ("clips", "outputs")
    acts: ClassVar[Acts] = "reading"
    student: StudentConfig = setting(help="Whose network is read.")
    choose: bool = setting(
        True, help="Take the share and the temperature of the class posteriors that do best on validation clips."
    )
    links: RegularizerConfig | None = setting(
        None, help="LIR through whose links the class posteriors are read; none keeps the student's own."
    )

    @property
    def data(self) -> DataConfig:
        """The student's clips."""
        return self.student.data

    @property
    def seed(self) -> int:
        """The student's seed."""
        return self.student.seed


Model = StudentConfig | BaselineConfig | ReadingConfig
"""What has embeddings to evaluate."""


@dataclass(frozen=True)
class EvaluationConfig(Config):
    """Retrieval figures of one student, baseline or reading on one split."""

    stage: ClassVar[str] = "evaluation"
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    model: Model
    split: Literal["train", "validation", "test"] = "test"


@dataclass(frozen=True)
class ProjectionConfig(Config):
    """UMAP of the embeddings without and with LIR; the second map starts from the first."""

    stage: ClassVar[str] = "projection"
    format_version: ClassVar[int] = 2  # a shorter common start
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    before: StudentConfig
    after: StudentConfig
    split: Literal["train", "validation", "test", "all"] = "test"
    neighbors: int = within(2, 500, 15)
    min_dist: float = within(0.0, 1.0, 0.1)
    epochs: int = within(10, 5000, 200)
    seed: int = within(0, 2**31 - 1, 0)
