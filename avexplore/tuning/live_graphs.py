"""The graph of a setting at once, and its bootstraps behind: counted as they come, given up when nobody waits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from avexplore.artifacts import ClassGraph, GraphStability, Report, SoftLabels
from avexplore.config import GraphConfig, StabilityConfig
from avexplore.errors import AvexploreError, Cancelled
from avexplore.graph.stability.stability import growing_stability
from avexplore.tuning.reading import OpenRun
from avexplore.workbench import Failed, Ready, Workbench

KEPT = 64
"""Bootstrapped graphs that stay in memory: going back is instant."""


@dataclass(frozen=True)
class LiveGraph:
    """A setting's graph as far as it is known.

    Attributes:
        graph: What a quick search finds; the run's own where that is not there yet.
        stability: Its bootstraps so far; before the first, its own edges with frequency 1.
        wanted: How many bootstraps there will be.
        is_own: Whether graph and stability are this setting's; otherwise they are still the stored run's.
        problem: Why the search failed, "" if it did not.
    """

    graph: ClassGraph
    stability: GraphStability
    wanted: int
    is_own: bool = True
    problem: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to come."""
        return bool(self.problem) or (self.is_own and self.stability.bootstraps >= self.wanted)


def bootstraps_of(config: StabilityConfig) -> StabilityConfig:
    """The same bootstraps without null model and search seeds, which no link depends on."""
    plain = StabilityConfig(config.graph)
    return config.replace(null="none", null_bootstraps=plain.null_bootstraps, seeds=0)


def quick_search(config: GraphConfig) -> GraphConfig:
    """The same search from one start: some ten milliseconds where a thorough one takes a second."""
    return config.replace(strategy="single", iterations=1)


def own_edges(graph: ClassGraph, correlation: np.ndarray) -> GraphStability:
    """A graph before its first bootstrap: each of its edges at frequency 1."""
    p = len(graph.nodes)
    skeleton = graph.skeleton.astype(np.float64)
    arrows = (graph.adjacency & ~graph.adjacency.T).astype(np.float64)
    two = np.zeros(2)
    return GraphStability(
        nodes=graph.nodes,
        edge_frequency=skeleton,
        orientation_frequency=arrows,
        null_frequency=np.zeros((p, p)),
        effect=graph.effect,
        correlation=correlation,
        bootstraps=0,
        shd=two,
        jaccard=two,
        frobenius=two,
    )


def whole_stability(run: OpenRun, config: StabilityConfig, report: Report) -> GraphStability:
    """All bootstraps of a setting, made here and now unless they are the stored run's."""
    stored = run.student.stability
    assert stored is not None
    wanted = bootstraps_of(config)
    if wanted == bootstraps_of(stored):
        return run.stability
    *_, last = growing_stability(run.soft_labels, wanted, report)
    return last


class LiveGraphs:
    """One thread that bootstraps what visitors look at; a visitor's newer setting takes the older one's place."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[StabilityConfig, SoftLabels]] = {}
        self._known: OrderedDict[str, GraphStability] = OrderedDict()
        self._done: set[str] = set()
        self._failed: dict[str, str] = {}
        self._guard = threading.Condition()
        self._thread: threading.Thread | None = None

    def look(self, bench: Workbench, run: OpenRun, config: StabilityConfig, visitor: str) -> LiveGraph:
        """What is known of a setting's graph; the rest is begun behind.

        Args:
            bench: Where quick searches are made and kept.
            run: The stored run.
            config: The setting's graph and bootstraps.
            visitor: Who looks; what the same visitor looked at before is given up.
        """
        stored, wanted = run.student.stability, bootstraps_of(config)
        assert stored is not None
        if wanted == bootstraps_of(stored):
            self._give_up(visitor)
            return LiveGraph(run.graph, run.stability, stored.bootstraps)
        graph, problem = _searched(bench, run, config.graph, stored.graph)
        if problem:
            self._give_up(visitor)
            return LiveGraph(run.graph, run.stability, stored.bootstraps, is_own=False, problem=problem)
        self._want(visitor, wanted, run.soft_labels)
        with self._guard:
            stability = self._known.get(wanted.address)
            problem = self._failed.get(wanted.address, "")
        if graph is None:
            own = stability is not None
            return LiveGraph(run.graph, stability or run.stability, wanted.bootstraps, is_own=own, problem=problem)
        found = stability or own_edges(graph, run.stability.correlation)
        return LiveGraph(graph, found, wanted.bootstraps, problem=problem)

    def _want(self, visitor: str, config: StabilityConfig, labels: SoftLabels) -> None:
        with self._guard:
            if config.address in self._done or config.address in self._failed:
                self._wanted.pop(visitor, None)
                if config.address in self._known:
                    self._known.move_to_end(config.address)
                    return
                self._done.discard(config.address)
                if config.address in self._failed:
                    return
            self._wanted[visitor] = config, labels
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="avexplore-bootstraps", daemon=True)
                self._thread.start()
            self._guard.notify()

    def _give_up(self, visitor: str) -> None:
        with self._guard:
            self._wanted.pop(visitor, None)

    def _work(self) -> None:
        while True:
            with self._guard:
                self._guard.wait_for(lambda: self._wanted)
                config, labels = next(iter(self._wanted.values()))
            try:
                for found in growing_stability(labels, config, self._while_wanted(config)):
                    self._keep(config, found)
                with self._guard:
                    self._done.add(config.address)
            except Cancelled:
                continue
            except AvexploreError as error:
                self._failed[config.address] = str(error)
            except Exception as error:  # a thread that dies would leave every later visitor waiting
                self._failed[config.address] = f"{type(error).__name__}: {error}"
            with self._guard:
                self._wanted = {who: one for who, one in self._wanted.items() if one[0] != config}

    def _keep(self, config: StabilityConfig, found: GraphStability) -> None:
        with self._guard:
            self._known[config.address] = found
            self._known.move_to_end(config.address)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def _while_wanted(self, config: StabilityConfig) -> Report:
        def report(fraction: float, message: str = "", **figures: float) -> None:
            if all(one != config for one, _ in list(self._wanted.values())):
                raise Cancelled("Another graph is looked at")

        return report


def _searched(
    bench: Workbench, run: OpenRun, config: GraphConfig, stored: GraphConfig
) -> tuple[ClassGraph | None, str]:
    """A quick graph of a setting, None while none can be had at once; and what is wrong with the setting."""
    from avexplore.graph.compiled.numba_cache import is_compiled

    if config == stored:
        return run.graph, ""
    compiled_here = config.score == "bic" and not config.engine.startswith("causal")
    if compiled_here and not is_compiled():
        from avexplore.graph.search.warm_up import compile_in_background

        compile_in_background()
        return None, ""
    answer = bench.ask(quick_search(config) if compiled_here else config, start=False)
    if isinstance(answer, Failed):
        return None, answer.message
    return (answer.artifact if isinstance(answer, Ready) else None), ""
