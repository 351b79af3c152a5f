"""Which axis of an array holds the features of a clip, and which are time and space."""

from __future__ import annotations

from avexplore.errors import DataError

USUAL_WIDTHS = frozenset({64, 128, 256, 384, 512, 527, 640, 768, 1024, 1280, 1536, 2048, 3072, 4096})
"""Of embeddings that pretrained networks give."""


def feature_axis(shape: tuple[int, ...], where: str) -> int:
    """The axis that is kept; the others, but the first, are averaged over.

    It is the last one, as in (clips, seconds, features) and (clips, seconds, rows, columns, features), unless the last
    two are equal, as in (clips, channels, rows, columns): then those are rows and columns, and the largest other one
    is kept; or unless the last one is no usual width of an embedding and exactly one other is.

    Raises:
        DataError: If all axes are alike, so that nothing tells them apart.

    >>> feature_axis((40, 10, 128), "x"), feature_axis((40, 10, 7, 7, 512), "x"), feature_axis((40, 512, 7, 7), "x")
    (2, 4, 1)
    >>> feature_axis((40, 1024, 10), "x"), feature_axis((40, 10, 512, 7, 7), "x"), feature_axis((40, 10, 6), "x")
    (1, 2, 2)
    """
    last = len(shape) - 1
    if last < 2:
        return last
    inner = list(range(1, last + 1))
    if len(inner) > 2 and len({shape[axis] for axis in inner}) == 1:
        raise DataError(
            f"Nothing tells features from time and space in shape {shape}",
            where=where,
            fix="Average them yourself, and store (clips, features)",
        )
    if len(inner) > 2 and shape[last] == shape[last - 1]:
        return max(inner[:-2], key=lambda axis: shape[axis])
    usual = [axis for axis in inner if shape[axis] in USUAL_WIDTHS]
    if last not in usual and len(usual) == 1 and shape[usual[0]] > shape[last]:
        return usual[0]
    return last
