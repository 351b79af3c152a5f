"""The teacher: an ensemble of two-branch networks trained with AV-SAL, and its calibrated soft labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from avexplore.artifacts import (
    MODALITIES,
    BoolArray,
    FeatureSet,
    FloatArray,
    IntArray,
    Report,
    SoftLabelKind,
    SoftLabels,
    TrainedTeacher,
    silent,
)
from avexplore.calibration.fit import Calibrator, calibrate, cross_fitted
from avexplore.calibration.reliability import reliability_diagram
from avexplore.config import TeacherConfig
from avexplore.errors import DataError
from avexplore.large_arrays import empty
from avexplore.losses.semantic_alignment import SemanticAlignmentLoss
from avexplore.nets.two_branch import TwoBranch, from_arrays
from avexplore.training.device import choose_device
from avexplore.training.inputs import InputMap, fit_inputs, inputs_from_arrays, inputs_to_arrays
from avexplore.training.loop import fit, kept_weights
from avexplore.training.plan import Plan

_TRAIN_SAMPLE, _VALIDATION_SAMPLE = 300, 2000
_MEASUREMENTS = 30


class TeacherTask:
    """AV-SAL of every member on its own batch."""

    terms: tuple[str, ...] = ("label_loss", "alignment_loss")

    def __init__(self, net: TwoBranch, config: TeacherConfig, data: dict[str, dict[str, Tensor]]) -> None:
        self.module: nn.Module = net
        self.net, self.data, self.members = net, data, config.members
        self.rows = torch.arange(len(data["train"]["labels"]), device=data["train"]["labels"].device)
        self.loss = SemanticAlignmentLoss(
            config.head, config.alignment, config.alpha, config.temperature, config.label_smoothing
        )

    def losses(self, rows: Tensor, strength: Tensor | None) -> Tensor:
        """Label term and weighted alignment term, summed over members (they share no weights). `rows`: (M, B)."""
        train = self.data["train"]
        out = self.net(train["audio"][rows], train["visual"][rows])
        # All members have batches of one size, so the mean over all their clips is the mean over members.
        labels = train["labels"][rows].flatten()
        label, align = self.loss.terms(out.audio_logits.flatten(0, 1), out.visual_logits.flatten(0, 1), labels)
        return torch.stack([label, self.loss.alpha * align]) * self.members

    def measure(self) -> dict[str, float]:
        """Accuracy of the mean logits on train and validation; the loss's terms, mean over members, on validation."""
        figures = {}
        for split, most in (("train", _TRAIN_SAMPLE), ("validation", _VALIDATION_SAMPLE)):
            part = {name: values[:most] for name, values in self.data[split].items()}
            if not len(part["labels"]):
                continue
            out = self.net(part["audio"], part["visual"])
            for modality, logits in (("audio", out.audio_logits), ("visual", out.visual_logits)):
                right = logits.mean(0).argmax(1) == part["labels"]
                figures[f"accuracy_{modality}_{split}"] = float(right.float().mean())
            if split == "validation":
                labels = part["labels"].repeat(self.members)
                label, align = self.loss.terms(out.audio_logits.flatten(0, 1), out.visual_logits.flatten(0, 1), labels)
                figures |= {
                    "label_loss_validation": float(label),
                    "alignment_loss_validation": float(self.loss.alpha * align),
                }
        return figures


def train_teacher(
    features: FeatureSet,
    config: TeacherConfig,
    report: Report = silent,
    *,
    device: str | None = None,
    state_file: Path | None = None,
) -> TrainedTeacher:
    """Train an ensemble of `config.members` networks as one teacher.

    Its soft labels are the members' mean outputs. Temperature (or Platt slopes and offsets) are fitted on the
    validation clips, per modality; the calibration error "after" is of clips that had no say in their own calibration.

    Args:
        features: Clips with features; only training clips are learned from.
        config: How to train.
        report: Told of progress; may raise `Cancelled`.
        device: "cuda", "cpu", "mps" (untested) or None for the fastest there is.
        state_file: Where a stopped training leaves its state, to go on from.

    Raises:
        TrainingError: If a loss is not finite.
        DataError: If there are no training clips.
    """
    task, maps = task_of(features, config, device)
    state = fit(task, plan_of(config), report, state_file=state_file)
    weights, _ = kept_weights(state)
    arrays = {**_by_member(weights, config.members), **inputs_to_arrays(maps)}
    logits = _outputs(task.net.cpu(), maps, features)
    soft_labels, calibration = calibrated(logits, features, config)
    history = type(state.history)(_mean_over_members(state.history.columns, config.members))
    return TrainedTeacher(soft_labels, arrays, history, calibration, quality(soft_labels, features))


def task_of(
    features: FeatureSet, config: TeacherConfig, device: str | None
) -> tuple[TeacherTask, tuple[InputMap, InputMap]]:
    """What the loop trains, on its device, and the map that its inputs went through."""
    where = choose_device(device)
    maps = fit_inputs(features, config.inputs, config.components)
    net = _network(config, maps, len(features.classes)).to(where)
    return TeacherTask(net, config, split_tensors(features, maps, where)), maps


def plan_of(config: TeacherConfig) -> Plan:
    """How long and how to train."""
    return Plan(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        seed=config.seed,
        measure_every=max(1, config.epochs // _MEASUREMENTS),
        where="teacher",
        address=config.address,
    )


def teach(features: FeatureSet, config: TeacherConfig, weights: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Outputs of a stored teacher on any clips. Shape (2, n, C), audio first, float32; uncalibrated.

    Args:
        features: Clips of the features that it was trained on.
        config: The teacher's config.
        weights: `TrainedTeacher.weights`.
    """
    maps = inputs_from_arrays(weights)
    net = _network(config, maps, weights["0.audio_head.weight"].shape[-1])
    stacked = {
        name: np.stack([weights[f"{member}.{name}"] for member in range(config.members)]) for name in net.state_dict()
    }
    from_arrays(net, stacked)
    return _outputs(net, maps, features)


def calibrated(
    logits: FloatArray, features: FeatureSet, config: TeacherConfig
) -> tuple[SoftLabels, dict[str, NDArray[Any]]]:
    """Soft labels with a calibration fitted on the validation clips, and how well it did there.

    Args:
        logits: Outputs of the class heads. Shape (2, n, C).
        features: The clips.
        config: Names the head and the calibration.

    Returns:
        Soft labels; and per modality "ece_before", "ece_after" (shape (2,)), and the reliability diagrams
        "confidence_before", "accuracy_before", "count_before" and the same "_after" (shape (2, bins)).
    """
    kind: SoftLabelKind = "scores" if config.head == "score" else "logits"
    normalized = config.head != "independent"
    method = config.calibration if kind == "logits" else "none"
    rows = features.rows("validation")
    warnings: list[str] = []
    if kind == "scores" and config.calibration != "none":
        warnings.append("A score head gives no probabilities, so that there is nothing to calibrate")
    if method != "none" and len(rows) < len(features.classes):
        method = "none"
        warnings.append(f"With {len(rows)} validation clips the soft labels are left uncalibrated")
    fitted: list[Calibrator] = []
    diagrams: dict[str, list[NDArray[Any]]] = {}
    labels = features.hard_label[rows]
    for outputs in logits:
        held = outputs[rows].astype(np.float64)
        fitted.append(calibrate(held, labels, method, normalized=normalized))
        if kind == "scores":
            before = after = held.clip(0, 1)
        else:
            before = calibrate(held, labels, "none", normalized=normalized)(held)
            after = before if method == "none" else cross_fitted(held, labels, method, normalized=normalized, seed=0)
        for when, probabilities in (("before", before), ("after", after)):
            diagram = reliability_diagram(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
            for name, values in (
                (f"ece_{when}", np.array(diagram.error)),
                (f"confidence_{when}", diagram.confidence),
                (f"accuracy_{when}", diagram.accuracy),
                (f"count_{when}", diagram.count),
            ):
                diagrams.setdefault(name, []).append(values)
    soft_labels = SoftLabels(
        audio=logits[0],
        visual=logits[1],
        kind=kind,
        classes=features.classes,
        split=features.split,
        hard_label=features.hard_label,
        normalized=normalized,
        temperature=np.array([each.temperature for each in fitted]),
        platt=np.stack([each.platt for each in fitted if each.platt is not None]) if method == "platt" else None,
        warnings=tuple(warnings),
    )
    return soft_labels, {name: np.stack(values) for name, values in diagrams.items()}


def quality(soft_labels: SoftLabels, features: FeatureSet) -> dict[str, float]:
    """How good soft labels are: accuracy per modality and split; hidden-label AUC where hidden labels are known.

    The hidden-label AUC leaves every clip's annotated class out: it is the chance that a class that is present but
    unannotated in a clip has a higher probability than one that is absent from another clip, or the same. Its labels
    serve for evaluation only.
    """
    figures: dict[str, float] = {}
    for split in ("train", "validation", "test"):
        rows = features.rows(split)
        if not len(rows):
            continue
        for modality, values in zip(MODALITIES, soft_labels.probabilities(rows), strict=True):
            right = values.argmax(axis=1) == features.hard_label[rows]
            figures[f"accuracy_{modality}_{split}"] = float(right.mean())
            if features.true_labels is not None:
                area = hidden_label_auc(values, features.hard_label[rows], features.true_labels[rows])
                figures[f"hidden_label_auc_{modality}_{split}"] = area
    return figures


def hidden_label_auc(probabilities: FloatArray, hard_label: IntArray, true_labels: BoolArray) -> float:
    """Area under the ROC curve of unannotated classes: present against absent. NaN if one of them is empty.

    Args:
        probabilities: Shape (n, C).
        hard_label: Annotated class, left out. Shape (n,).
        true_labels: Shape (n, C), bool.

    >>> hidden_label_auc(np.array([[0.7, 0.2, 0.1]]), np.array([0]), np.array([[True, True, False]]))
    1.0
    """
    open_to_judge = np.ones(true_labels.shape, dtype=bool)
    open_to_judge[np.arange(len(hard_label)), hard_label] = False
    present = true_labels[open_to_judge]
    positives = int(present.sum())
    negatives = len(present) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(probabilities[open_to_judge])
    return float((ranks[present].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def split_tensors(
    features: FeatureSet, maps: tuple[InputMap, InputMap], device: torch.device
) -> dict[str, dict[str, Tensor]]:
    """Inputs and labels of training and validation clips on the device: "audio", "visual", "labels" by split."""
    parts = {}
    for split in ("train", "validation"):
        rows = features.rows(split)
        parts[split] = {
            "audio": torch.from_numpy(maps[0].of_rows(features.audio, rows)).to(device),
            "visual": torch.from_numpy(maps[1].of_rows(features.visual, rows)).to(device),
            "labels": torch.from_numpy(features.hard_label[rows].astype(np.int64)).to(device),
        }
    if len(parts["train"]["labels"]) < 2:
        raise DataError("There are fewer than two training clips", where="split")
    return parts


def _network(config: TeacherConfig, maps: tuple[InputMap, InputMap], classes: int) -> TwoBranch:
    generator = torch.Generator().manual_seed(config.seed)
    net = TwoBranch(
        maps[0].width,
        maps[1].width,
        classes,
        hidden=config.hidden,
        dim=config.dim,
        input_dropout=config.input_dropout,
        dropout=config.dropout,
        members=config.members,
        generator=generator,
    )
    return net


def _outputs(net: TwoBranch, maps: tuple[InputMap, InputMap], features: FeatureSet) -> FloatArray:
    net.eval()
    found: FloatArray = empty((2, len(features.hard_label), net.audio_head.bias.shape[-1]), np.float32)
    with torch.no_grad():
        for begin in range(0, len(features.hard_label), 4096):
            rows = slice(begin, begin + 4096)
            out = net(torch.from_numpy(maps[0](features.audio[rows])), torch.from_numpy(maps[1](features.visual[rows])))
            found[0, rows], found[1, rows] = out.audio_logits.mean(0).numpy(), out.visual_logits.mean(0).numpy()
    return found


def _by_member(weights: Mapping[str, NDArray[Any]], members: int) -> dict[str, NDArray[Any]]:
    return {f"{member}.{name}": values[member] for member in range(members) for name, values in weights.items()}


def _mean_over_members(columns: Mapping[str, FloatArray], members: int) -> dict[str, FloatArray]:
    return {name: values / members if name.endswith("loss") else values for name, values in columns.items()}
