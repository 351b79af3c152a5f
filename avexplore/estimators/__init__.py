"""The method as scikit-learn estimators: thin faces of the stages, for arrays and pandas tables.

The same settings and seed give the same result as the command line and the workbench.
"""

from avexplore.estimators.class_graph import ClassGraphSearch
from avexplore.estimators.student import LatentInteractionStudent

__all__ = ["ClassGraphSearch", "LatentInteractionStudent"]
