"""umap-learn, with all that it compiles kept on disk.

It keeps most of its functions in numba's cache, but not the three that every process needs which draws a map: most of
the CPU time of a first pair of maps (`python -m benchmarks.projection --cold`).
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that Tensorflow is absent, which nothing here needs
    import umap.layouts
    import umap.umap_
    from umap import UMAP

__all__ = ["UMAP"]

_LEFT_OUT = (
    (umap.umap_, "smooth_knn_dist"),
    (umap.umap_, "compute_membership_strengths"),
    (umap.layouts, "_nb_optimize_layout_euclidean_single_epoch"),
)

for _module, _name in _LEFT_OUT:
    _function: Any = getattr(_module, _name, None)
    # Another version may have other functions; a folder that cannot be written keeps nothing.
    with contextlib.suppress(AttributeError, RuntimeError):
        _function.enable_caching()
