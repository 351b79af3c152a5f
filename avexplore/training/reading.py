"""A student read anew: which share of the embedding its class posteriors get, and how sharp they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avexplore.artifacts import Clips, NetworkOutputs, Reading
from avexplore.config import ReadingConfig
from avexplore.nets.linked_posteriors import LinkedPosteriors
from avexplore.training.selection import mean_average_precision
from avexplore.training.student import read_outputs

SHARES = (0.0, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
TEMPERATURES = (0.2, 0.35, 0.5, 0.7, 1.0)


def read_student(
    clips: Clips,
    outputs: NetworkOutputs,
    config: ReadingConfig,
    weights: Mapping[str, NDArray[Any]],
    links: LinkedPosteriors | None = None,
) -> Reading:
    """Put a stored student's embedding together anew. Nothing is trained.

    With `choose`, the share and the temperature are those of `SHARES` and `TEMPERATURES`, or the student's own, that
    give the highest MAP on validation clips: what a table has to grant every arm before it compares them, since the
    best share of one loss is not the best of another [ours].

    Args:
        clips: Labels and splits.
        outputs: What the student's network says of these clips.
        config: What to choose.
        weights: The student's, for its own links.
        links: Through which the class posteriors are read; None keeps the student's own, if it has any.
    """
    student = config.student
    own = student.posterior_share, student.posterior_temperature
    linked = links or LinkedPosteriors.from_arrays(weights)
    rows = clips.rows("validation")
    (share, temperature), figure = own, math.nan
    if len(rows):
        labels = torch.from_numpy(clips.hard_label[rows].astype(np.int64))
        tried = [own, *itertools.product(SHARES, TEMPERATURES)] if config.choose else [own]
        figures = _maps(outputs.at(rows), labels, config, tried, linked)
        best = max(range(len(tried)), key=figures.__getitem__)  # of equals the first, which is the student's own
        (share, temperature), figure = tried[best], figures[best]
    chosen = student.replace(posterior_share=share, posterior_temperature=temperature)
    return Reading(read_outputs(outputs, chosen, linked), share, temperature, figure)


def _maps(
    outputs: NetworkOutputs,
    labels: Tensor,
    config: ReadingConfig,
    tried: list[tuple[float, float]],
    linked: LinkedPosteriors | None,
) -> list[float]:
    """MAP, mean of both directions, of each share and temperature: cosines of both parts once, then their mixtures."""
    same = labels[:, None] == labels[None, :]
    metric = torch.from_numpy(outputs.audio @ outputs.visual.T)
    posterior: dict[float, Tensor] = {}
    found = []
    for share, temperature in tried:
        if share and temperature not in posterior:
            half = config.student.replace(posterior_share=0.5, posterior_temperature=temperature)
            audio, visual = read_outputs(outputs, half, linked).shared
            posterior[temperature] = 2 * torch.from_numpy(audio @ visual.T) - metric
        mixed = metric if share == 0 else (1 - share) * metric + share * posterior[temperature]
        both = mean_average_precision(mixed, same) + mean_average_precision(mixed.T, same)
        found.append(float(both) / 2)
    return found
