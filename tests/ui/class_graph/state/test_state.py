"""Rules and view: what a reader does can be said in the address."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from avexplore.config import KnowledgeConfig
from avexplore.errors import ConfigError
from avexplore.ui.class_graph.state import rules as rules_of
from avexplore.ui.class_graph.state import view_address as address

NODES = ("audio:A", "audio:B", "visual:A", "visual:B")

commands = some.fixed_dictionaries(
    {
        "kind": some.sampled_from(["require", "forbid", "forbid-both", "free", "tier"]),
        "source": some.sampled_from(["n0", "n1", "n2", "n3"]),
        "target": some.sampled_from(["n0", "n1", "n2", "n3"]),
        "tier": some.integers(0, 4),
    }
)


@given(some.lists(commands, max_size=12))
@settings(deadline=None)
def test_any_sequence_of_commands_survives_the_address(sequence: list[dict[str, object]]) -> None:
    rules = KnowledgeConfig()
    for command in sequence:
        if command["kind"] != "tier" and command["source"] == command["target"]:
            with pytest.raises(ConfigError):
                rules_of.apply_command(rules, NODES, command)
            continue
        rules = rules_of.apply_command(rules, NODES, command)
        assert not set(rules.required) & set(rules.forbidden), "never both required and forbidden"
        assert not {(b, a) for a, b in rules.required} & set(rules.required), "never required both ways"
    text = rules_of.encode(rules, NODES)
    again = rules_of.decode(text, NODES)
    assert (set(again.required), set(again.forbidden)) == (set(rules.required), set(rules.forbidden))
    assert [set(tier) for tier in again.tiers] == [set(tier) for tier in rules.tiers]
    assert rules_of.encode(again, NODES) == text


@given(some.text(max_size=40))
def test_any_text_is_read_as_some_rules(text: str) -> None:
    assert isinstance(rules_of.decode(text, NODES), KnowledgeConfig)
    assert isinstance(address.read_moved(text, 4), dict)


@pytest.mark.parametrize(
    "command", [{"kind": "require", "source": "n9", "target": "n1"}, {"kind": "x", "source": "n1"}]
)
def test_commands_that_make_no_sense_are_refused(command: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        rules_of.apply_command(KnowledgeConfig(), NODES, command)


def test_forbidden_blocks_survive_the_address() -> None:
    rules = KnowledgeConfig(forbidden_blocks=(("audio", "visual"),))
    assert rules_of.decode(rules_of.encode(rules, NODES), NODES) == rules


views = some.fixed_dictionaries(
    {
        "threshold": some.one_of(some.none(), some.integers(0, 100).map(lambda n: n / 100)),
        "hidden": some.lists(some.sampled_from(["ghost", "directed", "node-audio", "rare"]), unique=True).map(sorted),
        "hideSameClass": some.booleans(),
        "markCauses": some.booleans(),
        "focus": some.one_of(some.none(), some.just({"node": "n2", "hops": 3})),
        "path": some.one_of(some.none(), some.just(["n1", "n3"])),
        "selection": some.one_of(some.none(), some.just({"kind": "edge", "id": "e0-3"})),
        "search": some.sampled_from(["", "dog", "a&b=c"]),
        "camera": some.one_of(some.none(), some.just([12.0, -40.0, 1.5])),
    }
)


@given(views)
def test_a_view_survives_the_address(view: dict[str, object]) -> None:
    query = {name: value for name, value in address.write_view(view).items() if value}
    assert address.read_view(query, 4) == view
    assert address.clean_view(view, 4) == view


@pytest.mark.parametrize(
    "query",
    [
        {"at_least": "nan?"},
        {"pick": "e1-99"},
        {"focus": "n1.9"},
        {"path": "n1"},
        {"hide": "<script>"},
        {"pick": "e-1-2"},
        {"look": "1~2"},
        {"look": "1~nan~2"},
        {"look": "0~0~1e9"},
    ],
)
def test_an_address_that_makes_no_sense_shows_the_first_view(query: dict[str, str]) -> None:
    found = address.read_view(query, 4)
    assert found["selection"] is None
    assert found["focus"] is None
    assert found["path"] is None
    assert found["camera"] is None
    assert set(found["hidden"]) <= {"ghost", "negative", "weak"}
