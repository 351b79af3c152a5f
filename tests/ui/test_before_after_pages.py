"""The three pages in each state that a visitor can meet, through `app.py` and the real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from avexplore.artifacts import Clips, GraphStability
from avexplore.config import ClipsConfig, ProjectionConfig
from avexplore.store import Store
from avexplore.ui.shell import glossary
from avexplore.workbench import Failed, Missing, Running, Workbench

Visit = Callable[..., AppTest]
PAGES = ("embedding_space", "retrieval", "story")


def words(at: AppTest) -> str:
    """Everything that stands on the page."""
    kinds = ("info", "error", "caption", "markdown", "subheader", "text", "button", "title")
    return "\n".join(str(getattr(e, "value", "") or getattr(e, "label", "")) for k in kinds for e in at.get(k))


def address(at: AppTest, name: str) -> str:
    value = at.query_params[name]
    return value if isinstance(value, str) else str(value[0])


def asked(at: AppTest) -> str:
    """The clip that is asked with."""
    return str(next(box.value for box in at.selectbox if box.label == "Clip"))


def board(at: AppTest) -> dict[str, Any]:
    """What the ranked lists were given."""
    found = [c.proto for c in at.get("bidi_component") if c.proto.component_name == "avexplore_retrieval"]
    content: dict[str, Any] = json.loads(found[0].json)
    return content


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_any_run_says_what_to_do(page: str, app: Visit, made: Any, tmp_path: Path) -> None:
    for folder in made.home.iterdir():
        folder.rename(tmp_path / folder.name)
    at = app(page)
    assert not at.exception
    assert "no run on this machine" in words(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_run_without_a_student_says_so(page: str, app: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Workbench.runs

    def bare(self: Workbench) -> list[Any]:
        return [type(run)(run.key, run.name, run.soft_labels) for run in runs(self)]

    monkeypatch.setattr(Workbench, "runs", bare)
    at = app(page)
    assert not at.exception
    assert "no answers and no maps to compare" in words(at)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("answer", ["missing", "failed"])
def test_a_missing_or_failed_part_is_said_in_words(
    page: str, answer: str, app: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"missing": Missing(), "failed": Failed("The loss is not finite (student). Lower the learning rate.")}
    monkeypatch.setattr(Workbench, "ask", lambda self, config, start=True, slot="": given[answer])
    at = app(page)
    assert not at.exception
    said = words(at)
    assert ("Lower the learning rate" if answer == "failed" else "not computed yet") in said


def test_pca_is_shown_at_once_and_umap_is_asked_for_by_a_button(
    app: Visit, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = app("embedding_space")
    assert not at.exception
    assert "principal components" in words(at)
    assert len(at.metric) == 5
    asked: list[Any] = []
    ask = Workbench.ask

    def listening(self: Workbench, config: Any, start: bool = True, *, slot: str = "") -> Any:
        asked.extend([config] if start and isinstance(config, ProjectionConfig) else [])
        return ask(self, config, start=False, slot=slot)

    monkeypatch.setattr(Workbench, "ask", listening)
    at = next(b for b in at.button if b.label == "Compute UMAP").click().run()
    assert not at.exception
    assert asked == [ProjectionConfig(before=made.student.twin, after=made.student)]


def test_a_stored_map_is_shown_without_asking(app: Visit, made: Any) -> None:
    from avexplore.projection import project_pca

    config = ProjectionConfig(before=made.student.twin, after=made.student)
    found = project_pca(made.before, made.after, made.clips.rows("test"))
    parts = {name: getattr(found, name) for name in ("before", "after", "rows", "metrics", "drift")}
    Store(made.home).put(config, type(found)(**parts, method="umap"))
    at = app("embedding_space")
    assert not at.exception
    assert "principal components" not in words(at)
    assert at.metric[0].value == f"{found.metrics['neighbor_overlap']:.3f}"


def head(at: AppTest) -> dict[str, Any]:
    """What the maps' front end is told."""
    (mounted,) = [element for element in at.get("bidi_component") if element.proto.bytes]
    content = mounted.proto.bytes
    return dict(json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")]))


def test_the_maps_are_filtered_and_colored_as_the_address_says(app: Visit, made: Any) -> None:
    at = app("embedding_space", color="drift", filter="class.2~nonsense.1")
    assert not at.exception
    told = head(at)
    assert told["color"] == "drift"
    assert told["filter"] == {"class": [2]}
    table = next(frame.value for frame in at.dataframe if "Annotated" in frame.value)
    assert set(table["Annotated"]) == {made.clips.classes[2]}
    assert len(table) == int((made.clips.hard_label[made.clips.rows("test")] == 2).sum())


def test_what_was_chosen_of_one_run_is_not_chosen_of_another(app: Visit) -> None:
    at = app("embedding_space", filter="class.2", point="visual-3", at="2_0_0")
    assert head(at)["filter"] == {"class": [2]}
    assert head(at)["camera"] == [2, 0, 0]
    at.session_state["lasso_run"] = "another run"
    at.run()
    told = head(at)
    assert (told["filter"], told["camera"], told["picked"]) == ({}, [], -1)


def test_facets_are_those_that_tell_something_apart(app: Visit) -> None:
    names = [facet["name"] for facet in head(app("embedding_space"))["facets"]]
    assert names == ["class", "group", "modality", "answer", "hidden", "drift", "confidence"]
    assert "split" in [facet["name"] for facet in head(app("embedding_space", split="all"))["facets"]]


def test_unannotated_events_are_no_facet_where_nobody_knows_them(app: Visit, made: Any) -> None:
    store = Store(made.home)
    bare = {name: getattr(made.clips, name) for name in ("hard_label", "classes", "split", "clip_ids")}
    store.remove(ClipsConfig(made.student.data).address)
    store.put(ClipsConfig(made.student.data), Clips(**bare))
    assert "hidden" not in [facet["name"] for facet in head(app("embedding_space"))["facets"]]


def test_a_clip_in_the_address_opens_its_card(app: Visit, made: Any) -> None:
    clip = int(made.clips.rows("test")[4])
    at = app("embedding_space", point=f"visual-{clip}")
    assert not at.exception
    assert f"clip {clip}" in words(at)
    assert "visual point" in words(at)
    table = next(frame.value for frame in at.dataframe if "Without LIR" in frame.value)
    assert len(table) == 8


@pytest.mark.parametrize("point", ["visual-99999", "audio-x", "nonsense", "visual-²", "audio--1"])
def test_a_point_that_is_not_there_is_ignored(point: str, app: Visit) -> None:
    at = app("embedding_space", point=point)
    assert not at.exception
    assert "Click a point" in words(at)


def test_the_query_with_the_best_change_comes_first_with_the_stored_figures(app: Visit, made: Any) -> None:
    from avexplore.config import EvaluationConfig

    store = Store(made.home)
    reports = [store.get(EvaluationConfig(s)).artifact for s in (made.student.twin, made.student)]  # type: ignore[union-attr]
    change = reports[1].average_precision[0] - reports[0].average_precision[0]
    best = int(change.argmax())
    at = app("retrieval")
    assert not at.exception
    assert asked(at) == str(int(reports[0].rows[best]))
    for when in (0, 1):
        note = board(at)["lists"][when]["note"]
        assert f"AP {reports[when].average_precision[0, best]:.3f}" in note


def test_a_query_in_the_address_is_asked(app: Visit, made: Any) -> None:
    clip = int(made.clips.rows("test")[7])
    at = app("retrieval", query=str(clip), direction="V→A")
    assert not at.exception
    assert f"clip {clip}" in words(at)
    gallery = made.clips.rows("test")
    scores = made.after.audio[gallery] @ made.after.visual[clip]
    assert board(at)["lists"][1]["answers"][0]["clip"] == int(gallery[scores.argmax()])


def test_an_answer_in_the_address_is_explained(app: Visit, made: Any) -> None:
    clip, answer = (int(row) for row in made.clips.rows("test")[[0, 8]])
    at = app("retrieval", query=str(clip), answer=str(answer))
    assert not at.exception
    assert f"clip {answer}" in words(at)
    assert "rank" in words(at)


@pytest.mark.parametrize("by", ["Worst change", "By class", "At random", "From the map", "Own clip"])
def test_every_way_to_choose_a_query_works(by: str, app: Visit) -> None:
    at = app("retrieval", by=by)
    assert not at.exception
    if by == "From the map":
        assert "Draw a lasso" in words(at)
    elif by == "Own clip":
        assert "Upload" in words(at)
    else:
        assert len(board(at)["lists"][0]["answers"]) == 10


def test_next_and_previous_walk_through_the_queries(app: Visit) -> None:
    at = app("retrieval")
    first = asked(at)
    at = next(b for b in at.button if b.label == "Next").click().run()
    assert not at.exception
    second = asked(at)
    assert second != first
    at = next(b for b in at.button if b.label == "Previous").click().run()
    assert asked(at) == first


def best(made: Any, direction: int) -> int:
    """The clip that LIR helps most; 0 is A→V."""
    from avexplore.config import EvaluationConfig

    before, after = (Store(made.home).get(EvaluationConfig(s)).artifact for s in (made.student.twin, made.student))  # type: ignore[union-attr]
    change = after.average_precision[direction] - before.average_precision[direction]
    return int(before.rows[int(change.argmax())])


def test_the_other_direction_has_its_own_best_change(app: Visit, made: Any) -> None:
    at = app("retrieval")
    assert asked(at) == str(best(made, 0))
    at = at.segmented_control(key="direction").set_value("visual-to-audio").run()
    assert not at.exception
    assert asked(at) == str(best(made, 1))
    assert next(b for b in at.button if b.label == "Previous").disabled
    assert best(made, 0) != best(made, 1)


def test_a_clip_of_a_link_can_be_gone_back_to(app: Visit, made: Any) -> None:
    """It is of another class than the list, and leads it."""
    clip = int(made.clips.rows("test")[2])
    at = app("retrieval", by="By class", query=str(clip))
    assert asked(at) == str(clip)
    at = next(b for b in at.button if b.label == "Next").click().run()
    assert asked(at) != str(clip)
    at = next(b for b in at.button if b.label == "Previous").click().run()
    assert asked(at) == str(clip)


def test_the_reasons_of_a_link_show_names_and_numbers_whole(app: Visit, made: Any) -> None:
    clip = int(made.clips.rows("test")[0])
    at = app("retrieval", query=str(clip), answer=str(clip))
    assert not at.exception
    (table,) = [element.proto.body for element in at.get("html") if "terms" in element.proto.body]
    soft = made.teacher.soft_labels.probabilities()[:, clip, made.clips.hard_label[clip]]
    for value in soft:
        assert f"<td>{value:.2f}</td>" in table
    assert "<b>Bus" not in table


@pytest.mark.parametrize("step", range(1, 6))
def test_each_step_of_the_story_is_told(step: int, app: Visit) -> None:
    at = app("story", step=str(step))
    assert not at.exception
    assert at.subheader[0].value
    assert "How typical is it?" in words(at)


@pytest.mark.parametrize("null_frequency", [0.1, 0.8])
def test_the_null_model_is_explained_where_its_figure_stands(null_frequency: float, app: Visit, made: Any) -> None:
    p = len(made.graph.nodes)
    flat = {name: np.zeros((p, p)) for name in ("orientation_frequency", "effect", "correlation")}
    often, rarely = np.full((p, p), 0.9), np.full((p, p), null_frequency)
    stability = GraphStability(
        made.graph.nodes, often, flat["orientation_frequency"], rarely, flat["effect"], flat["correlation"],
        30, np.zeros(2), np.ones(2), np.zeros(2), "within-class",
    )  # fmt: skip
    Store(made.home).put(made.student.regularizer.affinity.stability, stability)
    at = app("story", step="3")
    assert not at.exception
    picture = at.get("bidi_component")[0].proto.json
    assert f"in {null_frequency:.0%} of graphs from shuffled data" in picture
    assert "shuffled among clips of one annotated class" in words(at)
    assert ("clearly more often" in words(at)) == (null_frequency == 0.1)


def test_what_only_the_teacher_suspects_is_counted_once(app: Visit, made: Any) -> None:
    config = ClipsConfig(made.student.data)
    Store(made.home).remove(config.address)
    Store(made.home).put(config, replace(made.clips, true_labels=None))
    at = app("story", step="2")
    assert not at.exception
    counted = next(caption.help for caption in at.caption if "How typical is it?" in caption.value)
    assert "the teacher suspects" in counted
    assert "the teacher finds" not in words(at) + counted
    assert "even share" not in words(at)


def test_the_story_says_what_lir_is(app: Visit) -> None:
    assert glossary.LIR in [button.help for button in app("story").button]


def test_another_clip_starts_the_story_anew(app: Visit) -> None:
    at = app("story", step="5")
    at = next(b for b in at.button if b.label == "Another clip").click().run()
    assert not at.exception
    assert (address(at, "case"), address(at, "step")) == ("2", "1")


@pytest.mark.parametrize("query", [{"step": "99"}, {"case": "99999"}, {"step": "-1", "case": "x"}, {"step": "²"}])
def test_a_story_address_out_of_range_still_tells_a_story(query: dict[str, str], app: Visit) -> None:
    at = app("story", **query)
    assert not at.exception
    assert at.subheader[0].value


def test_names_from_data_never_become_markup(app: Visit, made: Any) -> None:
    for page in PAGES:
        at = app(page)
        for kind in ("markdown", "subheader", "caption"):
            for element in at.get(kind):
                assert "<b>" not in element.value.replace("\\<b\\>", "")
                assert ":red[Drum]" not in element.value


def test_a_running_part_shows_its_progress(app: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    from avexplore.jobs import JobStatus

    ask = Workbench.ask

    def running(self: Workbench, config: Any, start: bool = True, *, slot: str = "") -> Any:
        if isinstance(config, ProjectionConfig):
            return Running(JobStatus(config.address, config.stage, "running", 0.4, "Laying out"))
        return ask(self, config, start, slot=slot)

    monkeypatch.setattr(Workbench, "ask", running)
    at = app("embedding_space")
    assert not at.exception
    assert any(button.label == "Cancel" for button in at.button)
    assert len(at.metric) == 5
    assert np.isfinite([float(metric.value) for metric in at.metric]).all()
