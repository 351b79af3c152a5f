"""What runs are called in a list: what tells them apart comes first, since a narrow list cuts off the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields

from avexplore.config import Config, StudentConfig, SyntheticConfig, upstream
from avexplore.config.presets import PRESETS, preset_of


def distinct_names(runs: Sequence[tuple[str, Config]]) -> list[str]:
    """A name for each run, no two alike.

    Args:
        runs: What is known of each: the name of its data, with the student; or a whole name, with what else it shows.

    >>> from avexplore.config.presets import preset
    >>> data = SyntheticConfig()
    >>> distinct_names([("Mine", preset("quick", data)), ("Yours", preset("quick", data))])
    ['Mine: LIR forgive by graph, seed 0', 'Yours: LIR forgive by graph, seed 0']
    >>> distinct_names([("Mine", preset("quick", data)), ("Mine", preset("tiny", data))])
    ['Quick: Mine, LIR forgive by graph, seed 0', 'Tiny: Mine, LIR forgive by graph, seed 0']
    """
    groups: dict[str, list[StudentConfig]] = {}
    for name, config in runs:
        if isinstance(config, StudentConfig):
            groups.setdefault(name, []).append(config)
    names = {}
    for data, students in groups.items():
        for student, name in zip(students, _within(data, students), strict=True):
            names[data, student.address] = name
    found = [names.get((name, config.address), name) for name, config in runs]
    count = Counter(found)
    return [
        name if count[name] == 1 else f"{config.address[:6]}: {name}"
        for name, (_, config) in zip(found, runs, strict=True)
    ]


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


def _within(data: str, students: Sequence[StudentConfig]) -> list[str]:
    """Names of students on data of one name."""
    facts = [_facts(student) for student in students]
    telling = [name for name in facts[0] if len({each[name] for each in facts}) > 1]
    # What has no words of its own is named only where nothing else tells two runs apart.
    further = [_fields(student) for student in students]
    for name in further[0]:
        shown = {tuple(each[n] for n in telling) for each in facts}
        if len(shown) == len(students):
            break
        for each, more in zip(facts, further, strict=True):
            each[name] = more.get(name, "")
        if len({tuple(each[n] for n in (*telling, name)) for each in facts}) > len(shown):
            telling.append(name)
    usual = [name for name in ("lir", "seed") if name not in telling]
    names = []
    for each in facts:
        rest = ", ".join(each[name] for name in usual)
        first = ", ".join(each[name] for name in telling if each[name])
        names.append(f"{first}: {', '.join(filter(None, [data, rest]))}" if first else f"{data}: {rest}")
    return names


def _facts(student: StudentConfig) -> dict[str, str]:
    regularizer = student.regularizer
    assert regularizer is not None  # a run is a student with LIR
    clips = f"{student.data.clips:,} clips" if isinstance(student.data, SyntheticConfig) else ""
    return {
        "recipe": recipe(student),
        "clips": clips,
        "lir": f"LIR {regularizer.form} by {regularizer.affinity.source}",
        "seed": f"seed {student.seed}",
    }


def _fields(student: StudentConfig) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in upstream(student):
        for one in fields(part):
            value = getattr(part, one.name)
            if not isinstance(value, Config) and one.metadata.get("address") is not False:
                found.setdefault(f"{part.stage}.{one.name}", f"{part.stage} {one.name.replace('_', ' ')} {value}")
    return found
