"""Places for classes on a stage: groups that stand apart, linked groups side by side, names that never touch.

The way there: (1) communities of the strongest class pairs (`groups`); (2) the stage is cut in two along the Fiedler
order of the groups, again and again, so that linked groups adjoin and no room is lost; (3) each group is laid out by
stress, turned to suit its cell, and pushed apart until no two names touch; cells that are too small for their names get
more; (4) groups are mirrored and members moved as long as that saves crossings and edges over names (`tidying`). All of
it is deterministic, and depends on the weights alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avexplore.artifacts import FloatArray, IntArray
from avexplore.graph.layout.geometry import choose_bends, crossings, extent, hits, overlaps
from avexplore.graph.layout.groups import communities, group_name, strongest
from avexplore.graph.layout.name_boxes import FONT, boxes, radii, text_width
from avexplore.graph.layout.stress import fiedler, push_apart, stress
from avexplore.graph.layout.tidying import Tidying

STAGE = (1000.0, 640.0)
"""Width and height of a stage of the shape that most screens leave."""
PER_CLASS = 2.5
"""So many of the strongest pairs per class decide where classes stand."""
PAD, TITLE, SMALL_PAD, SMALL_TITLE = 16.0, 32.0, 7.0, 15.0
"""Between a group's cell and its members, and above them for its name; and the same where there are many groups."""
CROWD = 20
"""From so many cells on, pads are small and fewer rounds are spent."""
CLEAR = 14.0
"""Between two names of a group at first, so that an arrow between neighbors has a shaft."""
LARGEST_SCALE = 1.25
MANY = 100
"""From so many classes on, one round of small moves has to do."""


@dataclass(frozen=True)
class GroupTitle:
    """The name of a group: its full text, what fits above its members, and the box for that on the stage."""

    full: str
    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class ClassLayout:
    """Where C classes stand on a stage, in its pixels, y downwards.

    Attributes:
        stage: Width and height.
        place: Middles of the signs. Shape (C, 2).
        scale: Letters have the size `FONT * scale`.
        radius: Half the height of each sign. Shape (C,).
        boxes: Left, top, right, bottom of sign and name around `place`. Shape (C, 4).
        named: Number of each class's named group; -1 for classes linked to nothing. Shape (C,).
        part: Number of the part of it that is laid out together. Shape (C,).
        titles: Names of the named groups; of a group of one, "".
    """

    stage: tuple[float, float]
    place: FloatArray
    scale: float
    radius: FloatArray
    boxes: FloatArray
    named: IntArray
    part: IntArray
    titles: tuple[GroupTitle, ...]
    _bends: dict[tuple[int, int], float] = field(default_factory=dict, compare=False, repr=False)

    @property
    def font(self) -> float:
        """Size of the letters of a class name."""
        return FONT * self.scale

    def bends(self, ends: IntArray) -> FloatArray:
        """How far each edge swings aside: the same for a pair of classes whatever else is drawn. Shape (k,).

        Args:
            ends: Numbers of two classes each. Shape (k, 2).
        """
        pairs = [(int(min(pair)), int(max(pair))) for pair in ends]
        new = sorted(set(pairs) - self._bends.keys())
        found = choose_bends(self.place, self.boxes, np.array(new, int).reshape(-1, 2))
        self._bends.update(zip(new, found.tolist(), strict=True))
        signs = np.where(ends[:, 0] <= ends[:, 1], 1.0, -1.0)
        bent: FloatArray = signs * np.array([self._bends[pair] for pair in pairs])
        return bent


def lay_out(
    weights: FloatArray,
    names: Sequence[str],
    support: IntArray | None = None,
    stage: tuple[float, float] = STAGE,
) -> ClassLayout:
    """Places of C classes.

    Args:
        weights: How much each pair of classes belongs together, symmetric, >= 0, zero on the diagonal. Shape (C, C).
        names: Of the classes.
        support: Clips of each class, for the size of its sign. Shape (C,).
        stage: Width and height to fill. Another size is another layout, not the same one shrunk.
    """
    count = len(names)
    radius = radii(support, count)
    box = boxes(names, radius)
    if not count:
        empty = np.zeros(0, int)
        return ClassLayout(stage, np.zeros((0, 2)), 1.0, radius, box, empty, empty, ())
    weights = strongest(weights, PER_CLASS)
    named, part = communities(weights)
    cells = _Cells(weights, named, part, box, stage)
    scale, rooms, inner = cells.fit()
    box = box * scale
    place = np.zeros((count, 2))
    for members, x, room in zip(cells.members, inner, rooms, strict=True):
        place[members] = _fill(x * scale, box[members], room)
    tidy = Tidying(place, weights, box)
    for _ in range(3 if count <= MANY else 1):
        _mirror(place, weights, box, cells.members, rooms)
        for members, room in zip(cells.members, rooms, strict=True):
            before = place[members]
            tidy.exchange(members)
            # Names of other lengths may now touch; where they no longer fit, all is as before.
            apart = _fill(push_apart(place[members], box[members], 3.0), box[members], room)
            place[members] = apart if _fits(apart, box[members], room) else before
        for members, room in zip(cells.members, rooms, strict=True):
            tidy.relocate(members, room)
            place[members] = _fill(place[members], box[members], room)
    titles = _titles(names, weights, named, cells, rooms, place, box)
    return ClassLayout(stage, place, scale, radius * scale, box, named, part, titles)


class _Cells:
    """The parts that are laid out together, one cell of the stage each."""

    def __init__(
        self, weights: FloatArray, named: IntArray, part: IntArray, box: FloatArray, stage: tuple[float, float]
    ) -> None:
        self.weights, self.box, self.stage = weights, box, stage
        self.members = [np.flatnonzero(part == g) for g in range(part.max() + 1)]
        parent = [int(named[m[0]]) for m in self.members]
        if (part < 0).any():  # linked to nothing: in a corner of their own
            self.members.append(np.flatnonzero(part < 0))
            parent.append(max(parent, default=-1) + 1)
        self.parent = np.array(parent)
        self.crowd = len(self.members) > CROWD
        pad, title = (SMALL_PAD, SMALL_TITLE) if self.crowd else (PAD, TITLE)
        share = float(np.clip(np.sqrt(stage[0] * stage[1] / (STAGE[0] * STAGE[1])), 0.5, 1.0))
        self.pad, self.title = pad * share, title * share

    def fit(self) -> tuple[float, FloatArray, list[FloatArray]]:
        """Scale of the letters, rooms (left, top, right, bottom), and places within them before scaling.

        Cells become as large as their names need: what a group lacks it gets in the next round.
        """
        members, box, weights = self.members, self.box, self.weights
        between = np.array([[weights[np.ix_(a, b)].sum() for b in members] for a in members])
        area = np.array([np.prod(box[m, 2:] - box[m, :2], axis=1).sum() for m in members]) * 1.5
        bases = [stress(weights[np.ix_(m, m)]) for m in members]
        best: tuple[float, FloatArray, list[FloatArray]] | None = None
        for _ in range(4 if self.crowd else 6):
            cells = tile(between, area, self.parent, (0.0, 0.0, *self.stage))
            rooms = cells[:, [0, 1, 0, 1]] + np.array([self.pad, self.title, self.pad, self.title])
            rooms[:, 2:] += np.maximum(cells[:, 2:] - [2 * self.pad, self.title + self.pad], 12.0)
            inner = [
                _inside(base, weights[np.ix_(m, m)], box[m], (room[2] - room[0]) / max(room[3] - room[1], 1))
                for base, m, room in zip(bases, members, rooms, strict=True)
            ]
            spans = [extent(x, box[m]) for x, m in zip(inner, members, strict=True)]
            need = np.array([span[2:] - span[:2] for span in spans])
            fit = ((rooms[:, 2:] - rooms[:, :2]) / need).min(axis=1)
            if best is None or best[0] < fit.min():
                best = float(fit.min()), rooms, inner
            area = area * np.clip(np.median(fit) / np.maximum(fit, 1e-3), 0.6, 1.7) ** 1.2
        assert best is not None
        return min(best[0], LARGEST_SCALE), best[1], best[2]


def tile(between: FloatArray, area: FloatArray, parent: IntArray, stage: tuple[float, ...]) -> FloatArray:
    """Cut a stage in two, again and again, so that linked groups fall on the same side.

    Args:
        between: How much each two groups are linked. Shape (g, g).
        area: How much room each wants. Shape (g,).
        parent: Groups of one parent stay together. Shape (g,).
        stage: Left, top, width, height.

    Returns:
        Left, top, width, height of each group's cell. Shape (g, 4).
    """
    cells = np.zeros((len(area), 4))

    def cut(keys: list[IntArray], rect: tuple[float, ...]) -> None:
        x, y, width, height = rect
        if len(keys) == 1:
            parts = [np.array([k]) for k in keys[0]]
            if len(parts) == 1:
                cells[keys[0][0]] = rect
            else:
                cut(parts, rect)
            return
        link = np.array([[between[np.ix_(a, b)].sum() for b in keys] for a in keys])
        np.fill_diagonal(link, 0)
        order = np.argsort(fiedler(link + 1e-6), kind="stable")
        size = np.array([area[keys[k]].sum() for k in order])
        share = np.cumsum(size)[:-1] / size.sum()
        at = int(np.argmin(np.abs(share - 0.5))) + 1
        first, second, some = [keys[k] for k in order[:at]], [keys[k] for k in order[at:]], float(share[at - 1])
        if width > 1.25 * height:
            cut(first, (x, y, width * some, height))
            cut(second, (x + width * some, y, width * (1 - some), height))
        else:
            cut(first, (x, y, width, height * some))
            cut(second, (x, y + height * some, width, height * (1 - some)))

    cut([np.flatnonzero(parent == p) for p in np.unique(parent)], stage)
    return cells


def _inside(base: FloatArray, weights: FloatArray, box: FloatArray, aspect: float) -> FloatArray:
    """One group: stress, turned so that it suits a room of this aspect, pushed apart. Shape (n, 2)."""
    size, aspect = (box[:, 2:] - box[:, :2]).mean(axis=0), max(aspect, 0.2)
    if not weights.any():  # nothing to be near to: rows
        columns = int(np.clip(round(np.sqrt(len(weights) * aspect * size[1] / size[0])), 1, len(weights)))
        grid = np.array([[k % columns, k // columns] for k in range(len(weights))])
        return push_apart(grid * size, box, CLEAR)
    ends = np.argwhere(np.triu(weights, 1) > 0)
    base = base / max(base.std(), 1e-9)
    best, cheapest = base, np.inf
    for turn in np.linspace(0, np.pi, 6, endpoint=False):
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        x = base @ spin / np.maximum((base @ spin).std(axis=0), 0.25)
        x = x * np.sqrt(len(weights)) * size * 0.33 * [np.sqrt(aspect / 1.6), np.sqrt(1.6 / aspect)]
        x = push_apart(x, box, CLEAR)
        span = extent(x, box)
        wide, high = span[2:] - span[:2]
        untidy = crossings(x[ends], x[ends]).sum() / 2 + hits(x, ends, box).sum()
        cost = max(wide / aspect, high) + 0.35 * size.mean() * untidy
        if cost < cheapest:
            best, cheapest = x, cost
    return best


def _fill(x: FloatArray, box: FloatArray, room: FloatArray) -> FloatArray:
    """Stretch places into their room, which parts names and never brings them together. Shape (n, 2)."""
    x = x.copy()
    for axis in (0, 1):
        low, high = x[:, axis] + box[:, axis], x[:, axis] + box[:, axis + 2]
        free = (room[axis + 2] - room[axis]) - (high.max() - low.min())
        spread = max(float(np.ptp(x[:, axis])), 1e-9)
        stretch = 1 + min(max(float(free), 0) / spread, 0.8) if len(x) > 1 else 1.0
        x[:, axis] = (x[:, axis] - x[:, axis].mean()) * stretch
        low, high = (x[:, axis] + box[:, axis]).min(), (x[:, axis] + box[:, axis + 2]).max()
        x[:, axis] += (room[axis] + room[axis + 2] - low - high) / 2
    return x


def _fits(x: FloatArray, box: FloatArray, room: FloatArray) -> bool:
    span = extent(x, box)
    return bool((span[:2] >= room[:2] - 1).all() and (span[2:] <= room[2:] + 1).all() and overlaps(x, box) == 0)


def _mirror(
    place: FloatArray, weights: FloatArray, box: FloatArray, members: Sequence[IntArray], rooms: FloatArray
) -> None:
    """Turn each group left-right or upside-down within its room, if links to other groups get shorter; in place."""
    for m, room in zip(members, rooms, strict=True):
        rest = np.setdiff1d(np.arange(len(weights)), m)
        best, shortest = place[m], np.inf
        for flip in itertools.product((1, -1), (1, -1)):
            x = place[m]
            if flip != (1, 1):
                x = _fill(push_apart(place[m] * flip, box[m], 3.0), box[m], room)
                if not _fits(x, box[m], room):
                    continue
            length = (weights[np.ix_(m, rest)] * np.linalg.norm(x[:, None] - place[rest][None], axis=2)).sum()
            if length < shortest - 1e-6:
                best, shortest = x, float(length)
        place[m] = best


def _titles(
    names: Sequence[str],
    weights: FloatArray,
    named: IntArray,
    cells: _Cells,
    rooms: FloatArray,
    place: FloatArray,
    box: FloatArray,
) -> tuple[GroupTitle, ...]:
    """Names of the groups, right above the topmost cell of each and within its width."""
    found = []
    for group in range(named.max() + 1):
        height = 0.66 * cells.title
        everyone = np.flatnonzero(named == group)
        if len(everyone) < 2:
            found.append(GroupTitle("", "", (0.0, 0.0, 0.0, 0.0)))
            continue
        mine = [k for k, members in enumerate(cells.members) if named[members[0]] == group]
        top = min(mine, key=lambda k: (rooms[k, 1], -len(cells.members[k])))
        left, right = float(rooms[top, 0]) - 0.7 * cells.pad, float(rooms[top, 2]) + 0.7 * cells.pad
        members = cells.members[top]
        bottom = float((place[members, 1] + box[members, 1]).min()) - 0.35 * cells.pad
        said = group_name(names, weights, everyone, (right - left) / height)
        if said.endswith("…"):  # smaller letters before fewer
            height *= 0.75
            said = group_name(names, weights, everyone, (right - left) / height)
        # In the middle of what it names, as far as its cell allows.
        span = extent(place[members], box[members])
        half = min(text_width(said) * height / 2, (right - left) / 2)
        middle = float(np.clip((span[0] + span[2]) / 2, left + half, right - half))
        full = group_name(names, weights, everyone)
        found.append(GroupTitle(full, said, (middle - half, bottom - height, middle + half, bottom)))
    return tuple(found)
