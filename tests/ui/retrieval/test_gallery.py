"""A large gallery: its first answers are those of a whole ranking, and the page says how it was searched."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from avexplore.analysis import query_choice, ranked_answers
from avexplore.analysis.loaded_run import LoadedRun
from avexplore.analysis.ranked_answers import Direction
from avexplore.artifacts import MODALITIES
from avexplore.config import EvaluationConfig
from avexplore.retrieval import VectorIndex
from avexplore.retrieval import ranking as ranking_module
from avexplore.store import Store
from avexplore.ui.parts import split_reports
from avexplore.ui.retrieval import gallery as retrieval_gallery

Visit = Callable[..., AppTest]


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("split", ["test", "all"])
def test_the_first_answers_are_those_of_the_whole_ranking(loaded: LoadedRun, direction: Direction, split: str) -> None:
    gallery, reach = loaded.clips.rows(split), 15
    gives = MODALITIES[1 if direction == "audio-to-visual" else 0]
    before, after = (VectorIndex(getattr(e, gives), rows=gallery) for e in (loaded.before, loaded.after))
    query = ranked_answers.from_clip(loaded, int(gallery[3]), direction)
    whole = ranked_answers.ask(loaded, query, gallery)
    first = ranked_answers.ask_first(loaded, query, gallery, (before, after), reach)
    expected = [gallery[whole.order[when][:reach]] for when in (0, 1)]
    place = {int(clip): whole.place[:, p] for p, clip in enumerate(gallery)}
    assert set(first.gallery) == set(np.concatenate(expected))
    for when in (0, 1):
        listed = first.gallery[first.order[when]]
        assert listed[:reach].tolist() == expected[when].tolist()
        assert first.similarity[when][:reach] == pytest.approx(whole.similarity[when][:reach], abs=1e-6)
        for position, clip in enumerate(first.gallery):
            true = int(place[int(clip)][when])
            assert first.place[when][position] == min(true, reach + 1)
            assert first.rank_words(when, position) == (str(true) if true <= reach else "beyond 15")
    assert [first.kinds[i] for i in first.order[0][:reach]] == [whole.kinds[i] for i in whole.order[0][:reach]]
    assert np.isnan(first.precision).all()


def test_the_strength_of_a_pair_does_not_depend_on_who_else_is_asked_about(loaded: LoadedRun) -> None:
    gallery = loaded.clips.rows("test")
    some = gallery[[5, 2, 9]]
    for direction in get_args(Direction):
        all_of_them = ranked_answers.pair_strength(loaded, direction, int(gallery[0]), gallery)
        found = ranked_answers.pair_strength(loaded, direction, int(gallery[0]), some)
        assert found == pytest.approx(all_of_them[[5, 2, 9]])
        clip = int(some[1])
        pair = (int(gallery[0]), clip) if direction == "audio-to-visual" else (clip, int(gallery[0]))
        links = ranked_answers.links(loaded, *pair, count=10_000)
        assert sum(link.strength for link in links) == pytest.approx(found[1], rel=1e-2)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's small gallery counts as a large one."""
    monkeypatch.setattr(split_reports, "WHOLE", 10)
    monkeypatch.setattr(retrieval_gallery, "LARGE", 20)


def board(at: AppTest) -> dict[str, Any]:
    import json

    found = [element.proto for element in at.get("bidi_component")]
    return dict(json.loads(found[0].json))


def test_a_large_gallery_is_answered_at_once_and_then_by_its_index(app: Visit, made: Any, large: None) -> None:
    pytest.importorskip("faiss")
    at = app("retrieval")
    assert not at.exception
    end = time.monotonic() + 120
    while "inverted lists, which find" not in " ".join(caption.value for caption in at.caption):
        assert time.monotonic() < end
        time.sleep(0.2)
        at.run()
    assert not at.exception
    assert "100.0% and 100.0% of the exact first ten" in " ".join(caption.value for caption in at.caption)


@pytest.mark.parametrize("search", ["Exact", "Graph (HNSW)"])
def test_every_search_gives_the_whole_rankings_answers_here(search: str, app: Visit, made: Any, large: None) -> None:
    pytest.importorskip("faiss")
    gallery = made.clips.rows("test")
    clip = int(gallery[4])
    at = app("retrieval", query=str(clip), search=search)
    assert not at.exception
    answers = board(at)["lists"][1]["answers"]
    scores = made.after.visual[gallery] @ made.after.audio[clip]
    assert [a["clip"] for a in answers] == [int(gallery[i]) for i in np.argsort(-scores, kind="stable")[:10]]


def test_without_faiss_the_page_answers_exactly_and_says_what_would_be_faster(
    app: Visit, made: Any, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval_gallery, "faiss_installed", lambda: False)
    at = app("retrieval")
    assert not at.exception
    assert "Install avexplore[faiss]" in " ".join(caption.value for caption in at.caption)


def test_an_index_that_cannot_be_built_leaves_exact_answers(
    loaded: LoadedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_module, "faiss_installed", lambda: False)
    gallery = retrieval_gallery.Gallery(
        (loaded.before.visual, loaded.after.visual),
        (loaded.before.audio, loaded.after.audio),
        np.arange(40),
        tmp_path,
    )
    end = time.monotonic() + 60
    while (found := gallery.built("ivf")) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert isinstance(found, str)
    assert "FAISS is not installed" in found
    assert isinstance(gallery.built("exact"), retrieval_gallery.Built)


def test_figures_that_would_take_hours_are_left_to_the_command_line(app: Visit, made: Any, large: None) -> None:
    for student in (made.student.twin, made.student):
        assert Store(made.home).remove(EvaluationConfig(student).address)
    for page in ("evaluation", "overview"):
        at = app(page)
        assert not at.exception
        assert EvaluationConfig(made.student) not in Store(made.home)
        said = [block.value for block in at.code]
        assert any(f"avexplore evaluate --run {made.key}" in text for text in said) == (page == "evaluation")
    at = app("retrieval")
    assert at.selectbox(key="by").options == ["By class", "At random", "From the map", "Own clip"]
    assert len(board(at)["lists"][0]["answers"]) == 10


def test_queries_whose_change_is_not_known_can_still_be_chosen(loaded: LoadedRun) -> None:
    rows = loaded.clips.rows("test")
    labels = np.asarray(loaded.clips.hard_label)
    assert query_choice.unmeasured(loaded.clips, "class", rows, label=3) == [r for r in rows if labels[r] == 3]
    assert query_choice.unmeasured(loaded.clips, "lasso", rows, lasso=(int(rows[2]), -1)) == [rows[2]]
    drawn = query_choice.unmeasured(loaded.clips, "random", rows, seed=1)
    assert sorted(drawn) == rows.tolist()
    assert drawn == query_choice.unmeasured(loaded.clips, "random", rows, seed=1)
    assert query_choice.unmeasured(loaded.clips, "gained", rows) == []
