"""The pages of the app, in the order of the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avexplore.folders import app_folder


@dataclass(frozen=True)
class PageInfo:
    """One entry of the navigation."""

    name: str
    title: str
    section: str
    question: str
    """What the page answers, in one sentence."""
    shows: Literal["stored", "settings", "neither"] = "stored"
    """Whether the page shows the run as it is stored, or as the visitor's settings would make it."""
    draws_bar: bool = False
    """Whether the page draws the bar of settings itself, within its fragment."""

    @property
    def is_here(self) -> bool:
        """Whether this installation has the page."""
        return (app_folder() / self.file).exists()

    @property
    def file(self) -> str:
        """Path from the folder of `app.py`."""
        return f"pages/{self.name}.py"


PAGES = (
    PageInfo("overview", "Overview", "", "What is in this run, and what came out of it?"),
    PageInfo("tune", "Tune", "", "What does a setting do to retrieval?", "settings", True),
    PageInfo("story", "Story", "", "One clip, followed from a missing label to a better ranking."),
    PageInfo(
        "soft_labels", "Soft labels", "Explore", "What does the teacher hear and see that nobody annotated?", "neither"
    ),
    PageInfo(
        "class_graph",
        "Class graph",
        "Explore",
        "Which classes depend on which, and how sure is that?",
        "settings",
        True,
    ),
    PageInfo(
        "embedding_space",
        "Embedding space",
        "Compare",
        "What moves when LIR is switched on, or from one run to another?",
    ),
    PageInfo(
        "retrieval", "Retrieval", "Compare", "Which answers does a clip get, before and after LIR, or by two runs?"
    ),
    PageInfo("evaluation", "Evaluation", "Compare", "Does it help, by how much, and for which classes?"),
    PageInfo("experiments", "Experiments", "Compare", "Does the graph help, or would any regularizer?", "stored"),
    PageInfo("compare", "Compare runs", "Compare", "What differs between two runs, and what came of it?"),
    PageInfo("training", "Training", "Make", "Train a teacher, a student and its twin on your data.", "settings"),
)


def named(name: str) -> PageInfo | None:
    """The page of a name."""
    return next((page for page in PAGES if page.name == name), None)
