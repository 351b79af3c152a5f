"""Ranking, measures and significance."""

from avexplore.retrieval.evaluation import evaluate, mean_average_precision, retrieval_map
from avexplore.retrieval.metrics import average_precision, map_over_cutoffs, precision_at_scope
from avexplore.retrieval.ranking import LARGE, Ranking, VectorIndex, faiss_installed, rank

__all__ = [
    "LARGE",
    "Ranking",
    "VectorIndex",
    "average_precision",
    "evaluate",
    "faiss_installed",
    "map_over_cutoffs",
    "mean_average_precision",
    "precision_at_scope",
    "rank",
    "retrieval_map",
]
