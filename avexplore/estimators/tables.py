"""What both estimators have in common: arrays and pandas tables as they come, and the class graph in other forms."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from avexplore.artifacts import ClassGraph, FloatArray, GraphStability
from avexplore.errors import DataError


def fingerprint(*arrays: Any) -> str:
    """Of the content of arrays: what stands for the file of data that were handed over as they are."""
    digest = hashlib.sha256()
    for array in arrays:
        values = np.ascontiguousarray(array)
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def like_input(values: FloatArray, given: Any, prefix: str) -> Any:
    """Rows as a pandas table with the input's index, if that was one; else as they are."""
    if not hasattr(given, "index") or not hasattr(given, "columns"):
        return values
    import pandas as pd

    return pd.DataFrame(values, index=given.index, columns=[f"{prefix}{k}" for k in range(values.shape[1])])


class HasClassGraph:
    """The class graph of a fitted estimator, for other libraries."""

    graph_: ClassGraph | None
    stability_: GraphStability | None

    def to_pandas(self) -> Any:
        """The class graph's edges as a pandas table; see `avexplore.analysis.run_tables.edge_table`."""
        import pandas as pd

        from avexplore.analysis.run_tables import edge_table

        return pd.DataFrame(dict(edge_table(self._graph(), self.stability_)))

    def to_networkx(self) -> Any:
        """The class graph as a networkx.DiGraph; see `avexplore.graph.exchange.to_networkx`."""
        from avexplore.graph.exchange import to_networkx

        return to_networkx(self._graph(), self.stability_)

    def to_causal_learn(self) -> Any:
        """The class graph as a causal-learn GeneralGraph; see `avexplore.graph.exchange.to_causal_learn`."""
        from avexplore.graph.exchange import to_causal_learn

        return to_causal_learn(self._graph())

    def _graph(self) -> ClassGraph:
        check_is_fitted(self, "graph_")
        if self.graph_ is None:
            raise DataError("A student without LIR has no class graph", where="lir")
        return self.graph_
