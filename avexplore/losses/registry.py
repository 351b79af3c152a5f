"""The metric losses: one record each says what a loss is called, what it reads, and how it is made.

To add one: its module in this folder, its record here, and its name among the choices of `StudentConfig.loss`.
This module loads no PyTorch, so that a form or a table can ask it what a loss reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from avexplore.config import StudentConfig
from avexplore.errors import ConfigError

Kind = Literal["pairs", "class-proxies", "none"]
AA_FIELDS = ("neighbors", "attention_temperature", "neighbors_of", "neighbors_among")
"""What `proxies="aadml"` reads."""


@dataclass(frozen=True)
class Parameter:
    """A number of `StudentConfig` that a loss reads.

    Attributes:
        field: Its name.
        low, high: Range within which it means something to this loss, ends included.
        tried: Values worth a try, for choosing on validation clips.
        only_with: Form of LIR without which it plays no part; "" if it always does.
    """

    field: str
    low: float
    high: float
    tried: tuple[float, ...] = ()
    only_with: str = ""


@dataclass(frozen=True)
class MetricLossRecord:
    """All that is known of one metric loss.

    Attributes:
        label: What user interfaces call it.
        kind: Whether it compares clips with clips, clips with learned class proxies, or nothing.
        parameters: What it reads.
        make: The loss of one direction, from a student's config; imports its module when called.
    """

    label: str
    kind: Kind
    parameters: tuple[Parameter, ...]
    make: Callable[[StudentConfig], Any]

    @property
    def proxies(self) -> tuple[str, ...]:
        """Choices of `StudentConfig.proxies` that mean something to it."""
        return {"pairs": ("none", "aadml", "learned"), "class-proxies": ("none", "aadml"), "none": ("none",)}[self.kind]

    def reads(self, student: StudentConfig, form: str = "") -> tuple[str, ...]:
        """Fields of a student that its metric loss and proxies read, beside a form of LIR ("": the student's own).

        >>> from avexplore.config import SyntheticConfig
        >>> LOSSES["triplet"].reads(StudentConfig(SyntheticConfig(), loss="triplet"))
        ('margin',)
        """
        form = form or ("" if student.regularizer is None else student.regularizer.form)
        own = tuple(one.field for one in self.parameters if one.only_with in ("", form))
        return own + (AA_FIELDS if student.proxies == "aadml" else ())


def record_of(student: StudentConfig) -> MetricLossRecord:
    """The record of a student's metric loss, its numbers checked.

    Raises:
        ConfigError: If the loss has no record, does not take the student's proxies, or a number that it reads means
            nothing to it.
    """
    if student.loss not in LOSSES:
        raise ConfigError(
            f"The metric loss {student.loss!r} has no record",
            where="student.loss",
            fix="Add its record to avexplore/losses/registry.py",
        )
    record = LOSSES[student.loss]
    if student.proxies not in record.proxies:
        raise ConfigError(
            f"{record.label} does not take the proxies {student.proxies!r}",
            where="student.proxies",
            fix=f"Use {', '.join(record.proxies)}",
        )
    for one in record.parameters:
        value = getattr(student, one.field)
        if one.field in record.reads(student) and not one.low <= value <= one.high:
            raise ConfigError(
                f"{record.label} makes nothing of {one.field} {value}",
                where=f"student.{one.field}",
                fix=f"Use a value in [{one.low:g}, {one.high:g}]",
            )
    return record


def _margin(tried: tuple[float, ...] = (), only_with: str = "") -> Parameter:
    return Parameter("margin", 0.0, 2.0, tried, only_with)


def _temperature(tried: tuple[float, ...] = ()) -> Parameter:
    return Parameter("temperature", 1e-3, 100.0, tried)


def _home(module: str) -> Any:
    """A module of this folder, which loads PyTorch."""
    return import_module(f"avexplore.losses.{module}")


_SOFTMAX = (_temperature((0.05, 0.1, 0.2)), _margin(only_with="margin"))
_TRIPLET = (_margin((0.1, 0.2, 0.4)),)

LOSSES: dict[str, MetricLossRecord] = {
    "supervised-contrastive": MetricLossRecord(
        "Supervised contrastive",
        "pairs",
        _SOFTMAX,
        lambda s: _home("supervised_contrastive").SupervisedContrastiveLoss(s.temperature, s.margin),
    ),
    "contrastive": MetricLossRecord(
        "Contrastive", "pairs", (_margin((0.2, 0.5, 0.8)),), lambda s: _home("contrastive").ContrastiveLoss(s.margin)
    ),
    "triplet": MetricLossRecord("Triplet", "pairs", _TRIPLET, lambda s: _home("triplet").TripletLoss(s.margin)),
    "triplet-semihard": MetricLossRecord(
        "Semi-hard triplet", "pairs", _TRIPLET, lambda s: _home("triplet").TripletLoss(s.margin, "semihard")
    ),
    "triplet-hard": MetricLossRecord(
        "Hard triplet", "pairs", _TRIPLET, lambda s: _home("triplet").TripletLoss(s.margin, "hard")
    ),
    "soft-triplet": MetricLossRecord(
        "Soft triplet (after MPSD)", "pairs", _TRIPLET, lambda s: _home("triplet").SoftTripletLoss(s.margin)
    ),
    "proxy-triplet": MetricLossRecord(
        "Proxy triplet", "class-proxies", _TRIPLET, lambda s: _home("proxies").ProxyTripletLoss(s.margin)
    ),
    "proxy-anchor": MetricLossRecord(
        "Proxy anchor",
        "class-proxies",
        (_temperature((0.05, 0.1)), _margin((0.1, 0.3))),
        lambda s: _home("proxies").ProxyAnchorLoss(s.temperature, s.margin),
    ),
    "infonce": MetricLossRecord(
        "InfoNCE", "pairs", _SOFTMAX, lambda s: _home("supervised_contrastive").InfoNCELoss(s.temperature, s.margin)
    ),
    "cross-entropy": MetricLossRecord("Cross-entropy alone", "none", (), lambda s: None),
}
"""By name, as in `StudentConfig.loss`."""
