"""Arrays and pandas tables as estimators take them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from avexplore.artifacts import ClassGraph, FloatArray, GraphStability


def fingerprint(*arrays: Any) -> str:
    """Of the content of arrays: what stands for the file of data that were handed over as they are."""
    digest = hashlib.sha256()
    for array in arrays:
        values = np.ascontiguousarray(array)
        digest.update(f"{values.dtype.str}{values.shape}".encode() + values.tobytes())
    return digest.hexdigest()


def like_input(values: FloatArray, given: Any, prefix: str) -> Any:
    """Rows as a pandas table with the input's index, if that was one; else as they are."""
    if not hasattr(given, "index") or not hasattr(given, "columns"):
        return values
    import pandas as pd

    return pd.DataFrame(values, index=given.index, columns=[f"{prefix}{k}" for k in range(values.shape[1])])


def edge_frame(graph: ClassGraph, stability: GraphStability | None) -> Any:
    """The edges of a class graph as a pandas table."""
    import pandas as pd

    from avexplore.analysis.run_tables import edge_table

    return pd.DataFrame(dict(edge_table(graph, stability)))
