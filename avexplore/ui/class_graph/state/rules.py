"""What the searcher must respect, as the reader edits it: commands from the picture, text in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from avexplore.config import KnowledgeConfig
from avexplore.drawing.class_graph.names import parse_id
from avexplore.errors import ConfigError

Pair = tuple[str, str]


def with_required(rules: KnowledgeConfig, source: str, target: str) -> KnowledgeConfig:
    """The rules with source -> target required, and nothing left that contradicts just that.

    >>> rules = KnowledgeConfig(forbidden=(("audio:A", "audio:B"),))
    >>> with_required(rules, "audio:A", "audio:B")
    KnowledgeConfig(required=(('audio:A', 'audio:B'),), forbidden=(), tiers=(), forbidden_blocks=())
    """
    wanted, opposite = (source, target), (target, source)
    return rules.replace(
        required=(*_without(rules.required, wanted, opposite), wanted),
        forbidden=_without(rules.forbidden, wanted),
    )


def with_forbidden(rules: KnowledgeConfig, *pairs: Pair) -> KnowledgeConfig:
    """The rules with each (source, target) forbidden and no longer required."""
    return rules.replace(
        required=_without(rules.required, *pairs), forbidden=(*_without(rules.forbidden, *pairs), *pairs)
    )


def without_rule(rules: KnowledgeConfig, one: str, other: str) -> KnowledgeConfig:
    """The rules without any on the pair of `one` and `other`."""
    both = (one, other), (other, one)
    return rules.replace(required=_without(rules.required, *both), forbidden=_without(rules.forbidden, *both))


def with_tier(rules: KnowledgeConfig, node: str, tier: int) -> KnowledgeConfig:
    """The rules with a node in a tier counted from 1, or in none for 0.

    >>> with_tier(KnowledgeConfig(), "audio:A", 2).tiers
    ((), ('audio:A',))
    """
    tiers = [tuple(name for name in members if name != node) for members in rules.tiers]
    if tier:
        tiers += [()] * (tier - len(tiers))
        tiers[tier - 1] = (*tiers[tier - 1], node)
    while tiers and not tiers[-1]:
        tiers.pop()
    return rules.replace(tiers=tuple(tiers))


def _without(pairs: tuple[Pair, ...], *gone: Pair) -> tuple[Pair, ...]:
    return tuple(pair for pair in pairs if pair not in gone)


def apply_command(rules: KnowledgeConfig, nodes: Sequence[str], command: Mapping[str, Any]) -> KnowledgeConfig:
    """The rules after a choice in the picture's right-click menu.

    Args:
        rules: As they were.
        nodes: Names of the nodes, in the picture's order.
        command: `kind` ("require", "forbid", "forbid-both", "free", "tier") with `source` and `target` or `tier`.

    Raises:
        ConfigError: If the command names a node that is not there.
    """
    kind = command.get("kind")
    source = _name(nodes, command.get("source"))
    if kind == "tier":
        return with_tier(rules, source, max(0, min(int(command.get("tier", 0)), 50)))
    target = _name(nodes, command.get("target"))
    if source == target:
        raise ConfigError("A class cannot depend on itself", where="rules")
    if kind == "require":
        return with_required(rules, source, target)
    if kind == "forbid":
        return with_forbidden(rules, (source, target))
    if kind == "forbid-both":
        return with_forbidden(rules, (source, target), (target, source))
    if kind == "free":
        return without_rule(rules, source, target)
    raise ConfigError(f"Unknown command {kind!r}", where="rules")


def _name(nodes: Sequence[str], identifier: Any) -> str:
    found = parse_id(str(identifier))
    if len(found) != 1 or found[0] >= len(nodes):
        raise ConfigError(f"There is no node {identifier!r}", where="rules")
    return nodes[found[0]]


def encode(rules: KnowledgeConfig, nodes: Sequence[str]) -> str:
    """The rules as short text for an address: node numbers instead of names.

    >>> nodes = ("audio:A", "audio:B", "visual:A", "visual:B")
    >>> rules = KnowledgeConfig((("audio:A", "visual:B"),), (("audio:B", "audio:A"),), (("audio:A",), ("visual:A",)))
    >>> encode(rules, nodes)
    'r0-3_f1-0_t1-0_t2-2'
    >>> decode(encode(rules, nodes), nodes) == rules
    True
    """
    number = {name: index for index, name in enumerate(nodes)}
    parts = [f"r{number[a]}-{number[b]}" for a, b in rules.required if a in number and b in number]
    parts += [f"f{number[a]}-{number[b]}" for a, b in rules.forbidden if a in number and b in number]
    parts += [f"b{a[0]}-{b[0]}" for a, b in rules.forbidden_blocks]
    parts += [f"t{t}-{number[name]}" for t, members in enumerate(rules.tiers, 1) for name in members if name in number]
    return "_".join(parts)


def decode(text: str, nodes: Sequence[str]) -> KnowledgeConfig:
    """Read what `encode` wrote; parts that make no sense here are left out.

    >>> decode("r0-9_x_f0-1_t-1", ("audio:A", "visual:A")).forbidden
    (('audio:A', 'visual:A'),)
    """
    rules = KnowledgeConfig()
    blocks = {"a": "audio", "v": "visual"}
    for part in text.split("_"):
        kind, (a, _, b) = part[:1], part[1:].partition("-")
        if kind == "b" and a in blocks and b in blocks:
            rules = rules.replace(forbidden_blocks=(*rules.forbidden_blocks, (blocks[a], blocks[b])))
        if not (a.isascii() and a.isdigit() and b.isascii() and b.isdigit()):
            continue
        i, j = int(a), int(b)
        if kind == "t" and 1 <= i <= 50 and j < len(nodes):
            rules = with_tier(rules, nodes[j], i)
        elif kind in ("r", "f") and max(i, j) < len(nodes) and i != j:
            pair = (nodes[i], nodes[j])
            rules = with_required(rules, *pair) if kind == "r" else with_forbidden(rules, pair)
    return rules
