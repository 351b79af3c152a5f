"""Training: one visible loop; the teacher, the student, its twin and their common prefix; baselines."""

from avexplore.training.baselines import baseline_embeddings
from avexplore.training.student import embed, train_prefix, train_student
from avexplore.training.teacher import teach, train_teacher

__all__ = ["baseline_embeddings", "embed", "teach", "train_prefix", "train_student", "train_teacher"]
