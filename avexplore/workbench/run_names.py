"""What a run is called by its data and parameters: of itself, so that it keeps its name when others appear."""

from __future__ import annotations

from dataclasses import fields

from avexplore.config import (
    Config,
    KnowledgeConfig,
    StudentConfig,
    SyntheticConfig,
    TeacherConfig,
    label_of,
    upstream,
    value_in_words,
    within_sentence,
)
from avexplore.config.presets import PRESETS, preset, preset_of

MOST = 3
"""So many parameters are named; more would be a list, and the page that compares runs has that."""


def run_name(data: str, student: StudentConfig) -> str:
    """A name for a run.

    Args:
        data: What its data are called.
        student: With LIR.

    >>> student = preset("quick", SyntheticConfig())
    >>> run_name("Mine", student)
    'Mine: quick, seed 0'
    >>> graph = student.regularizer.affinity.replace(top_k=3)
    >>> run_name("Mine", student.replace(margin=0.3, regularizer=student.regularizer.replace(affinity=graph, weight=3)))
    'Mine: quick, margin 0.3, LIR weight (lambda) 3, edges kept per node (top-K) 3, seed 0'
    """
    near, changes = _nearest(student)
    named = changes[:MOST] + [f"{len(changes) - MOST} more changes"] * (len(changes) > MOST)
    made_up = []
    if isinstance(student.data, SyntheticConfig):  # its name says how many classes it has
        made_up = _differences(SyntheticConfig(classes=student.data.classes), student.data)
    return f"{data}: {', '.join([*made_up, near, *named, f'seed {student.seed}'])}"


def recipe(student: StudentConfig) -> str:
    """The preset that a student follows, or comes from; else how long it is trained.

    >>> from avexplore.config.presets import preset
    >>> quick = preset("quick", SyntheticConfig())
    >>> recipe(quick), recipe(quick.replace(margin=0.3)), recipe(quick.replace(epochs=50))
    ('Quick', 'Quick, changed', '50 epochs')
    """
    if name := preset_of(student):
        return name.capitalize()
    near = next((name for name, numbers in PRESETS.items() if numbers.epochs == student.epochs), None)
    return f"{near.capitalize()}, changed" if near else f"{student.epochs:,} epochs"


def _nearest(student: StudentConfig) -> tuple[str, list[str]]:
    """The preset with the fewest differences, and these in words."""
    found = {name: _differences(preset(name, student.data, student.seed), student) for name in PRESETS}
    near = min(found, key=lambda name: len(found[name]))
    return near, found[near]


def _differences(one: Config, other: Config) -> list[str]:
    theirs = {part.stage: part for part in upstream(other)}
    found = []
    for part in (part for part in upstream(one) if part.stage in theirs):
        for f in fields(part):
            ours, value = getattr(part, f.name), getattr(theirs[part.stage], f.name)
            if ours == value or isinstance(ours, Config) or isinstance(value, Config):
                continue
            if isinstance(part, KnowledgeConfig):
                found.append(f"{len(value)} {f.name.replace('_', ' ')}")
            else:
                label = within_sentence(label_of(type(part), f.name))
                label = f"teacher: {label}" if isinstance(part, TeacherConfig) else label
                found.append(f"{label} {value_in_words(type(part), f.name, value)}")
    return found
