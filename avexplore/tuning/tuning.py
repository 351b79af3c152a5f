"""One run being tuned: its answers to settings, kept for going back, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import log

import numpy as np

from avexplore.artifacts import IntArray, NetworkOutputs, Report, silent
from avexplore.config import OutputsConfig, StudentConfig, override
from avexplore.errors import ConfigError, DataError
from avexplore.tuning.counts import first_answers
from avexplore.tuning.live_graphs import LiveGraph, LiveGraphs, quick_search, whole_stability
from avexplore.tuning.reading import OpenRun, Reading, comparable, read
from avexplore.tuning.settings import difference
from avexplore.workbench import Workbench
from avexplore.workbench.recent_results import RecentResults, bytes_in_memory

MEMORY_BYTES = 2**27


@dataclass(frozen=True)
class Answer:
    """What a setting does, as far as it is known.

    Attributes:
        reading: Embeddings, links and figures.
        live: The setting's graph and its bootstraps so far.
        network: The student whose network was read.
        is_wanted: Whether that is the network that the settings ask for; otherwise it is the nearest at hand, and the
            settings' own has to be trained.
        wanted: The network that the settings ask for.
    """

    reading: Reading
    live: LiveGraph
    network: StudentConfig
    wanted: StudentConfig

    @property
    def is_wanted(self) -> bool:
        """Whether the settings' own network was read."""
        return self.network == self.wanted


@dataclass
class Tuning:
    """Answers of one run to any settings.

    Attributes:
        bench: Where results are kept.
        run: The stored run.
        graphs: Bootstraps of this server.
    """

    bench: Workbench
    run: OpenRun
    graphs: LiveGraphs
    _readings: RecentResults[Reading] = field(default_factory=lambda: RecentResults(MEMORY_BYTES))

    def ask(self, working: StudentConfig, visitor: str) -> Answer:
        """Read the network of some settings, or the nearest that is at hand.

        Args:
            working: The run's student with the settings applied.
            visitor: Who asks; a graph that the same visitor asked for before is bootstrapped no more.

        Raises:
            AvexploreError: If the settings contradict the run.
        """
        student = self.run.student
        config = comparable(student, working)
        wanted = network = network_of(student, working)
        outputs = network_outputs(self.bench, wanted)
        if outputs is None:
            network = self.nearest(wanted)
            outputs = network_outputs(self.bench, network)
            if outputs is None:
                raise _no_outputs()
        live = self.graphs.look(self.bench, self.run, config.lir.affinity.stability, visitor)
        if network == student and working == student:
            config = student
        key = f"{config.address}-{network.address}-{live.stability.bootstraps}-{live.is_own}"
        reading = self._readings.get(key)
        if reading is None:
            reading = read(self.run, config, outputs, live.stability)
            self._readings.put(key, reading, bytes_in_memory(reading.embeddings) + 2**14)
        return Answer(reading, live, network, wanted)

    def settle(self, working: StudentConfig, report: Report = silent) -> Answer:
        """What some settings do, once all is known: all bootstraps, and a training where the settings take one.

        Args:
            working: The run's student with the settings applied.
            report: Told of the progress; may raise `Cancelled`.

        Raises:
            AvexploreError: If the settings contradict the run, or take a training and the features are not at hand.
        """
        student = self.run.student
        config = working if working == student else comparable(student, working)
        network = network_of(student, working)
        outputs = network_outputs(self.bench, network)
        if outputs is None:
            if not self.bench.can_read(student.data):
                raise DataError(
                    f"These settings take a training, and the features are not at hand. Lambdas of students that are: "
                    f"{', '.join(f'{stop:g}' for stop in self.stops())}",
                    where="tune",
                    fix="Bring the run's feature files once with `avexplore data FILE ...`, or change other settings",
                )
            outputs = self.bench.get(OutputsConfig(network), report)
        wanted = config.lir.affinity.stability
        stability = whole_stability(self.run, wanted, report)
        graph = self.bench.get(quick_search(wanted.graph)) if stability is not self.run.stability else None
        live = LiveGraph(graph or self.run.graph, stability, stability.bootstraps)
        return Answer(read(self.run, config, outputs, stability), live, network, network)

    def stops(self) -> dict[float, StudentConfig]:
        """The networks at hand by their lambda, everything else as stored."""
        return stops(self.bench, self.run.student)

    def nearest(self, network: StudentConfig) -> StudentConfig:
        """The network at hand whose lambda is nearest."""
        found = self.stops()
        return found[nearest_stop(found, network.lir.weight)]

    @cached_property
    def twin_answers(self) -> tuple[IntArray, IntArray]:
        """`first_answers` of the twin, in both directions."""
        clips = self.run.test_clips
        return first_answers(self.run.before, clips, 0), first_answers(self.run.before, clips, 1)

    @cached_property
    def telling_queries(self) -> tuple[IntArray, IntArray]:
        """Test clips as queries in either direction, those first that gain most by the stored setting's links.

        What random links of the same number and scale gain is taken off: a query that they improve as much shows
        nothing of the graph.
        """
        student = self.run.student
        random = comparable(student, override(student, {"affinity": {"source": "random"}}))
        outputs = network_outputs(self.bench, student)
        if outputs is None:
            raise _no_outputs()
        both = [self.run.after, read(self.run, random, outputs, self.run.stability).embeddings]
        found = []
        for direction in (0, 1):
            twin = self.twin_answers[direction]
            own, by_chance = (first_answers(e, self.run.test_clips, direction) - twin for e in both)
            found.append(np.argsort(-(own - np.maximum(by_chance, 0)), kind="stable"))
        return found[0], found[1]


def _no_outputs() -> DataError:
    return DataError("The outputs of this run's networks are not there", where="tune", fix="Train the run again")


# --- networks -----------------------------------------------------------------------------------------------------
# What acts in training is in a network's weights, everything else in how it is read.


def network_of(stored: StudentConfig, working: StudentConfig) -> StudentConfig:
    """The student whose network a setting is read from: the stored one with what acts in training changed.

    Args:
        stored: The run's student.
        working: The same with any settings changed.

    Returns:
        A student with the stored graph, links, share and temperature; the stored student itself where nothing that
        acts in training was changed. A full training with all of `working` would also train with its graph, and might
        keep another epoch.

    Raises:
        ConfigError: If one of them has no LIR, or they differ in their data.
    """
    if stored.regularizer is None or working.regularizer is None:
        raise ConfigError("Only a student with LIR can be tuned", where="tune", fix="Choose another run")
    return difference(stored, working).acting("training").apply(stored)


def network_outputs(bench: Workbench, network: StudentConfig) -> NetworkOutputs | None:
    """What a network says of the test clips, if that is stored or quick to find out; None if it has to be trained."""
    return getattr(bench.ask(OutputsConfig(network), start=False), "artifact", None)


def stops(bench: Workbench, stored: StudentConfig) -> dict[float, StudentConfig]:
    """The networks of this run that are at hand, everything but lambda as stored; by lambda, the smallest first."""
    known = {stored}
    for stage in (OutputsConfig.stage, StudentConfig.stage):
        for summary in bench.store.entries(stage):
            config = summary.config
            model = config.model if isinstance(config, OutputsConfig) else config
            if isinstance(model, StudentConfig) and model.regularizer is not None:
                same = model.replace(regularizer=model.regularizer.replace(weight=stored.lir.weight))
                if same == stored:
                    known.add(model)
    return {one.lir.weight: one for one in sorted(known, key=lambda one: one.lir.weight)}


def nearest_stop(found: Iterable[float], weight: float) -> float:
    """The lambda that is nearest, by ratio; 0 is nearest to itself alone, and to nothing below a hundredth.

    >>> [nearest_stop((0.0, 0.3, 1.0, 3.0), w) for w in (0, 0.4, 1.8, 40)]
    [0.0, 0.3, 3.0, 3.0]
    """
    return min(found, key=lambda stop: abs(log(max(stop, 1e-2)) - log(max(weight, 1e-2))))
