"""Scenes: kept with a run, written as a file and read again; hostile files are refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avexplore.errors import DataError
from avexplore.workbench.scenes import FORMAT, MOST, Scene, keep_scenes, read_scenes, scenes_of, write_scenes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCENES = st.lists(
    st.builds(
        Scene,
        TEXT.filter(str.strip),
        st.sampled_from(["tune", "class_graph"]),
        st.dictionaries(TEXT.filter(bool), TEXT, max_size=4).map(lambda query: tuple(query.items())),
    ),
    max_size=5,
)


@given(SCENES)
def test_written_and_read_again(scenes: list[Scene]) -> None:
    assert read_scenes(write_scenes(scenes)) == scenes


def test_kept_with_their_run(tmp_path: Path) -> None:
    scenes = [Scene("One", "tune"), Scene("Two", "story", (("step", "2"),))]
    keep_scenes(tmp_path, "abc123", scenes)
    assert scenes_of(tmp_path, "abc123") == scenes
    assert scenes_of(tmp_path, "def456") == []
    keep_scenes(tmp_path, "abc123", scenes[:1])
    assert scenes_of(tmp_path, "abc123") == scenes[:1]
    (tmp_path / "scenes" / "abc123.json").write_bytes(b"\xff{")
    assert scenes_of(tmp_path, "abc123") == []
    with pytest.raises(DataError):
        keep_scenes(tmp_path, "../../etc", scenes)
    with pytest.raises(DataError, match="at most"):
        keep_scenes(tmp_path, "abc123", [Scene("One", "tune")] * (MOST + 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"format": "other", "scenes": []}',
        json.dumps({"format": FORMAT, "scenes": [{"title": 1, "address": "/tune"}]}),
        json.dumps({"format": FORMAT, "scenes": [{"title": "", "address": "/tune"}]}),
        json.dumps({"format": FORMAT, "scenes": [{"title": "x", "address": "https://else.example/tune"}]}),
        json.dumps({"format": FORMAT, "scenes": [{"title": "x", "address": "/../app?run=1"}]}),
        json.dumps({"format": FORMAT, "scenes": [{"title": "x", "address": "/tune?a=" + "b" * 20_000}]}),
        json.dumps({"format": FORMAT, "scenes": [{"title": "x", "address": "/tune"}] * (MOST + 1)}),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        read_scenes(text)
