"""Maps of an embedding before and after LIR, and how far to trust them.

>>> from avexplore.projection import project
"""

from avexplore.projection.maps import LAID_OUT, MAX_CLIPS, project, project_pca
from avexplore.projection.quality import (
    class_drift,
    nearest,
    neighbor_drift,
    neighbor_table,
    point_trustworthiness,
    procrustes_disparity,
    stack_modalities,
    trustworthiness,
)

__all__ = [
    "LAID_OUT",
    "MAX_CLIPS",
    "class_drift",
    "nearest",
    "neighbor_drift",
    "neighbor_table",
    "point_trustworthiness",
    "procrustes_disparity",
    "project",
    "project_pca",
    "stack_modalities",
    "trustworthiness",
]
