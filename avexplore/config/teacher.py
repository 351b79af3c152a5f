"""What gives the soft labels: a teacher trained here, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from avexplore.config.base import Config, location, setting, within
from avexplore.config.data import DataConfig


@dataclass(frozen=True)
class TeacherConfig(Config):
    """A two-branch network trained with AV-SAL; `members` of them vote with their mean logits."""

    stage: ClassVar[str] = "teacher"
    data: DataConfig = setting(help="The clips to learn from.")
    head: Literal["probability", "independent", "score"] = setting(
        "probability",
        help="Classes compete (probability), stand alone (independent) or are regressed to one-hot (score).",
    )
    alignment: Literal["kl", "js"] = setting(
        "kl", help="Distance between the two modalities' distributions: symmetric KL or Jensen-Shannon."
    )
    alpha: float = within(0.0, 100.0, 0.5, label="Alignment weight (alpha)", help="Weight of the alignment term.")
    temperature: float = within(
        0.0, 100.0, 1.0, help="Softens both distributions in the alignment term.", open_low=True
    )
    label_smoothing: float = within(0.0, 0.9, 0.1, help="Share of the label's probability spread over all classes.")
    members: int = within(
        1,
        20,
        3,
        label="Ensemble members",
        help="Networks whose mean logits are the soft labels; more are steadier and slower.",
    )
    calibration: Literal["none", "temperature", "platt"] = setting(
        "temperature", help="Fitted on validation clips, so that a probability means what it says."
    )
    inputs: Literal["whitened", "standardized"] = setting(
        "whitened",
        help=(
            "Features as the network sees them: principal components of unit variance, or each feature on its "
            "own scale."
        ),
    )
    components: int = within(
        1, 8192, 256, help="At most so many principal components of each modality, with whitened inputs."
    )
    hidden: int = within(8, 8192, 512, label="Hidden units", help="Units of the hidden layer of each branch.")
    dim: int = within(2, 4096, 128, help="Units of the layer below the class head.")
    input_dropout: float = within(0.0, 0.95, 0.3, help="Share of the input features left out at random while training.")
    dropout: float = within(0.0, 0.95, 0.5, help="Share of the hidden units left out at random while training.")
    epochs: int = within(1, 100_000, 30, help="Passes over the training clips.")
    batch_size: int = within(2, 65_536, 256, help="Clips per step.")
    learning_rate: float = within(0.0, 1.0, 1e-3, help="Step size of AdamW at its highest.", open_low=True)
    weight_decay: float = within(0.0, 10.0, 1e-2, help="AdamW's pull of the weights towards zero.")
    seed: int = within(0, 2**31 - 1, 0, help="Draws initial weights and batches.")


SoftLabelWord = Literal[
    "logits",
    "independent-logits",
    "probabilities",
    "independent-probabilities",
    "log-probabilities",
    "scores",
    "percentages",
    "votes",
    "cosines",
    "labels",
]
"""What can be said of the numbers in a file of soft labels."""


@dataclass(frozen=True)
class SoftLabelFileConfig(Config):
    """Soft labels that somebody else's teacher computed (npz with `audio` and `visual`)."""

    stage: ClassVar[str] = "soft_labels"
    fingerprint: str
    path: str = location("")
    training_rows: int = within(
        0,
        10**9,
        0,
        help=(
            "The first so many rows are training clips; 0 takes the file's `split`, else all rows (and the "
            "app says so)."
        ),
    )
    class_names: tuple[str, ...] = setting((), help="Names of the classes, where the file holds none.")
    kind: Literal["auto", SoftLabelWord] = setting(
        "auto", help="What the values are; `auto` takes the word of the file."
    )


SoftLabelSource = TeacherConfig | SoftLabelFileConfig
