"""Maps that follow a setting: as stored without one, the same each time, and near the neighbors they show."""

from __future__ import annotations

import numpy as np
import pytest
from tuned_run import Tiny

from avexplore.config import ProjectionConfig, override
from avexplore.projection.quality import neighbor_table, stack_modalities, trustworthiness
from avexplore.tuning.live_maps import LiveMaps, near_table
from avexplore.tuning.reading import Reading, read
from avexplore.tuning.tuning import network_outputs


@pytest.fixture(scope="module")
def maps(tiny: Tiny) -> LiveMaps:
    found = LiveMaps(tiny.bench, tiny.run)
    found.prepare()
    assert found.is_ready
    return found


def reading(tiny: Tiny, strength: float | None) -> Reading:
    changes = {} if strength is None else {"regularizer": {"posterior_links": strength}}
    outputs = network_outputs(tiny.bench, tiny.student)
    assert outputs is not None
    return read(tiny.run, override(tiny.student, changes), outputs, tiny.run.stability)


def test_the_stored_setting_has_the_stored_maps_to_the_bit(tiny: Tiny, maps: LiveMaps) -> None:
    stored = tiny.bench.get(ProjectionConfig(tiny.student.twin, tiny.student))
    found = maps.look(reading(tiny, None))
    assert found is not None
    assert found.is_stored
    assert np.array_equal(found.before, stored.before)
    assert np.array_equal(found.after, stored.after)


def test_a_setting_has_one_map_whatever_came_before(tiny: Tiny, maps: LiveMaps) -> None:
    first = maps.look(reading(tiny, 0.6))
    other = maps.look(reading(tiny, 0.9))
    fresh = LiveMaps(tiny.bench, tiny.run)
    early = fresh.look(reading(tiny, 0.6))
    assert early is not None
    assert not early.is_final
    fresh.prepare()
    again = fresh.look(reading(tiny, 0.6))
    assert first is not None
    assert other is not None
    assert again is not None
    assert np.array_equal(first.after, again.after)
    assert np.array_equal(first.before, other.before)
    assert not np.array_equal(first.after, other.after)


def test_equal_embeddings_have_equal_maps(tiny: Tiny, maps: LiveMaps) -> None:
    import dataclasses

    twin = dataclasses.replace(reading(tiny, 0.6), embeddings=tiny.run.before, bootstraps=999)
    found = maps.look(twin)
    assert found is not None
    assert np.array_equal(found.before, found.after)


def test_maps_are_trusted_about_as_the_stored_ones(tiny: Tiny, maps: LiveMaps) -> None:
    changed = reading(tiny, 0.5)
    found = maps.look(changed)
    assert found is not None
    points = stack_modalities(changed.embeddings, found.places)
    live = trustworthiness(points, found.after, 10)
    stored = trustworthiness(stack_modalities(tiny.run.after, found.places), maps.look(reading(tiny, None)).after, 10)  # type: ignore[union-attr]
    assert live > stored - 0.03


def test_near_table_finds_what_scikit_learn_finds() -> None:
    points = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    ours, theirs = near_table(points, 15), neighbor_table(points, 15)
    assert np.array_equal(ours[0], theirs[0])
    assert np.allclose(ours[1], theirs[1], atol=1e-3)
