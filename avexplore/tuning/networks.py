"""Which network a setting needs: what acts in training is in its weights, everything else in how it is read."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from avexplore.artifacts import NetworkOutputs
from avexplore.config import OutputsConfig, StudentConfig
from avexplore.errors import ConfigError
from avexplore.tuning.settings import difference
from avexplore.workbench import Workbench


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
