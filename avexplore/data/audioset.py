"""Class names and how often they occur together, after AudioSet.

`audioset_statistics.csv` is a summary, made once from the labels of AudioSet's 2,084,320 clips: for a choice of
classes without their ancestors in the ontology, how many thousand clips carry the class, and which more frequent
classes join it with a probability of at least 0.05, rounded to two digits.

References:
    Gemmeke et al., Audio Set: An ontology and human-labeled dataset for audio events, ICASSP 2017; labels CC BY 4.0.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.errors import DataError


@cache
def statistics() -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Names of the K classes, thousand clips of each (K,), and P(column | row) where known, else 0 (K, K).

    A class is only joined by more frequent ones, so following the entries never leads back: the pairs form a DAG.
    """
    text = files("avexplore.data").joinpath("audioset_statistics.csv").read_text("utf-8")
    table = list(csv.DictReader(text.splitlines()))
    names = tuple(row["class"] for row in table)
    place = {name: i for i, name in enumerate(names)}
    clips = np.array([float(row["thousand_clips"]) for row in table])
    joint = np.zeros((len(names), len(names)))
    for row in table:
        for entry in filter(None, row["joined_by"].split("; ")):
            other, _, probability = entry.rpartition("=")
            joint[place[row["class"]], place[other]] = float(probability)
    return names, clips, joint


def sample_statistics(
    count: int, edges: int, rng: np.random.Generator
) -> tuple[tuple[str, ...], FloatArray, IntArray, IntArray, FloatArray]:
    """Choose classes that co-occur, and their strongest pairs.

    Starting from a random pair, the class most strongly tied to those chosen joins next (ties and strengths are
    shaken a little, so that seeds differ).

    Args:
        count: Classes to choose.
        edges: Pairs to keep at most; fewer if fewer of the pairs are real.
        rng: Draws the start.

    Returns:
        Names, share of clips (softened to the square root, so that rare classes can be learned), and source, target
        and P(target | source) of each pair.

    Raises:
        DataError: If more classes are asked for than the summary holds.
    """
    names, clips, joint = statistics()
    if count > len(names):
        raise DataError(
            f"The AudioSet summary holds {len(names)} classes, {count} were asked for",
            where="synthetic benchmark",
            fix=f"Use at most {len(names)} classes, or statistics 'random'",
        )
    shaken = (joint + joint.T) * rng.uniform(0.5, 1.0, joint.shape)
    rows, columns = np.nonzero(joint > 0.1)
    chosen = [int(rows[start := int(rng.integers(len(rows)))]), int(columns[start])][:count]
    while len(chosen) < count:
        tie = shaken[:, chosen].sum(axis=1) + 1e-6 * rng.random(len(names))
        tie[chosen] = -1
        chosen.append(int(tie.argmax()))
    picked = np.sort(np.array(chosen))
    part = joint[np.ix_(picked, picked)]
    source, target = np.nonzero(part)
    strongest = np.argsort(-part[source, target], kind="stable")[:edges]
    source, target = source[strongest], target[strongest]
    share = np.sqrt(clips[picked])
    return tuple(names[i] for i in picked), share / share.sum(), source, target, part[source, target]
