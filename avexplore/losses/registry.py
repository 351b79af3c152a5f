"""The metric losses: one record each says what a loss is called, what it reads, and how it is made.

To add one: its module in this folder, its record here, and its name among the choices of `StudentConfig.loss`.
This module loads no PyTorch, so that a form or a table can ask it what a loss reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
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
        proxies: Choices of `StudentConfig.proxies` that mean something to it.
    """

    label: str
    kind: Kind
    parameters: tuple[Parameter, ...]
    make: Callable[[StudentConfig], Any]
    proxies: tuple[str, ...] = ("none", "aadml", "learned")

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


def _margin(tried: tuple[float, ...] = (), low: float = 0.0, high: float = 2.0, only_with: str = "") -> Parameter:
    return Parameter("margin", low, high, tried, only_with)


def _temperature(tried: tuple[float, ...] = ()) -> Parameter:
    return Parameter("temperature", 1e-3, 100.0, tried)


def _triplet(mining: Literal["all", "semihard", "hard"]) -> Callable[[StudentConfig], Any]:
    def make(student: StudentConfig) -> Any:
        from avexplore.losses.triplet import TripletLoss

        return TripletLoss(student.margin, mining)

    return make


def _soft_triplet(student: StudentConfig) -> Any:
    from avexplore.losses.soft_triplet import SoftTripletLoss

    return SoftTripletLoss(student.margin)


def _contrastive(student: StudentConfig) -> Any:
    from avexplore.losses.contrastive import ContrastiveLoss

    return ContrastiveLoss(student.margin)


def _supervised_contrastive(student: StudentConfig) -> Any:
    from avexplore.losses.supervised_contrastive import SupervisedContrastiveLoss

    return SupervisedContrastiveLoss(student.temperature, student.margin)


def _infonce(student: StudentConfig) -> Any:
    from avexplore.losses.supervised_contrastive import InfoNCELoss

    return InfoNCELoss(student.temperature, student.margin)


def _proxy_triplet(student: StudentConfig) -> Any:
    from avexplore.losses.proxies import ProxyTripletLoss

    return ProxyTripletLoss(student.margin)


def _proxy_anchor(student: StudentConfig) -> Any:
    from avexplore.losses.proxies import ProxyAnchorLoss

    return ProxyAnchorLoss(student.temperature, student.margin)


_SOFTMAX = (_temperature((0.05, 0.1, 0.2)), _margin(only_with="margin"))
_TRIED = (0.1, 0.2, 0.4)

LOSSES: dict[str, MetricLossRecord] = {
    "supervised-contrastive": MetricLossRecord("Supervised contrastive", "pairs", _SOFTMAX, _supervised_contrastive),
    "contrastive": MetricLossRecord("Contrastive", "pairs", (_margin((0.2, 0.5, 0.8)),), _contrastive),
    "triplet": MetricLossRecord("Triplet", "pairs", (_margin(_TRIED),), _triplet("all")),
    "triplet-semihard": MetricLossRecord("Semi-hard triplet", "pairs", (_margin(_TRIED),), _triplet("semihard")),
    "triplet-hard": MetricLossRecord("Hard triplet", "pairs", (_margin(_TRIED),), _triplet("hard")),
    "soft-triplet": MetricLossRecord("Soft triplet (after MPSD)", "pairs", (_margin(_TRIED),), _soft_triplet),
    "proxy-triplet": MetricLossRecord(
        "Proxy triplet", "class-proxies", (_margin(_TRIED),), _proxy_triplet, ("none", "aadml")
    ),
    "proxy-anchor": MetricLossRecord(
        "Proxy anchor",
        "class-proxies",
        (_temperature((0.05, 0.1)), _margin((0.1, 0.3))),
        _proxy_anchor,
        ("none", "aadml"),
    ),
    "infonce": MetricLossRecord("InfoNCE", "pairs", _SOFTMAX, _infonce),
    "cross-entropy": MetricLossRecord("Cross-entropy alone", "none", (), lambda student: None, ("none",)),
}
"""By name, as in `StudentConfig.loss`."""


def known_fields() -> set[str]:
    """Every field of `StudentConfig` that some metric loss or its proxies read."""
    names = {f.name for f in fields(StudentConfig)}
    found = {one.field for record in LOSSES.values() for one in record.parameters} | set(AA_FIELDS)
    assert found <= names
    return found
