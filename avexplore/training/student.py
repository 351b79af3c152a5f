"""The student: an embedding network trained with a metric loss, AV-SAL on its class heads, and LIR."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from avexplore.artifacts import (
    Affinity,
    Clips,
    Embeddings,
    FeatureSet,
    FloatArray,
    NetworkOutputs,
    Report,
    SoftLabels,
    TrainedStudent,
    TrainState,
    silent,
)
from avexplore.config import PrefixConfig, StudentConfig
from avexplore.errors import DataError, TrainingError
from avexplore.graph.inputs.transforms import transform
from avexplore.large_arrays import filled
from avexplore.losses.class_links import class_links, forgiving_offsets
from avexplore.losses.graph_regularizer import GraphRegularizer
from avexplore.losses.metric import build_metric_loss
from avexplore.losses.semantic_alignment import alignment_term, label_term
from avexplore.nets.linked_posteriors import LinkedPosteriors, association
from avexplore.nets.two_branch import BranchOutputs, TwoBranch, from_arrays
from avexplore.training.device import choose_device
from avexplore.training.inputs import InputMap, fit_inputs, inputs_from_arrays, inputs_to_arrays
from avexplore.training.loop import fit, kept_weights
from avexplore.training.plan import Plan
from avexplore.training.selection import cross_modal_map
from avexplore.training.teacher import split_tensors

_TRAIN_SAMPLE = 300
_VALIDATION_SAMPLE = 2000
_MEASUREMENTS = 50


def embed_outputs(
    out: BranchOutputs, share: float, temperature: float, linked: LinkedPosteriors | None = None
) -> tuple[Tensor, Tensor]:
    """What the network says of B clips, as unit vectors of both modalities: `read_outputs` of its metric part.

    Args:
        out: Of one network (M = 1).
        share: g in [0, 1); 0 gives the metric part alone.
        temperature: T > 0.
        linked: What the class graph adds to the posteriors; None leaves them alone.

    Returns:
        Audio and visual. Shapes (B, dim), or (B, dim + C + 2) if share > 0.
    """
    units = normalize(out.audio[0], dim=1), normalize(out.visual[0], dim=1)
    return _read(*units, out.audio_logits[0], out.visual_logits[0], share, temperature, linked)


def _read(
    audio: Tensor,
    visual: Tensor,
    audio_logits: Tensor,
    visual_logits: Tensor,
    share: float,
    temperature: float,
    linked: LinkedPosteriors | None,
) -> tuple[Tensor, Tensor]:
    """z = [sqrt(1 - g) u, sqrt(g) p, sqrt(g) r 0] for audio and [sqrt(1 - g) u, sqrt(g) p, 0, sqrt(g) r] for visual,
    with u the metric part at unit length, p = softmax(logits / T), r = sqrt(1 - |p|^2) and g the share [ours].

    So the cosine between modalities is (1 - g) u.u' + g p.p', and p.p' = sum over c of p_c p'_c is the probability
    that both clips carry the same annotation, if the two posteriors are right and independent: what an ideal ranking
    for annotated-label MAP sorts by. Normalizing p instead would forget how sure the network is. The last two columns
    make up the length, each in one modality alone, so that they take no part in cross-modal cosines.

    With links, p gives way to q, the probability of each class's presence: q.q' grows with the number of events that
    two clips can be expected to share, annotated or not. Where q is longer than 1 it is scaled down to that.
    """
    if share == 0.0:
        return audio, visual
    a, v = (audio_logits / temperature).softmax(1), (visual_logits / temperature).softmax(1)
    if linked is not None:
        a, v = (q / q.norm(dim=1, keepdim=True).clamp(min=1.0) for q in (linked(a, 0), linked(v, 1)))
    rest_a, rest_v = ((1 - p.square().sum(1, keepdim=True)).clamp(min=0).sqrt() for p in (a, v))
    nothing = torch.zeros_like(rest_a)
    own, common = share**0.5, (1 - share) ** 0.5
    return (
        torch.cat([common * audio, own * a, own * rest_a, nothing], dim=1),
        torch.cat([common * visual, own * v, nothing, own * rest_v], dim=1),
    )


def class_posteriors(out: BranchOutputs) -> tuple[Tensor, Tensor]:
    """Probability of each class, by audio and by visual. Shapes (B, C), (B, C)."""
    return out.audio_logits[0].softmax(1), out.visual_logits[0].softmax(1)


def label_vectors(out: BranchOutputs) -> tuple[Tensor, Tensor]:
    """Predicted label embeddings: class posteriors at unit length [ours]. Shapes (B, C), (B, C)."""
    audio, visual = (normalize(p, dim=1) for p in class_posteriors(out))
    return audio, visual


class StudentTask:
    """Metric loss, AV-SAL and LIR of one student on a batch."""

    members = 1

    def __init__(
        self,
        config: StudentConfig,
        net: TwoBranch,
        metric: nn.Module,
        data: dict[str, dict[str, Tensor]],
        regularizer: GraphRegularizer | None,
        links: Tensor | None = None,
        linked: LinkedPosteriors | None = None,
    ) -> None:
        self.config, self.net, self.metric, self.data, self.regularizer = config, net, metric, data, regularizer
        self.links = links  # of training clips and classes, (n_train, C)
        self.linked, self.switched_on = linked, False
        self.module: nn.Module = nn.ModuleDict({"net": net, "metric": metric})
        self.rows = torch.arange(len(data["train"]["labels"]), device=data["train"]["labels"].device)
        self.in_label_space = config.metric_space == "labels"
        self.form = config.regularizer.form if config.regularizer is not None else None
        self.ramped = config.regularizer is not None and config.regularizer.ramp_epochs > 1
        if links is not None and config.regularizer is not None:
            self.offsets = forgiving_offsets(links, config.regularizer.class_heads)
        # "pull" is a summand of the loss; "forgive" and "margin" act inside the metric loss, and ride along as a figure
        self.terms: tuple[str, ...] = ("metric_loss", "semantic_loss")
        if self.form is not None:
            self.terms += ("lir",) if self.form == "pull" else ("_lir",)

    def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
        """L = L_metric + semantic weight * AV-SAL + lambda * LIR. `rows`: (1, B); `strength` None without LIR."""
        self.switched_on = strength is not None
        picked, train = rows[0], self.data["train"]
        labels = train["labels"][picked]
        out = self.net(train["audio"][picked], train["visual"][picked])
        audio, visual = embed_outputs(out, 0.0, 1.0)
        forgiven = margins = cosine = None
        lir = audio.new_zeros(())
        if strength is not None and self.regularizer is not None:
            if self.form == "pull":
                cosine = audio @ visual.T
                lir = strength * self.regularizer.pull(audio, visual, picked, cosine=cosine)
            else:
                linked = self.regularizer.forgiven(picked)
                if self.ramped:  # without a ramp it is 1 throughout, and a pass over all pairs is not for nothing
                    linked = strength * linked
                lir = linked.mean()
                forgiven, margins = (linked, None) if self.form == "forgive" else (None, 1.0 - linked)
        if self.in_label_space:
            audio, visual, cosine = *label_vectors(out), None
        metric = self.metric(
            audio,
            visual,
            labels,
            forgiven=forgiven,
            margins=margins,
            cosine=cosine,
            rows=picked,
            predicted=class_posteriors(out),
        )
        semantic = self.config.semantic_weight * self._semantic(out, labels, picked, strength)
        terms = [metric, semantic, lir] if self.form is not None else [metric, semantic]
        return torch.stack(terms)

    def _semantic(self, out: BranchOutputs, labels: Tensor, picked: Tensor, strength: Tensor | None) -> Tensor:
        """AV-SAL on the student's heads; with LIR its label term forgives linked classes."""
        audio, visual = out.audio_logits[0], out.visual_logits[0]
        align = alignment_term(audio, visual)
        if strength is not None and self.links is not None and self.config.regularizer is not None:
            if self.ramped:
                offsets = forgiving_offsets(self.links[picked], strength * self.config.regularizer.class_heads)
            else:
                offsets = self.offsets[picked]
            audio, visual = audio + offsets, visual + offsets
        smoothing = self.config.label_smoothing
        label = sum(label_term(logits, labels, label_smoothing=smoothing) for logits in (audio, visual))
        return label + self.config.alpha * align

    def measure(self) -> dict[str, float]:
        """MAP of a sample of the training clips and of the validation clips; the loss's terms on validation clips.

        The terms are of one batch and without LIR, so that the curves of a student and its twin mean the same.
        """
        figures = {}
        for split, most in (("train", _TRAIN_SAMPLE), ("validation", _VALIDATION_SAMPLE)):
            part = {name: values[:most] for name, values in self.data[split].items()}
            if not len(part["labels"]):
                continue
            share, temperature = self.config.posterior_share, self.config.posterior_temperature
            out = self.net(part["audio"], part["visual"])
            linked = self.linked if self.switched_on else None
            embedded = embed_outputs(out, share, temperature, linked)
            figures[f"map_{split}"] = float(cross_modal_map(*embedded, part["labels"]))
            if split == "validation":
                batch = BranchOutputs(*(values[:, : self.config.batch_size] for values in out))
                labels = part["labels"][: self.config.batch_size]
                vectors = label_vectors(batch) if self.in_label_space else embed_outputs(batch, 0.0, 1.0)
                metric = self.metric(*vectors, labels)
                semantic = self.config.semantic_weight * self._semantic(batch, labels, labels, None)
                figures |= {"metric_loss_validation": float(metric), "semantic_loss_validation": float(semantic)}
        return figures


def train_student(
    features: FeatureSet,
    config: StudentConfig,
    report: Report = silent,
    *,
    soft_labels: SoftLabels | None = None,
    affinity: Affinity | None = None,
    prefix: TrainState | None = None,
    device: str | None = None,
    state_file: Path | None = None,
) -> TrainedStudent:
    """Train a student; without `config.regularizer` the twin that LIR is compared with.

    The epoch that is kept is the one of the highest validation MAP in the second half of the training (and, with LIR,
    not before LIR has its full strength): the same rule for the student and its twin. Test clips play no part.

    Args:
        features: Clips with features.
        config: How to train.
        report: Told of progress; may raise `Cancelled`.
        soft_labels: Of the teacher, for LIR.
        affinity: A-hat, for LIR.
        prefix: Training state to go on from, at or before LIR's start: student and twin branch off there, and are
            the same as if each had been trained from the start.
        device: "cuda", "cpu", "mps" (untested) or None for the fastest there is.
        state_file: Where a stopped training leaves its state, to go on from.

    Raises:
        TrainingError: If a loss is not finite, or what LIR needs is missing or does not fit.
    """
    task, maps = task_of(features, config, soft_labels, affinity, device)
    if prefix is not None and config.regularizer is not None and prefix.epoch > config.regularizer.start_epoch:
        raise TrainingError(
            f"The shared prefix ends at epoch {prefix.epoch}, after LIR starts at {config.regularizer.start_epoch}",
            where="student",
            fix="Share a prefix no longer than the start epoch",
        )
    state = fit(task, plan_of(config), report, start=prefix, state_file=state_file)
    weights, best_epoch = kept_weights(state)
    own = {name.removeprefix("net."): values for name, values in weights.items() if name.startswith("net.")}
    arrays = {**own, **inputs_to_arrays(maps), **({} if task.linked is None else task.linked.to_arrays())}
    outputs = network_outputs(features, config, arrays)
    embeddings = read_outputs(outputs, config, task.linked)
    return TrainedStudent(embeddings, arrays, state.history, best_epoch, state.epoch, outputs)


def train_prefix(
    features: FeatureSet,
    config: PrefixConfig,
    report: Report = silent,
    *,
    device: str | None = None,
    state_file: Path | None = None,
) -> TrainState:
    """Train the common beginning of a student and its twin. Arguments as for `train_student`."""
    task, _ = task_of(features, config.student, None, None, device)
    plan = dataclasses.replace(plan_of(config.student), address=config.address)
    return fit(task, plan, report, until=min(config.epochs, plan.epochs), state_file=state_file)


def embed(features: FeatureSet, config: StudentConfig, weights: Mapping[str, NDArray[Any]]) -> Embeddings:
    """Embeddings of any clips by a stored student, on the CPU.

    Args:
        features: Clips of the features that it was trained on.
        config: The student's config.
        weights: `TrainedStudent.weights`.
    """
    outputs = network_outputs(features, config, weights)
    return read_outputs(outputs, config, LinkedPosteriors.from_arrays(weights))


def network_outputs(features: FeatureSet, config: StudentConfig, weights: Mapping[str, NDArray[Any]]) -> NetworkOutputs:
    """What a stored student's network says of clips, on the CPU; `read_outputs` makes embeddings of it.

    Arguments are those of `embed`. Rows follow `features`.

    Raises:
        DataError: If the weights were not kept.
    """
    if "input.audio.mean" not in weights:
        raise DataError("The network of this student was not kept", where="outputs", fix="Train the student again")
    maps = inputs_from_arrays(weights)
    net = _network(config, maps, weights["audio_head.weight"].shape[-1], None)
    from_arrays(net, {name: values for name, values in weights.items() if not name.startswith(("input.", "links."))})
    net.eval()

    def say(rows: slice) -> list[FloatArray]:
        out = net(torch.from_numpy(maps[0](features.audio[rows])), torch.from_numpy(maps[1](features.visual[rows])))
        units = normalize(out.audio[0], dim=1), normalize(out.visual[0], dim=1)
        return [part.numpy() for part in (*units, out.audio_logits[0], out.visual_logits[0])]

    with torch.no_grad():
        return NetworkOutputs(*_in_blocks(len(features.hard_label), say))


def read_outputs(outputs: NetworkOutputs, config: StudentConfig, linked: LinkedPosteriors | None = None) -> Embeddings:
    """Embeddings from a network's outputs, with the config's share and temperature and any links: no features needed.

    Each clip is read for itself, so that some rows of the outputs give the same rows of the embeddings.

    Args:
        outputs: Of any clips.
        config: `posterior_share` and `posterior_temperature` are used, nothing else.
        linked: What the posteriors take from the links between classes; None leaves them alone.
    """
    parts = (outputs.audio, outputs.visual, outputs.audio_logits, outputs.visual_logits)

    def read(rows: slice) -> list[FloatArray]:
        audio, visual, audio_logits, visual_logits = (torch.from_numpy(np.array(part[rows])) for part in parts)
        share, temperature = config.posterior_share, config.posterior_temperature
        pair = _read(audio, visual, audio_logits, visual_logits, share, temperature, linked)
        return [half.numpy() for half in pair]

    with torch.no_grad():
        audio, visual = _in_blocks(len(outputs.audio), read)
    return Embeddings(audio, visual, private=2 if config.posterior_share > 0 else 0)


def _in_blocks(clips: int, make: Callable[[slice], list[FloatArray]]) -> list[FloatArray]:
    return filled((slice(begin, begin + 4096) for begin in range(0, clips, 4096)), clips, make)


def task_of(
    features: FeatureSet,
    config: StudentConfig,
    soft_labels: SoftLabels | None,
    affinity: Affinity | None,
    device: str | None,
) -> tuple[StudentTask, tuple[InputMap, InputMap]]:
    """What the loop trains, on its device, and the map that its inputs went through. Arguments as `train_student`'s."""
    where = choose_device(device)
    maps = fit_inputs(features, config.inputs, config.components)
    data = split_tensors(features, maps, where)
    generator = torch.Generator().manual_seed(config.seed)
    net = _network(config, maps, len(features.classes), generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # learned proxies are drawn from the global generator
        metric = build_metric_loss(config, len(features.classes), len(data["train"]["labels"]))
    lir = (None, None, None) if config.regularizer is None else _lir(features, config, soft_labels, affinity, where)
    return StudentTask(config, net.to(where), metric.to(where), data, *lir), maps


def _lir(
    features: FeatureSet,
    config: StudentConfig,
    soft_labels: SoftLabels | None,
    affinity: Affinity | None,
    device: torch.device,
) -> tuple[GraphRegularizer, Tensor | None, LinkedPosteriors | None]:
    """LIR on pairs of clips, the links of clips and classes, and the links between classes for the embedding."""
    assert config.regularizer is not None
    if soft_labels is None or affinity is None:
        raise TrainingError("LIR needs soft labels and class-pair weights", where="student", fix="Pass both")
    if soft_labels.classes != features.classes or len(soft_labels.hard_label) != len(features.hard_label):
        raise TrainingError(
            f"The soft labels are of {len(soft_labels.hard_label)} clips and {len(soft_labels.classes)} classes, the "
            f"features of {len(features.hard_label)} and {len(features.classes)}",
            where="student",
            fix="Use a teacher of the same clips and classes",
        )
    rows = torch.from_numpy(features.rows("train").astype(np.int64)).to(device)
    given = evidence(soft_labels, config.regularizer.evidence)
    regularizer = GraphRegularizer.from_config(config.regularizer, affinity, given, features, rows)
    linked = linked_posteriors(features, config, soft_labels, affinity, device)
    if config.regularizer.class_heads == 0:
        return regularizer, None, linked
    index = features.rows("train")
    audio, visual = torch.tensor(given.probabilities(index), dtype=torch.float32)
    true = (
        torch.from_numpy(features.true_labels[index])
        if affinity.true_pairs and features.true_labels is not None
        else None
    )
    labels = torch.from_numpy(features.hard_label[index].astype(np.int64))
    weights = torch.tensor(affinity.weights, dtype=torch.float32)
    return regularizer, class_links(weights, audio, visual, labels, true).to(device), linked


def linked_posteriors(
    clips: Clips,
    config: StudentConfig,
    soft_labels: SoftLabels,
    affinity: Affinity,
    device: torch.device | str = "cpu",
    associations: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> LinkedPosteriors | None:
    """What the embedding's posteriors take from the class graph; true pairs link clips and not classes.

    Args:
        clips: Of these, the training clips' annotations are used.
        config: A student with LIR.
        soft_labels: The teacher's, of the same clips.
        affinity: A-hat.
        device: Where posteriors will lie.
        associations: `teacher_associations` of these clips and soft labels, where they are known already.
    """
    assert config.regularizer is not None
    strength = config.regularizer.posterior_links
    if strength == 0 or config.posterior_share == 0 or affinity.true_pairs:
        return None
    found, share = associations or teacher_associations(clips, soft_labels)
    lir = config.regularizer
    weights = affinity.weights if lir.linked == "graph" else np.ones_like(affinity.weights)
    largest = float(found.max(initial=0.0)) if lir.link_scale == "teacher" else None
    if lir.linked == "popularity":  # of every class the same: no information on pairs
        found = np.broadcast_to(found.sum(axis=0) / max(1, len(found) - 1), found.shape)
    return LinkedPosteriors.from_weights(weights, found, share, strength, lir.level, device, largest=largest)


def teacher_associations(clips: Clips, soft_labels: SoftLabels) -> tuple[NDArray[Any], NDArray[Any]]:
    """How much more of class j the teacher finds in training clips annotated with i, and each class's share of them.

    Returns:
        `association` of the soft labels, shape (C, C); shares of the annotations, shape (C,).
    """
    rows, count = clips.rows("train"), len(clips.classes)
    # Probabilities of training clips leave nothing for a second class; their log odds do.
    columns = transform(soft_labels, "logit" if soft_labels.kind == "probabilities" else "raw", rows).matrix
    labels = clips.hard_label[rows]
    share = np.bincount(labels, minlength=count) / max(1, len(labels))
    return association(columns, labels, count), share


def evidence(soft_labels: SoftLabels, kind: Literal["own", "both"]) -> SoftLabels:
    """The soft labels that LIR goes by, as probabilities.

    "both" gives a clip the same soft labels in both modalities: the mean of its calibrated outputs [ours]. While
    training, both halves of a clip are at hand, and what one misses the other may show.
    """
    if kind == "own":
        return soft_labels
    if soft_labels.kind == "logits" and soft_labels.platt is None:
        mean = (soft_labels.audio / soft_labels.temperature[0] + soft_labels.visual / soft_labels.temperature[1]) / 2
        return dataclasses.replace(soft_labels, audio=mean, visual=mean, temperature=np.ones(2))
    both = soft_labels.probabilities().mean(axis=0)
    return dataclasses.replace(soft_labels, audio=both, visual=both, kind="probabilities", platt=None)


def _network(
    config: StudentConfig, maps: tuple[InputMap, InputMap], classes: int, generator: torch.Generator | None
) -> TwoBranch:
    return TwoBranch(
        maps[0].width,
        maps[1].width,
        classes,
        hidden=config.hidden,
        dim=config.dim,
        input_dropout=config.input_dropout,
        dropout=config.dropout,
        generator=generator,
    )


def plan_of(config: StudentConfig) -> Plan:
    """How the loop trains a student."""
    lir = config.regularizer
    full_strength = 0 if lir is None else lir.start_epoch + lir.ramp_epochs
    return Plan(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        seed=config.seed,
        measure_every=max(1, config.epochs // _MEASUREMENTS),
        keep="map_validation",
        keep_from=min(max(config.epochs // 2, full_strength), config.epochs - 1),
        start_epoch=None if lir is None else lir.start_epoch,
        ramp_epochs=0 if lir is None else lir.ramp_epochs,
        where="student",
        address=config.address,
    )
