"""One frozen dataclass per stage; upstream configs nest, and the whole has an address.

The address of a result is the SHA-256 of (stage, format version, canonical JSON of the fields). What changes
a result is a field (seed, penalty, engine); what does not (device, workers, where a file lies) is not.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import inspect
import itertools
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

from avexplore.errors import ConfigError

C = typing.TypeVar("C", bound="Config")

_REGISTRY: dict[str, type[Config]] = {}


def location(default: Any = dataclasses.MISSING) -> Any:
    """A field that says where something lies, not what it is: it does not enter the address."""
    return field(default=default, metadata={"address": False}, compare=False)


def within(low: float, high: float, default: Any, *, open_low: bool = False) -> Any:
    """A number in [low, high], or (low, high] with `open_low`. User interfaces read the range from here."""
    return field(default=default, metadata={"low": low, "high": high, "open_low": open_low})


@dataclass(frozen=True)
class Config:
    """Base of every config: checks its fields at birth and knows its address."""

    stage: ClassVar[str] = ""
    format_version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ()
    """Stages whose results it is made from although their configs are not among its fields."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.stage:
            _REGISTRY[cls.stage] = cls

    def __post_init__(self) -> None:
        hints = _hints(type(self))
        for f in fields(self):
            object.__setattr__(self, f.name, _checked(getattr(self, f.name), hints[f.name], f, type(self)))
        self._check()

    def _check(self) -> None:
        """Refuse what single fields cannot show. Overridden where fields depend on each other."""

    def to_json(self, *, address_only: bool = False) -> dict[str, Any]:
        """The config as JSON values, with the stage name at each level; `address_only` leaves locations out."""
        content = {
            f.name: _encode(getattr(self, f.name), address_only)
            for f in fields(self)
            if not (address_only and f.metadata.get("address") is False)
        }
        return {"stage": self.stage, **content}

    @cached_property
    def address(self) -> str:
        """64 hexadecimal digits; equal configs have equal addresses."""
        payload = {"version": self.versions(), "config": self.to_json(address_only=True)}
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def versions(self) -> dict[str, int]:
        """Format versions of this stage and all upstream stages: raising one recomputes everything below it."""
        found = {self.stage: self.format_version}
        # Only above 1: addresses are older than `uses`, and what lies at them stays valid.
        found |= {stage: version for stage in self.uses if (version := _REGISTRY[stage].format_version) > 1}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Config):
                found |= value.versions()
        return found

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed (and checked again)."""
        return dataclasses.replace(self, **changes)


def from_json(content: Mapping[str, Any]) -> Config:
    """Read a config that `to_json` wrote.

    Raises:
        ConfigError: If the stage or a field is unknown, missing or out of range.
    """
    if not isinstance(content, Mapping) or content.get("stage") not in _REGISTRY:
        stage = content.get("stage") if isinstance(content, Mapping) else type(content).__name__
        raise ConfigError(f"Unknown stage {stage!r}", where="config", fix=f"Use one of {', '.join(sorted(_REGISTRY))}")
    cls = _REGISTRY[content["stage"]]
    known = {f.name for f in fields(cls)}
    if unknown := set(content) - known - {"stage"}:
        raise ConfigError(
            f"Unknown field {sorted(unknown)[0]!r}", where=cls.stage, fix=f"Known: {', '.join(sorted(known))}"
        )
    values = {name: _decode(value) for name, value in content.items() if name != "stage"}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(str(error), where=cls.stage) from error


def _encode(value: Any, address_only: bool) -> Any:
    if isinstance(value, Config):
        return value.to_json(address_only=address_only)
    if isinstance(value, tuple):
        return [_encode(item, address_only) for item in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_json(value)
    if isinstance(value, list):
        return tuple(_decode(item) for item in value)
    return value


def _hints(cls: type) -> dict[str, Any]:
    if "_resolved_hints" not in cls.__dict__:
        cls._resolved_hints = get_type_hints(cls)  # type: ignore[attr-defined]
    return cls._resolved_hints  # type: ignore[attr-defined, no-any-return]


def _checked(value: Any, hint: Any, f: dataclasses.Field[Any], owner: type[Config]) -> Any:
    where = f"{owner.stage or owner.__name__}.{f.name}"
    value = _typed(value, hint, where)
    low, high = f.metadata.get("low"), f.metadata.get("high")
    if low is not None and value is not None:
        below = value <= low if f.metadata["open_low"] else value < low
        if below or value > high:
            bracket = "(" if f.metadata["open_low"] else "["
            raise ConfigError(f"{value} is out of range", where=where, fix=f"Use a value in {bracket}{low}, {high}]")
    return value


def _typed(value: Any, hint: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            raise ConfigError(
                f"{value!r} is not a choice", where=where, fix=f"Use one of {', '.join(map(str, get_args(hint)))}"
            )
        return value
    if origin in (Union, types.UnionType):
        for option in get_args(hint):
            if option is type(None):
                if value is None:
                    return None
            elif isinstance(option, type) and isinstance(value, option) and not isinstance(value, bool):
                return _typed(value, option, where)
        options = [o for o in get_args(hint) if o is not type(None)]
        return _typed(value, options[0], where)
    if origin is tuple:
        if not isinstance(value, (tuple, list)):
            raise ConfigError(f"Expected a list, got {value!r}", where=where)
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_typed(item, inner[0], where) for item in value)
        if len(inner) != len(value):
            raise ConfigError(f"Expected {len(inner)} items, got {len(value)}", where=where)
        return tuple(_typed(item, kind, where) for item, kind in zip(value, inner, strict=True))
    if hint is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"Expected true or false, got {value!r}", where=where)
        return value
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_whole(value):
            raise ConfigError(f"Expected a whole number, got {value!r}", where=where)
        return int(value)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
            raise ConfigError(f"Expected a finite number, got {value!r}", where=where)
        return float(value) + 0.0  # -0.0 equals 0.0, and equal configs have equal addresses
    if isinstance(hint, type) and not isinstance(value, hint):
        raise ConfigError(f"Expected {hint.__name__}, got {type(value).__name__}", where=where)
    return value


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


# --- data ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SyntheticConfig(Config):
    """The synthetic benchmark with a planted class graph; hidden labels are known by construction."""

    stage: ClassVar[str] = "synthetic"
    clips: int = within(40, 1_000_000, 2400)
    """Number of clips."""
    classes: int = within(2, 527, 12)
    """Number of classes; each is a node in both modalities."""
    density: float = within(0.0, 1.0, 0.12)
    """Share of ordered class pairs that carry a planted edge."""
    co_occurrence: float = within(0.0, 1.0, 0.5)
    """Probability that the event at an edge's head joins the event at its tail."""
    noise: float = within(0.0, 20.0, 1.0)
    """Standard deviation of the feature noise, in units of a class prototype's."""
    statistics: Literal["random", "audioset"] = "random"
    """Where class names and co-occurrence strengths come from."""
    test_fraction: float = within(0.05, 0.8, 0.2)
    """Share of the clips kept for the final figures."""
    validation_fraction: float = within(0.05, 0.8, 0.15)
    """Share of the other clips used for choosing, never for training."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws the planted graph, the events and the noise."""


@dataclass(frozen=True)
class FeatureFileConfig(Config):
    """Features read from files; identified by content, so a moved file is still the same data."""

    stage: ClassVar[str] = "features"
    fingerprint: str
    """SHA-256 over the files' contents, in order; `avexplore.data.feature_file` fills it in."""
    paths: tuple[str, ...] = location(())
    annotation: Literal["given", "random", "rarest"] = "given"
    """Which of several true labels is kept as the annotation; the others become hidden labels."""
    classes: tuple[str, ...] = ()
    """Keep these classes only; empty keeps all."""
    validation_fraction: float = within(0.05, 0.8, 0.15)
    """Share of the training clips used for choosing, where the files name no validation clips."""
    split_seed: int = within(0, 2**31 - 1, 0)
    """Draws the validation clips."""


DataConfig = SyntheticConfig | FeatureFileConfig


@dataclass(frozen=True)
class ClipsConfig(Config):
    """Labels, splits and names of the clips, without their features."""

    stage: ClassVar[str] = "clips"
    data: DataConfig


# --- teacher ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TeacherConfig(Config):
    """A two-branch network trained with AV-SAL; `members` of them vote with their mean logits."""

    stage: ClassVar[str] = "teacher"
    data: DataConfig
    """The clips to learn from."""
    head: Literal["probability", "independent", "score"] = "probability"
    """Classes compete (probability), stand alone (independent) or are regressed to one-hot (score)."""
    alignment: Literal["kl", "js"] = "kl"
    """Distance between the two modalities' distributions: symmetric KL or Jensen-Shannon."""
    alpha: float = within(0.0, 100.0, 0.5)
    """Weight of the alignment term."""
    temperature: float = within(0.0, 100.0, 1.0, open_low=True)
    """Softens both distributions in the alignment term."""
    label_smoothing: float = within(0.0, 0.9, 0.1)
    """Share of the label's probability spread over all classes."""
    members: int = within(1, 20, 3)
    """Networks whose mean logits are the soft labels; more are steadier and slower."""
    calibration: Literal["none", "temperature", "platt"] = "temperature"
    """Fitted on validation clips, so that a probability means what it says."""
    inputs: Literal["whitened", "standardized"] = "whitened"
    """Features as the network sees them: principal components of unit variance, or each feature on its own scale."""
    components: int = within(1, 8192, 256)
    """At most so many principal components of each modality, with whitened inputs."""
    hidden: int = within(8, 8192, 512)
    """Units of the hidden layer of each branch."""
    dim: int = within(2, 4096, 128)
    """Units of the layer below the class head."""
    input_dropout: float = within(0.0, 0.95, 0.3)
    """Share of the input features left out at random while training."""
    dropout: float = within(0.0, 0.95, 0.5)
    """Share of the hidden units left out at random while training."""
    epochs: int = within(1, 100_000, 30)
    """Passes over the training clips."""
    batch_size: int = within(2, 65_536, 256)
    """Clips per step."""
    learning_rate: float = within(0.0, 1.0, 1e-3, open_low=True)
    """Step size of AdamW at its highest."""
    weight_decay: float = within(0.0, 10.0, 1e-2)
    """AdamW's pull of the weights towards zero."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws initial weights and batches."""


@dataclass(frozen=True)
class SoftLabelFileConfig(Config):
    """Soft labels that somebody else's teacher computed (npz with `audio` and `visual`)."""

    stage: ClassVar[str] = "soft_labels"
    fingerprint: str
    path: str = location("")
    training_rows: int = within(0, 10**9, 0)
    """The first so many rows are training clips; 0 takes the file's `split`, else all rows (and the app says so)."""
    class_names: tuple[str, ...] = ()
    """Names of the classes, where the file holds none."""
    kind: Literal["auto", "logits", "scores", "probabilities"] = "auto"
    """What the values are; `auto` tells from the values."""


SoftLabelSource = TeacherConfig | SoftLabelFileConfig
Transform = Literal["raw", "logit", "clr", "ilr", "drop-one", "rank", "class-centered"]


# --- class graph --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KnowledgeConfig(Config):
    """What the searcher must respect. Nodes are named `audio:X` or `visual:X`."""

    stage: ClassVar[str] = "knowledge"
    required: tuple[tuple[str, str], ...] = ()
    """Edges (source, target) that must be there."""
    forbidden: tuple[tuple[str, str], ...] = ()
    """Edges (source, target) that must not be there."""
    tiers: tuple[tuple[str, ...], ...] = ()
    """No edge from a later tier into an earlier one; unlisted nodes are free."""
    forbidden_blocks: tuple[tuple[str, str], ...] = ()
    """Modality pairs (source, target) without edges, such as ("audio", "visual")."""


@dataclass(frozen=True)
class GraphConfig(Config):
    """How the class-dependency graph is searched."""

    stage: ClassVar[str] = "graph"
    format_version: ClassVar[int] = 2  # the kernel score is the full likelihood
    soft_labels: SoftLabelSource
    """The teacher, or a file of soft labels."""
    engine: Literal["grasp", "boss", "both", "causal-learn-grasp", "causal-learn-boss"] = "both"
    """Search algorithm; both runs BOSS, then GRaSP from its result."""
    score: Literal["bic", "bdeu", "kernel"] = "bic"
    """Gaussian BIC on the values, BDeu on discretized values, or a kernel regression's cross-validated likelihood.

    The last finds any kind of dependency, and takes some hundred clips and a few classes at most.
    """
    transform: Transform = "raw"
    """What is done to the soft labels before the search."""
    penalty_discount: float = within(0.0, 1000.0, 2.0, open_low=True)
    """c in BIC = 2L - c k ln n (Tetrad's unit; 1 is plain BIC, useful 1..16)."""
    depth: int = within(1, 10, 3)
    """How deep GRaSP follows moves that do not change the score at once."""
    strategy: Literal["single", "restarts", "iterated"] = "iterated"
    """One start, several restarts, or kicks of the best order found so far."""
    iterations: int = within(1, 100_000, 300)
    """Restarts, or kicks of the iterated local search; unused by `single`."""
    rows: Literal["train", "all"] = "train"
    """Clips that the graph is learned from; all uses test clips and is marked so."""
    knowledge: KnowledgeConfig = KnowledgeConfig()
    """Edges required, forbidden or ordered by you."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws start orders and kicks."""


@dataclass(frozen=True)
class StabilityConfig(Config):
    """How often each edge comes back over bootstraps, beside how often it appears under a null model."""

    stage: ClassVar[str] = "stability"
    format_version: ClassVar[int] = 2  # a column that a resample makes constant correlates with nothing
    graph: GraphConfig
    """The search to repeat."""
    bootstraps: int = within(2, 10_000, 100)
    """Resamples of the clips; more make the frequencies finer and take longer."""
    strategy: Literal["single", "restarts", "iterated"] = "single"
    """How resamples are searched: one start each is quick, and its luck counts as instability."""
    null: Literal["none", "within-class", "decoupled", "one-hot"] = "within-class"
    """How clips are shuffled so that no relation between classes is left."""
    null_bootstraps: int = within(2, 10_000, 50)
    """Resamples of the null model."""
    seeds: int = within(0, 1000, 10)
    """Searches of the data as they are, each from its own seed: how much of the graph is the search's luck."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws the resamples."""


@dataclass(frozen=True)
class AffinityConfig(Config):
    """From graph to class-pair weights (A-hat), with the controls as equal choices."""

    stage: ClassVar[str] = "affinity"
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    stability: StabilityConfig
    """The bootstrapped graph."""
    source: Literal["graph", "correlation", "identity", "constant", "random", "true-graph", "true-pairs"] = "graph"
    """Where weights come from: the graph, or a control to compare it with."""
    threshold: float = within(0.0, 1.0, 0.5)
    """Keep edges at least this frequent over bootstraps."""
    top_k: int = within(1, 10_000, 5)
    """Keep at most so many edges per node."""
    top_pairs: int | None = within(1, 1_000_000, None)
    """Keep at most so many class pairs overall; none keeps all."""
    same_class: bool = True
    """Add the identity: pairs whose soft labels share a class."""
    edge_weight: float = within(0.0, 1.0, 1.0)
    """Weight of the strongest edge, beside the 1 of pairs that share a class; unused without those."""
    within_audio: bool = True
    """Use edges between audio nodes."""
    within_visual: bool = True
    """Use edges between visual nodes."""
    across: bool = True
    """Use edges between an audio and a visual node."""
    directed: bool = False
    """Use an edge only from its source's clip to its target's; otherwise both ways."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws the random graph; unused by the other sources."""


# --- student ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegularizerConfig(Config):
    """LIR: how the affinity acts on pairs of clips."""

    stage: ClassVar[str] = "regularizer"
    affinity: AffinityConfig
    """The class-pair weights."""
    form: Literal["pull", "forgive", "margin"] = "forgive"
    """Pull related pairs together, forgive them as negatives, or shrink their margin."""
    weight: float = within(0.0, 1000.0, 1.0)
    """Lambda."""
    tau: float = within(0.0, 1.0, 0.0)
    """Soft labels up to this do not count."""
    level: Literal["class", "node"] = "class"
    """Whether an edge links its two classes in any modality, or only the modalities of its nodes."""
    percentile: float = within(0.0, 1.0, 0.98, open_low=True)
    """Pairs linked more strongly than this share of all pairs are forgiven fully."""
    evidence: Literal["own", "both"] = "both"
    """Whether a clip's soft labels are each modality's own, or the mean of both modalities' outputs."""
    class_heads: float = within(0.0, 1000.0, 1.0)
    """Degree to which the student's class heads, too, stop counting linked classes as wrong; 0 leaves them alone."""
    posterior_links: float = within(0.0, 1.0, 0.25)
    """Probability that the strongest link's other class is present, too, for posteriors in the embedding; 0 is off."""
    linked: Literal["graph", "every-pair"] = "graph"
    """Between which classes posteriors in the embedding are linked: those of A-hat, or every pair, without a graph."""
    start_epoch: int = within(0, 100_000, 15)
    """E_teach: LIR is off before this epoch."""
    ramp_epochs: int = within(0, 100_000, 0)
    """Epochs over which the weight grows linearly to its full value."""


@dataclass(frozen=True)
class StudentConfig(Config):
    """The embedding network; without `regularizer` it is the twin that LIR is compared with."""

    stage: ClassVar[str] = "student"
    format_version: ClassVar[int] = 2  # links in the embedding weigh what annotated clips show
    uses: ClassVar[tuple[str, ...]] = ("prefix",)
    data: DataConfig
    """The clips to learn from."""
    loss: Literal[
        "supervised-contrastive",
        "contrastive",
        "triplet",
        "triplet-semihard",
        "triplet-hard",
        "proxy-triplet",
        "proxy-anchor",
        "infonce",
        "cross-entropy",
    ] = "supervised-contrastive"
    """Metric loss between the modalities."""
    proxies: Literal["none", "anchor_aware", "learned"] = "none"
    """What stands in for the anchor: itself, its anchor-aware proxy, or a learned one per class."""
    neighbors: int = within(1, 50, 3)
    """k of the anchor-aware proxies."""
    margin: float = within(0.0, 2.0, 0.2)
    """Margin of the losses that have one, in cosine distance."""
    temperature: float = within(0.0, 100.0, 0.1, open_low=True)
    """Temperature of the losses with a softmax."""
    semantic_weight: float = within(0.0, 100.0, 1.0)
    """Weight of AV-SAL on the student's own class heads, beside the metric loss."""
    alpha: float = within(0.0, 100.0, 0.5)
    """Weight of the alignment term within AV-SAL."""
    label_smoothing: float = within(0.0, 0.9, 0.1)
    """Share of the label's probability spread over all classes."""
    posterior_share: float = within(0.0, 0.99, 0.5)
    """Share of the embedding that holds the class heads' probabilities; 0 keeps to the metric part."""
    posterior_temperature: float = within(0.0, 100.0, 0.5, open_low=True)
    """Divides the class heads' outputs before they become probabilities in the embedding; below 1 sharpens."""
    inputs: Literal["whitened", "standardized"] = "whitened"
    """Features as the network sees them: principal components of unit variance, or each feature on its own scale."""
    components: int = within(1, 8192, 256)
    """At most so many principal components of each modality, with whitened inputs."""
    hidden: int = within(8, 8192, 512)
    """Units of the hidden layer of each branch."""
    dim: int = within(2, 4096, 128)
    """Dimensions of the embedding."""
    input_dropout: float = within(0.0, 0.95, 0.3)
    """Share of the input features left out at random while training."""
    dropout: float = within(0.0, 0.95, 0.5)
    """Share of the hidden units left out at random while training."""
    epochs: int = within(1, 100_000, 40)
    """Passes over the training clips."""
    batch_size: int = within(2, 65_536, 256)
    """Clips per step."""
    learning_rate: float = within(0.0, 1.0, 1e-3, open_low=True)
    """Step size of AdamW at its highest."""
    weight_decay: float = within(0.0, 10.0, 1e-2)
    """AdamW's pull of the weights towards zero."""
    regularizer: RegularizerConfig | None = None
    """LIR; none trains the twin."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws initial weights and batches."""

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
class BaselineConfig(Config):
    """Embeddings that every table of this field carries, for comparison."""

    stage: ClassVar[str] = "baseline"
    data: DataConfig
    method: Literal["cca", "cluster-cca"] = "cca"
    dim: int = within(1, 1024, 10)
    seed: int = within(0, 2**31 - 1, 0)


# --- views --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EvaluationConfig(Config):
    """Retrieval figures of one student or baseline on one split."""

    stage: ClassVar[str] = "evaluation"
    uses: ClassVar[tuple[str, ...]] = ("clips",)
    model: StudentConfig | BaselineConfig
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


# --- experiments --------------------------------------------------------------------------------------------------

ARMS = (
    "graph+I",
    "identity",
    "every-pair",
    "random+I",
    "correlation+I",
    "graph",
    "constant",
    "true-graph+I",
    "true-pairs",
)
"""LIR and its controls; see `ExperimentConfig.arms`."""
DEFAULT_ARMS = ARMS[:5]
"""The inferred graph, and what it has to be better than."""


@dataclass(frozen=True)
class ExperimentConfig(Config):
    """Does the graph help? Arms x seeds, each arm paired by seed with the twin without LIR."""

    stage: ClassVar[str] = "experiment"
    format_version: ClassVar[int] = 3  # Delta-D over the columns that both modalities share; the number of links
    uses: ClassVar[tuple[str, ...]] = ("clips", "baseline", "evaluation")
    student: StudentConfig
    """The student with LIR whose arms are compared; its own seed is replaced by each of the seeds."""
    arms: tuple[str, ...] = DEFAULT_ARMS
    """`[form:]source[+I]` with form pull, forgive or margin (the student's own if left out), source as in
    `AffinityConfig.source`, and +I for same-class pairs; `[form:]every-pair` for A = I with every pair of classes
    linked in the embedding, which is LIR without a graph; `proxies:anchor_aware` or `proxies:learned` for the twin
    with proxies, and with +source[+I] for LIR beside them; `loss:NAME` for the twin with another metric loss;
    `baseline:cca` and `baseline:cluster-cca`."""
    seeds: int = within(2, 1000, 8)
    """Number of paired seeds; fewer than eight can confirm nothing about five arms."""
    first_seed: int = within(0, 2**20, 0)
    """The first of them. A sweep chose by seeds from 0 on: to test its choice, start behind them."""
    vary_teacher: bool = True
    """Train the teacher anew for each seed, so that intervals hold its chance, too."""
    split: Literal["validation", "test"] = "test"
    """Clips that the figures are of; choose parameters on validation."""

    def _check(self) -> None:
        if self.student.regularizer is None:
            raise ConfigError("An experiment needs a student with LIR", where="experiment.student")
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise ConfigError("Arms are missing or repeat", where="experiment.arms", fix="Name each arm once")


@dataclass(frozen=True)
class VaryConfig(Config):
    """One parameter of a sweep and the values that are tried."""

    stage: ClassVar[str] = "vary"
    parameter: str
    """The field, as `stage.field`, such as "regularizer.weight"."""
    values: tuple[int | float | str, ...]
    """In their order, where they have one."""

    def _check(self) -> None:
        if not self.values or len(set(self.values)) != len(self.values):
            raise ConfigError(f"Values of {self.parameter} are missing or repeat", where="sweep.vary")


@dataclass(frozen=True)
class SweepConfig(Config):
    """Which parameters do best on validation clips? Test clips play no part."""

    stage: ClassVar[str] = "sweep"
    uses: ClassVar[tuple[str, ...]] = ("clips", "evaluation", "vary")
    student: StudentConfig
    """The student with LIR that is varied; its own seed is replaced by each of the seeds."""
    vary: tuple[VaryConfig, ...]
    """What is varied; everything else stays as in the student."""
    method: Literal["tpe", "random", "grid"] = "tpe"
    """Optuna's Tree-structured Parzen Estimator, random choices, or every combination."""
    trials: int = within(1, 10_000, 16)
    """Combinations that are tried, the student's own first; `grid` tries all."""
    seeds: int = within(1, 100, 2)
    """Students trained for each combination; a trial's figure is their mean."""
    objective: Literal["map", "any_label_map", "hidden_pair_ap"] = "map"
    """Figure on validation clips that decides; all but `map` look at hidden labels, for choosing and never to train."""
    seed: int = within(0, 2**31 - 1, 0)
    """Draws the combinations."""

    def _check(self) -> None:
        if self.student.regularizer is None:
            raise ConfigError("A sweep needs a student with LIR", where="sweep.student")
        names = [varied.parameter for varied in self.vary]
        if not names or len(set(names)) != len(names):
            raise ConfigError("Parameters are missing or repeat", where="sweep.vary", fix="Name each parameter once")


@cache
def field_help(cls: type[Config]) -> Mapping[str, str]:
    """One sentence per field: the string under it in this file. User interfaces show it as help.

    >>> field_help(AffinityConfig)["across"]
    'Use edges between an audio and a visual node.'
    """
    body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]
    found = {}
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = following.value.value if isinstance(following, ast.Expr) else ""  # type: ignore[attr-defined]
            found[statement.target.id] = " ".join(str(text).split())
    return found


def walk(config: Config) -> typing.Iterator[Config]:
    """The config and everything upstream of it, this one first."""
    yield config
    for f in fields(config):
        value = getattr(config, f.name)
        if isinstance(value, Config):
            yield from walk(value)


def override(config: C, changes: Mapping[str, Mapping[str, Any]], *, where: str = "--set") -> C:
    """A copy with fields changed by stage name, wherever the stage stands in the config.

    Args:
        config: What is copied.
        changes: By stage, by field.
        where: What a message names as the place of a mistake.

    Raises:
        ConfigError: If a stage is not part of the config, or a field not part of the stage.

    >>> changed = override(TeacherConfig(SyntheticConfig()), {"synthetic": {"clips": 100}, "teacher": {"epochs": 2}})
    >>> changed.data.clips, changed.epochs
    (100, 2)
    """
    stages = {part.stage: type(part) for part in walk(config)}
    for stage, values in changes.items():
        if stage not in stages:
            raise ConfigError(f"No stage {stage!r} here", where=where, fix=f"Use one of {', '.join(sorted(stages))}")
        known = {f.name for f in fields(stages[stage])}
        if unknown := set(values) - known:
            raise ConfigError(
                f"No field {sorted(unknown)[0]!r}", where=stage, fix=f"Use one of {', '.join(sorted(known))}"
            )
    return _overridden(config, changes)


def _overridden(config: C, changes: Mapping[str, Mapping[str, Any]]) -> C:
    values = {f.name: getattr(config, f.name) for f in fields(config)}
    values = {name: _overridden(v, changes) if isinstance(v, Config) else v for name, v in values.items()}
    return type(config)(**(values | dict(changes.get(config.stage, {}))))
