"""Bootstraps that fill in behind: the same in the end, given up when nobody looks, and never in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from tuned_run import Tiny

from avexplore.artifacts import GraphStability
from avexplore.config import StabilityConfig, override
from avexplore.errors import Cancelled
from avexplore.graph.stability.stability import growing_stability, measure_stability
from avexplore.tuning import live_graphs
from avexplore.tuning.live_graphs import LiveGraph, LiveGraphs, bootstraps_of


def setting(tiny: Tiny, penalty: float, bootstraps: int = 20) -> StabilityConfig:
    stability = tiny.student.stability
    assert stability is not None
    return override(stability, {"graph": {"penalty_discount": penalty}, "stability": {"bootstraps": bootstraps}})


def until(look: Callable[[], LiveGraph]) -> LiveGraph:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = look()
        if found.is_done:
            return found
        time.sleep(0.02)
    raise AssertionError("The bootstraps did not come to an end")


def test_batches_end_at_what_is_measured_in_one_go(tiny: Tiny) -> None:
    config = setting(tiny, 3.0)
    grown = list(growing_stability(tiny.run.soft_labels, config))
    whole = measure_stability(tiny.run.soft_labels, config)
    assert [one.bootstraps for one in grown] == [16, 20]
    for name in ("edge_frequency", "orientation_frequency", "effect", "correlation"):
        assert np.array_equal(getattr(grown[-1], name), getattr(whole, name)), name
    assert not np.array_equal(grown[0].edge_frequency, grown[-1].edge_frequency)


def test_first_the_own_edges_then_all_bootstraps(tiny: Tiny) -> None:
    live, config = LiveGraphs(), setting(tiny, 4.0)
    first = live.look(tiny.bench, tiny.run, config, "me")
    assert first.is_own
    if not first.stability.bootstraps:
        assert np.array_equal(first.stability.edge_frequency > 0, first.graph.skeleton)
    last = until(lambda: live.look(tiny.bench, tiny.run, config, "me"))
    whole = measure_stability(tiny.run.soft_labels, config)
    assert np.array_equal(last.stability.edge_frequency, whole.edge_frequency)


def test_the_stored_setting_is_answered_from_the_store(tiny: Tiny) -> None:
    assert tiny.student.stability is not None
    found = LiveGraphs().look(tiny.bench, tiny.run, tiny.student.stability, "me")
    assert found.is_done
    assert found.stability is tiny.run.stability
    other_null = tiny.student.stability.replace(seeds=3, null="none")
    assert bootstraps_of(other_null) == bootstraps_of(tiny.student.stability)


def test_a_newer_setting_takes_the_older_ones_place(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, given_up = threading.Event(), threading.Event()

    def endless(labels: object, config: StabilityConfig, report: Callable[..., None]) -> list[GraphStability]:
        if config.graph.penalty_discount != 6.0:
            return list(growing_stability(labels, config, report))  # type: ignore[arg-type]
        begun.set()
        try:
            while True:
                report(0.0)
                time.sleep(0.005)
        except Cancelled:
            given_up.set()
            raise

    monkeypatch.setattr(live_graphs, "growing_stability", endless)
    live = LiveGraphs()
    live.look(tiny.bench, tiny.run, setting(tiny, 6.0), "me")
    assert begun.wait(60)
    newer = setting(tiny, 7.0)
    found = until(lambda: live.look(tiny.bench, tiny.run, newer, "me"))
    assert found.stability.bootstraps == newer.bootstraps
    assert given_up.wait(60)


def test_another_visitor_keeps_what_is_looked_at(tiny: Tiny) -> None:
    live, one, other = LiveGraphs(), setting(tiny, 5.0), setting(tiny, 5.5)
    live.look(tiny.bench, tiny.run, one, "ann")
    live.look(tiny.bench, tiny.run, other, "bob")
    for config, visitor in ((one, "ann"), (other, "bob")):
        found = until(lambda config=config, visitor=visitor: live.look(tiny.bench, tiny.run, config, visitor))  # type: ignore[misc]
        assert found.stability.bootstraps == config.bootstraps


def test_a_setting_that_cannot_be_searched_says_why(tiny: Tiny) -> None:
    config = setting(tiny, 3.0)
    edges = (("audio:no such class", "visual:no such class"),)
    wrong = override(config, {"knowledge": {"required": edges}})
    found = LiveGraphs().look(tiny.bench, tiny.run, wrong, "me")
    assert not found.is_own
    assert "no such class" in found.problem
    assert found.is_done


def test_a_search_that_fails_behind_says_why(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(live_graphs, "growing_stability", broken)
    live, config = LiveGraphs(), setting(tiny, 2.5)
    found = until(lambda: live.look(tiny.bench, tiny.run, config, "me"))
    assert "of all things" in found.problem
