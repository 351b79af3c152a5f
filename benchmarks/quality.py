"""Does it retrieve, and what does LIR add? Every metric loss, read fairly, over paired seeds.

    python -m benchmarks.quality --data yt8m_demo28.npz --records quality.jsonl --write docs/quality.md
    python -m benchmarks.quality --data yt8m_demo28.npz --records quality.jsonl --tune

Training is paired: a student and its twin without LIR share their prefix, and a difference is one of the same seed,
teacher, validation clips and batches. Share and temperature of the class posteriors in the embedding are chosen for
every loss, arm and seed on validation clips ("read anew"): one share for all would flatter some arms. Test clips are
looked at once. ± is half a 95 % interval over seeds (Student's t). A figure that was computed once is kept in the
records under the address of its config, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avexplore.artifacts import Affinity, Embeddings, FloatArray, Reading, SoftLabels, TrainedStudent
from avexplore.config import (
    BaselineConfig,
    DataConfig,
    Model,
    PrefixConfig,
    ReadingConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.config.presets import as_reported, preset
from avexplore.data import feature_file, load_features
from avexplore.losses.registry import LOSSES
from avexplore.nets.linked_posteriors import LinkedPosteriors
from avexplore.retrieval import evaluate
from avexplore.retrieval.significance import holm, interval, paired_difference, permutation_test, told_apart, verdict
from avexplore.training import baseline_embeddings, linked_posteriors, read_student, train_prefix, train_student
from avexplore.workbench import Workbench

FIGURES = {"map": "MAP", "any_label_map": "any-label MAP", "hidden_pair_ap": "hidden-pair AP"}
PAPERS = "proxy-triplet, LIR as the papers report"
FEWEST_SEEDS = 3
"""A row with fewer is not shown."""
AADML_LOSSES = ("contrastive", "triplet", "triplet-semihard", "triplet-hard")
FEW = ("supervised-contrastive", "triplet", "proxy-triplet")
"""Losses of the synthetic benchmark, where there is time for a few."""

NUMBERS: dict[str, dict[str, float]] = {
    "triplet": {"margin": 0.1},
    "triplet-semihard": {"margin": 0.1},
    "soft-triplet": {"margin": 0.1},
    "contrastive": {"margin": 0.8},
}
"""Each loss's numbers where they are not the defaults: the best of those tried by validation MAP (docs/training.md)."""


class Records:
    """Figures by the address of what was made, one JSON line each."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, dict[str, float]] = {}
        if path is not None and path.is_file():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                self.found[entry["address"]] = entry["figures"]

    def __contains__(self, config: Model) -> bool:
        return config.address in self.found

    def __getitem__(self, config: Model) -> dict[str, float]:
        return self.found[config.address]

    def put(self, config: Model, figures: dict[str, float]) -> None:
        """Kept on disk at once."""
        self.found[config.address] = figures
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"address": config.address, "figures": figures}) + "\n")


def with_teacher_of(config: StudentConfig, seed: int) -> StudentConfig:
    """A teacher of its own for each seed; the graph's null model, which weights do not need, is left out."""
    lir, stability, teacher = config.regularizer, config.stability, config.soft_labels
    assert lir is not None
    assert stability is not None
    assert isinstance(teacher, TeacherConfig)
    graph = stability.graph.replace(soft_labels=teacher.replace(seed=seed * teacher.members))
    stability = stability.replace(graph=graph, null="none", seeds=0)
    return config.replace(regularizer=lir.replace(affinity=lir.affinity.replace(stability=stability)))


def shortened(config: StudentConfig) -> StudentConfig:
    """Half the width, half the epochs and twice the rate, to compare many arms; the teacher is as it was."""
    lir = config.regularizer
    assert lir is not None
    return config.replace(
        hidden=config.hidden // 2,
        epochs=config.epochs // 2,
        learning_rate=2 * config.learning_rate,
        regularizer=lir.replace(start_epoch=lir.start_epoch // 2),
    )


def anew(student: StudentConfig) -> ReadingConfig:
    """The student with share and temperature chosen on validation clips."""
    return ReadingConfig(student)


def through_links(student: StudentConfig, choose: bool = False) -> StudentConfig | ReadingConfig:
    """The twin, read through the student's links: what LIR gives without any training. Without links, the twin."""
    assert student.regularizer is not None
    if student.regularizer.posterior_links == 0:
        return anew(student.twin) if choose else student.twin
    return ReadingConfig(student.twin, choose=choose, links=student.regularizer)


class Bench:
    """One data set and seed, with what its arms share made once and when first needed."""

    def __init__(
        self, data: DataConfig, seed: int, preset_name: Any, short: bool, records: Records, bench: Workbench
    ) -> None:
        self.data, self.records, self.bench = data, records, bench
        config = with_teacher_of(preset(preset_name, data, seed), seed)
        self.config = shortened(config) if short else config
        self.features = load_features(data)
        self.soft_labels: SoftLabels | None = None
        self.affinities: dict[str, Affinity] = {}

    def arm(self, loss: str, **changes: Any) -> StudentConfig:
        """The student with LIR; its twin is the arm without."""
        return self.config.replace(loss=loss, **NUMBERS.get(loss, {}), **changes)

    def papers(self) -> StudentConfig:
        """What the papers report, at the length of the others."""
        return as_reported(self.config)

    def _measure(self, config: Model, found: Embeddings | TrainedStudent | Reading) -> None:
        embeddings = found if isinstance(found, Embeddings) else found.embeddings
        figures: dict[str, float] = {}
        for split in ("validation", "test"):
            metrics = evaluate(embeddings, self.features, split=split).metrics
            figures |= {f"{split}.{name}": value for name, value in metrics.items()}
        if isinstance(found, Reading):
            figures |= {"share": found.share, "temperature": found.temperature}
        self.records.put(config, figures)

    def _whole(self, config: StudentConfig, trained: TrainedStudent) -> None:
        """A student as it was trained, and read anew."""
        self._measure(config, trained)
        self._measure(anew(config), self._read(anew(config), trained))

    def _read(self, config: ReadingConfig, trained: TrainedStudent, links: LinkedPosteriors | None = None) -> Reading:
        assert trained.outputs is not None
        return read_student(self.features, trained.outputs, config, trained.weights, links)

    def twin(self, config: StudentConfig) -> None:
        """A student without LIR."""
        if anew(config.twin) not in self.records:
            self._whole(config.twin, train_student(self.features, config.twin, device="cpu"))

    def pair(self, config: StudentConfig) -> None:
        """A student with LIR, its twin, and the twin read through the student's links."""
        lir = config.regularizer
        assert lir is not None
        readings = through_links(config), through_links(config, choose=True)
        if all(one in self.records for one in (anew(config), *readings)):
            return
        if self.soft_labels is None:
            self.soft_labels = self.bench.get(lir.affinity.stability.graph.soft_labels).soft_labels
        if lir.affinity.address not in self.affinities:
            self.affinities[lir.affinity.address] = self.bench.get(lir.affinity)
        affinity = self.affinities[lir.affinity.address]
        prefix = train_prefix(self.features, PrefixConfig(config.twin, lir.start_epoch), device="cpu")
        twin = train_student(self.features, config.twin, prefix=prefix, device="cpu")
        self._whole(config.twin, twin)
        if anew(config) not in self.records:
            given: dict[str, Any] = {"prefix": prefix, "soft_labels": self.soft_labels, "affinity": affinity}
            self._whole(config, train_student(self.features, config, device="cpu", **given))
        links = linked_posteriors(self.features, config, self.soft_labels, affinity)
        for reading in readings:
            if reading in self.records:
                continue
            assert isinstance(reading, ReadingConfig)
            self._measure(reading, self._read(reading, twin, links))

    def baseline(self, config: BaselineConfig) -> None:
        if config not in self.records:
            self._measure(config, baseline_embeddings(self.features, config))

    def baselines(self) -> dict[str, BaselineConfig]:
        """The linear embeddings that every table of this field carries."""
        size = len(self.features.classes)
        return {m: BaselineConfig(self.data, method=m, dim=size) for m in ("cca", "cluster-cca")}

    def plain(self) -> dict[str, StudentConfig]:
        """Twins without a student with LIR beside them."""
        found = {loss: self.arm(loss) for loss in LOSSES if loss in ("infonce", "cross-entropy", "soft-triplet")}
        return found if len(self.losses) > len(FEW) else {}

    losses: Sequence[str] = tuple(loss for loss in LOSSES if loss not in ("infonce", "cross-entropy", "soft-triplet"))

    def compared(self) -> dict[str, StudentConfig]:
        """A student with LIR for each metric loss, and the papers'; its twin is the same without."""
        return {**{loss: self.arm(loss) for loss in self.losses}, PAPERS: self.papers()}

    def aadml(self) -> dict[str, tuple[StudentConfig, StudentConfig]]:
        """By loss and space: without and with anchor-aware proxies, both without LIR."""
        if len(self.losses) <= len(FEW):
            return {}
        found = {}
        for loss in AADML_LOSSES:
            found[f"{loss}, by predicted labels"] = "labels", loss
        for loss in ("contrastive", "triplet"):
            found[f"{loss}, in the embedding"] = "embedding", loss
        return {
            name: (self.arm(loss, metric_space=space), self.arm(loss, metric_space=space, proxies="aadml"))
            for name, (space, loss) in found.items()
        }


def rows(benches: list[Bench]) -> Iterator[str]:
    """Makes the tables row by row, over all seeds; the name of each row as it is done."""
    for name in benches[0].baselines():
        for bench in benches:
            bench.baseline(bench.baselines()[name])
        yield name
    for name in benches[0].compared():
        for bench in benches:
            bench.pair(bench.compared()[name])
        yield name
    for name in benches[0].plain():
        for bench in benches:
            bench.twin(bench.plain()[name])
        yield name
    for name in benches[0].aadml():
        for bench in benches:
            for one in bench.aadml()[name]:
                bench.twin(one)
        yield name


# --- tables -------------------------------------------------------------------------------------------------------


def _cell(values: FloatArray, signed: bool) -> str:
    found = interval(values)
    return f"{found.mean:{'+' if signed else ''}.4f} ± {(found.high - found.low) / 2:.4f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines)])


class Tables:
    """The tables of one data set, from what is in the records; a row may still lack seeds, and says how many it has."""

    def __init__(self, benches: list[Bench]) -> None:
        self.benches, self.records = benches, benches[0].records
        self.pairs = self._known(
            lambda b: {n: (s,) for n, s in b.compared().items()}, lambda s: (anew(s), through_links(s))
        )
        self.plain = self._known(lambda b: {n: (s.twin,) for n, s in b.plain().items()}, lambda s: (anew(s),))
        self.linear = self._known(lambda b: {n: (c,) for n, c in b.baselines().items()}, lambda c: (c,))
        self.aware = self._known(
            lambda b: {n: (one.twin, two.twin) for n, (one, two) in b.aadml().items()}, lambda s: (anew(s),)
        )

    def _known(
        self, arms: Callable[[Bench], dict[str, tuple[Any, ...]]], needed: Callable[[Any], tuple[Model, ...]]
    ) -> dict[str, list[tuple[Any, ...]]]:
        """By name, the models of the seeds whose figures are there, if these are enough for an interval."""
        found: dict[str, list[tuple[Any, ...]]] = {}
        for bench in self.benches:
            for name, models in arms(bench).items():
                if all(config in self.records for model in models for config in needed(model)):
                    found.setdefault(name, []).append(models)
        return {name: models for name, models in found.items() if len(models) >= FEWEST_SEEDS}

    def values(self, configs: Sequence[Model], figure: str) -> FloatArray:
        return np.array([self.records[config][f"test.{figure}"] for config in configs])

    def fair(self) -> str:
        """Twins, and what LIR adds to a twin that was read as fairly."""
        reading, adds = "reading anew alone adds to MAP", (f"LIR adds to {f}" for f in FIGURES.values())
        head = ["", "seeds", *FIGURES.values(), reading, *adds]
        lines = []
        for name, rows in self.linear.items():
            configs = [config for (config,) in rows]
            cells = [_cell(self.values(configs, f), False) for f in FIGURES]
            lines.append([name, str(len(rows)), *cells, "", "", "", ""])
        for name, rows in (self.plain | self.pairs).items():
            students = [student for (student,) in rows]
            twins, read = [s.twin for s in students], [anew(s.twin) for s in students]
            cells = [_cell(self.values(read, f), False) for f in FIGURES]
            cells.append(_cell(self.values(read, "map") - self.values(twins, "map"), True))
            with_lir = [anew(s) for s in students]
            for f in FIGURES:
                both = name in self.pairs
                cells.append(_cell(self.values(with_lir, f) - self.values(read, f), True) if both else "")
            lines.append([name, str(len(rows)), *cells])
        return _table(head, lines)

    def split(self, choose: bool) -> str:
        """Where LIR's gains come from, as configured or with every embedding read anew."""
        head = [""]
        for figure in ("MAP", "hidden-pair AP"):
            head += [f"{figure}: LIR in all", "reading the twin through the links", "training"]
        lines = []
        for name, rows in self.pairs.items():
            students = [student for (student,) in rows]
            links: list[Model] = [through_links(s, choose) for s in students]
            if not all(one in self.records for one in links):
                continue
            with_lir: list[Model] = [anew(s) if choose else s for s in students]
            twins: list[Model] = [anew(s.twin) if choose else s.twin for s in students]
            cells = []
            for figure in ("map", "hidden_pair_ap"):
                base, read, whole = (self.values(configs, figure) for configs in (twins, links, with_lir))
                cells += [_cell(change, True) for change in (whole - base, read - base, whole - read)]
            lines.append([name, *cells])
        return _table(head, lines) if lines else ""

    def readings(self) -> str:
        """Shares and temperatures that were chosen, means over seeds."""
        head = ["", "twin: share", "temperature", "with LIR: share", "temperature"]
        lines = []
        for name, rows in self.pairs.items():
            found = [
                np.mean([self.records[anew(c)][key] for c in configs])
                for configs in ([s.twin for (s,) in rows], [s for (s,) in rows])
                for key in ("share", "temperature")
            ]
            lines.append([name, *(f"{value:.2f}" for value in found)])
        return _table(head, lines)

    def verdicts(self, figure: str) -> str:
        """What LIR does to a figure beyond reading, with Holm's correction over the losses."""
        found = {}
        for name, rows in self.pairs.items():
            students = [student for (student,) in rows]
            with_lir, without = ([anew(s) for s in side] for side in (students, [s.twin for s in students]))
            found[name] = self.values(with_lir, figure), self.values(without, figure)
        corrected = holm([permutation_test(*both) for both in found.values()])
        by_verdict: dict[str, list[str]] = {}
        for (name, both), p in zip(found.items(), corrected, strict=True):
            by_verdict.setdefault(verdict(paired_difference(*both), float(p)), []).append(name)
        return "; ".join(f"{words}: {', '.join(names)}" for words, names in by_verdict.items())

    def groups(self) -> str:
        """Losses with all seeds whose twins, read anew, cannot be told apart by MAP."""
        found = {}
        for name, rows in (self.plain | self.pairs).items():
            if len(rows) == len(self.benches) and name != PAPERS:  # whose twin is proxy-triplet's
                found[name] = self.values([anew(s.twin) for (s,) in rows], "map")
        return "; ".join("{" + ", ".join(group) + "}" for group in told_apart(found)) if len(found) > 1 else ""

    def aadml(self) -> str:
        """What anchor-aware proxies add, without LIR."""
        head = ["", "seeds", *FIGURES.values(), *(f"AADML adds to {figure}" for figure in FIGURES.values())]
        lines = []
        for name, rows in self.aware.items():
            plain, aware = ([anew(row[k]) for row in rows] for k in (0, 1))
            cells = [_cell(self.values(plain, f), False) for f in FIGURES]
            cells += [_cell(self.values(aware, f) - self.values(plain, f), True) for f in FIGURES]
            lines.append([name, str(len(rows)), *cells])
        return _table(head, lines) if lines else ""


def tune(benches: list[Bench]) -> None:
    """Each loss's numbers by validation MAP, mean over seeds, without LIR."""
    for loss, record in LOSSES.items():
        grids = [[(p.field, value) for value in p.tried] for p in record.parameters if p.tried]
        for numbers in _combinations(grids):
            found = []
            for bench in benches:
                config = bench.config.replace(loss=loss, **numbers)
                bench.twin(config)
                found.append(bench.records[anew(config.twin)]["validation.map"])
            print(f"{loss:<24} {numbers!s:<40} MAP {np.mean(found):.4f}", flush=True)


def _combinations(grids: list[list[tuple[str, float]]]) -> list[dict[str, float]]:
    found: list[dict[str, float]] = [{}]
    for grid in grids:
        found = [{**one, name: value} for one in found for name, value in grid]
    return found


def page(benches: dict[str, list[Bench]], preset_name: str, short: bool, said: str = "") -> str:
    chosen = "; ".join(f"{k} {', '.join(f'{n} {v:g}' for n, v in numbers.items())}" for k, numbers in NUMBERS.items())
    how = f"Preset `{preset_name}`" + (", students of half the width, half the epochs and twice the rate" * short)
    text = ["# Quality\n", (__doc__ or "").strip(), *([f"\n{said}"] if said else [])]
    text.append(
        f"\n{how}. The epoch that is kept, share and temperature are chosen on validation clips, anew for each seed; "
        f"each loss's numbers were, once ({chosen or 'defaults throughout'}). LIR is the preset's (`{PAPERS}`: the "
        "papers' loss and LIR at the same length)."
    )
    for name, found in benches.items():
        tables = Tables(found)
        if not tables.pairs:
            continue
        parts: list[tuple[str, Callable[[], str]]] = [
            ("Read anew: every embedding with the share and temperature that do best for it.", tables.fair),
            (
                "The same gains, split: what reading the twin through the links gives, nothing trained and share and "
                "temperature chosen, and what training adds.",
                partial(tables.split, True),
            ),
            (
                "As configured, with share .5 and temperature .5 for twin and student alike: what an experiment "
                "without fair readings shows.",
                partial(tables.split, False),
            ),
            ("What was chosen, means over seeds.", tables.readings),
            (
                "Anchor-aware proxies (k = 3, temperature .1, neighbors of the batch), without LIR, read anew.",
                tables.aadml,
            ),
        ]
        text.append(f"\n## {name}")
        for title, make in parts:
            if made := make():
                text.append(f"\n{title}\n\n{made}")
        for figure, called in FIGURES.items():
            text.append(
                f"\nLIR against a twin read as fairly, {called} (Holm over the rows). {tables.verdicts(figure)}."
            )
        if groups := tables.groups():
            text.append(
                "\nLosses of one group cannot be told apart by the MAP of their twins, read anew, best first (paired "
                f"tests of all pairs, Holm): {groups}."
            )
    return "\n".join(text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="yt8m_demo28.npz; without it, the synthetic benchmark alone")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--short", action="store_true", help="students of half the width and half the epochs")
    parser.add_argument("--only", choices=["yt8m", "synthetic"], help="one of the two data sets")
    parser.add_argument("--few", action="store_true", help=f"on the synthetic benchmark {', '.join(FEW)} alone")
    parser.add_argument("--records", type=Path, help="where figures are kept, to go on from")
    parser.add_argument("--tune", action="store_true", help="compare each loss's numbers on validation clips instead")
    parser.add_argument("--write", type=Path, help="where the page goes; it grows row by row")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    records, workbench, seeds = Records(arguments.records), Workbench(), range(arguments.seeds)
    sources: dict[str, list[DataConfig]] = {}
    if arguments.data and arguments.only != "synthetic":  # each seed draws validation clips of its own
        files = [feature_file(arguments.data, annotation="random", split_seed=seed) for seed in seeds]
        sources["yt8m_demo28, random annotation"] = [*files]
    if arguments.only != "yt8m":
        sources["Synthetic benchmark"] = [SyntheticConfig(seed=seed) for seed in seeds]
    benches = {
        name: [
            Bench(data, seed, arguments.preset, arguments.short, records, workbench) for seed, data in enumerate(all_)
        ]
        for name, all_ in sources.items()
    }
    if arguments.few:
        for bench in benches.get("Synthetic benchmark", []):
            bench.losses = FEW
    if arguments.tune:
        tune(next(iter(benches.values())))
        return
    begin = time.process_time()
    for found in benches.values():
        for name in rows(found):
            print(f"{time.process_time() - begin:8.0f} CPU s  {found[0].data.stage:<10} {name}", flush=True)
            if arguments.write:
                arguments.write.write_text(page(benches, arguments.preset, arguments.short))


if __name__ == "__main__":
    main()
