"""What can be looked at: the runs of one data folder, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from avexplore.config import (
    ClipsConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    FeatureFileConfig,
    SoftLabelFileConfig,
    SoftLabelSource,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.store import Store
from avexplore.workbench.run_names import run_name


@dataclass(frozen=True)
class Run:
    """Something to look at: soft labels with all that was made from them, or a student with LIR and its twin.

    Attributes:
        key: Short address, for a URL.
        name: For people.
        soft_labels: Where the soft labels come from.
        student: The student with LIR; None for bare soft labels.
        source: What the data are, in one line.
        created: UTC, ISO 8601.
        shipped: Whether it came with avexplore.
        figures: Test figures of the student, {} if it has not been evaluated.
        twin_figures: The same of its twin without LIR.
    """

    key: str
    name: str
    soft_labels: SoftLabelSource
    student: StudentConfig | None = None
    source: str = ""
    created: str = ""
    shipped: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)
    twin_figures: Mapping[str, float] = field(default_factory=dict)


class RunList:
    """The runs in a store.

    Args:
        store: Where they are.
        artifact: A stored result by its config, None if it is not there.
    """

    def __init__(self, store: Store, artifact: Callable[[Config], Any]) -> None:
        self._store = store
        self._artifact = artifact
        self._listed: tuple[tuple[int, ...], list[Run]] | None = None

    def all(self) -> list[Run]:
        """What can be looked at: shipped ones first (real data before made-up), then the newest; bare soft labels last.

        The many students of an experiment are stored, too, but are no runs unless `keep_run` says so.
        """
        # Every page asks for this list at every step of a slider; what it is made from shows in the folders' times.
        stamp = self._store.changes()
        if self._listed is not None and stamp and self._listed[0] == stamp:
            return list(self._listed[1])
        found = self._read()
        self._listed = stamp, found
        return list(found)

    def _read(self) -> list[Run]:
        found = []
        kept, used = self._store.known_runs(), set()
        for summary in self._store.entries(StudentConfig.stage):
            config = summary.config
            if not isinstance(config, StudentConfig) or config.soft_labels is None:
                continue
            used.add(config.soft_labels.address)
            if summary.shipped or config.address in kept:
                found.append(
                    Run(
                        key=config.address[:12],
                        name=self.name_of(config),
                        soft_labels=config.soft_labels,
                        student=config,
                        source=self._source(config.data),
                        created=summary.created,
                        shipped=summary.shipped,
                        figures=self._figures(config),
                        twin_figures=self._figures(config.twin),
                    )
                )
        # The sort is stable: runs of the user stay in their order.
        found.sort(
            key=lambda run: (
                not run.shipped,
                run.shipped and isinstance(run.student and run.student.data, SyntheticConfig),
            )
        )
        for stage in (TeacherConfig.stage, SoftLabelFileConfig.stage):
            for summary in self._store.entries(stage):
                config = summary.config
                if isinstance(config, (TeacherConfig, SoftLabelFileConfig)) and config.address not in used:
                    found.append(
                        Run(
                            key=config.address[:12],
                            name=self._soft_label_name(config),
                            soft_labels=config,
                            source=self._source(config.data) if isinstance(config, TeacherConfig) else "",
                            created=summary.created,
                            shipped=summary.shipped,
                        )
                    )
        return distinct(found)

    def _figures(self, student: StudentConfig) -> Mapping[str, float]:
        config = EvaluationConfig(student)
        if config not in self._store:
            return {}
        found = self._artifact(config)
        return dict(found.metrics) if found else {}

    def _source(self, data: SyntheticConfig | FeatureFileConfig) -> str:
        config = ClipsConfig(data)
        found = self._artifact(config) if config in self._store else None
        return str(found.source) if found else ""

    def name_of(self, student: StudentConfig) -> str:
        """What a student's run is called: as somebody named it, else by its data and parameters."""
        given = self._store.known_runs().get(student.address)
        return given or run_name(self.data_name(student.data), student)

    def data_name(self, data: DataConfig) -> str:
        """What a data set is called."""
        if isinstance(data, SyntheticConfig):
            return f"Synthetic, {data.classes} classes"
        source = self._source(data).split("(")[0].split(",")[0].strip()
        name = _stem(data.paths[0]) if data.paths else source or "features without a name"
        return name if data.annotation == "given" else f"{name}, {data.annotation} annotation"

    def _soft_label_name(self, config: SoftLabelSource) -> str:
        if isinstance(config, TeacherConfig):
            return f"{self.data_name(config.data)}: teacher, {config.epochs} epochs, seed {config.seed}"
        return f"{_stem(config.path) or 'A file'}: soft labels"


def distinct(runs: list[Run]) -> list[Run]:
    """The same runs, no two with one name: the earliest keeps it, others add when they were made, or else their key."""
    taken: set[str] = set()
    renamed = {}
    for run in sorted(runs, key=lambda run: (not run.shipped, run.created)):
        made = f"{run.created[:10]} {run.created[11:16]}".strip()
        names = (run.name, *([f"{run.name} ({made})"] if made else []), f"{run.name} ({run.key[:6]})")
        name = next((name for name in names if name not in taken), names[-1])
        renamed[run.key] = replace(run, name=name)
        taken.add(name)
    return [renamed[run.key] for run in runs]


def _stem(path: str) -> str:
    """A file's name for people; bytes that are no text show as question marks."""
    return Path(path).stem.encode(errors="replace").decode()
