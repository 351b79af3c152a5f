"""Training: one visible loop; the teacher, the student, its twin and their common prefix; baselines."""

from avexplore.training.baselines import baseline_embeddings
from avexplore.training.reading import read_student
from avexplore.training.student import (
    embed,
    linked_posteriors,
    network_outputs,
    read_outputs,
    teacher_associations,
    train_prefix,
    train_student,
)
from avexplore.training.teacher import teach, train_teacher

__all__ = [
    "baseline_embeddings",
    "embed",
    "linked_posteriors",
    "network_outputs",
    "read_outputs",
    "read_student",
    "teach",
    "teacher_associations",
    "train_prefix",
    "train_student",
    "train_teacher",
]
