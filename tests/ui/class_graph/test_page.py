"""The page without a browser: ready, running, failed; and what its widgets and the picture's messages do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from avexplore.config import (
    GraphConfig,
    KnowledgeConfig,
    SoftLabelFileConfig,
    StabilityConfig,
    SyntheticConfig,
    TeacherConfig,
)
from avexplore.errors import ConfigError
from avexplore.jobs.records import JobStatus
from avexplore.store import Store
from avexplore.tuning.settings import WorkingSettings
from avexplore.ui.class_graph.state import kept_graphs as variants
from avexplore.ui.parts.plain_text import as_html
from avexplore.workbench import Failed, Missing, Running, Workbench

ROOT = Path(__file__).parents[3]


@pytest.fixture
def app(made_home: Any, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("AVEXPLORE_HOME", str(made_home.home))
    st.cache_resource.clear()
    st.cache_data.clear()
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    test.run()
    return test


def opened(app: AppTest, **query: str) -> AppTest:
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/class_graph.py").run()
    assert not app.exception, app.exception
    return app


def payload(app: AppTest) -> dict[str, Any]:
    import json

    for found in app.get("bidi_component"):
        if found.proto.component_name.endswith("graph_view"):
            return dict(json.loads(found.proto.json))
    raise AssertionError("the picture is not there")


def markup(app: AppTest) -> str:
    return "\n".join(found.proto.body for found in app.get("html"))


def test_ready_shows_the_learned_graph(app: AppTest, made_home: Any) -> None:
    drawn = payload(opened(app))
    learned = {edge["id"] for edge in drawn["edges"] if edge["type"] == "learned"}
    index = {name: i for i, name in enumerate(made_home.graph.nodes)}
    wanted = {"e{}-{}".format(*sorted((index[a], index[b]))) for a, b, _ in made_home.graph.edges()}
    assert learned == wanted
    assert drawn["measure"] == "frequency"
    assert "Is it right?" in markup(app)


def test_names_in_the_panel_are_escaped(app: AppTest, made_home: Any) -> None:
    opened(app, pick="n1")
    hostile = made_home.labels.classes[1]
    assert as_html(hostile) in markup(app)
    assert hostile not in markup(app)


def test_running_soft_labels_show_progress(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    status = JobStatus("0" * 64, "graph", "running", 0.4, "epoch 4 of 10")
    ask = Workbench.ask

    def waiting(self: Workbench, config: Any, start: bool = True, **more: Any) -> Any:
        return Running(status) if isinstance(config, SoftLabelFileConfig) else ask(self, config, start, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Workbench, "ask", waiting)
    opened(app)
    assert not [c for c in app.get("bidi_component") if c.proto.component_name.endswith("graph_view")]
    assert any("epoch 4 of 10" in found.proto.text for found in app.get("progress"))


def test_failed_soft_labels_say_why(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workbench, "ask", lambda *_, **__: Failed("The file is gone"))
    opened(app)
    assert any("The file is gone" in found.value for found in app.error)


def test_the_graph_is_shown_while_bootstraps_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    status = JobStatus("0" * 64, "graph", "running", 0.4, "40 of 100")
    ask = Workbench.ask

    def waiting(self: Workbench, config: Any, start: bool = True, **more: Any) -> Any:
        return Running(status) if isinstance(config, StabilityConfig) else ask(self, config, start, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Workbench, "ask", waiting)
    drawn = payload(opened(app))
    assert drawn["measure"] == "BIC gain"
    assert all(edge["frequency"] is None for edge in drawn["edges"])
    assert any("40 of 100" in found.proto.text for found in app.get("progress"))


def test_another_penalty_keeps_every_position(app: AppTest) -> None:
    before = payload(opened(app))
    app.select_slider(key="set.graph.penalty_discount").set_value(8.0).run()
    after = payload(app)
    assert [(n["x"], n["y"]) for n in before["nodes"]] == [(n["x"], n["y"]) for n in after["nodes"]]
    assert before["layout"] == after["layout"]
    assert before["version"] != after["version"]


def test_every_layout_and_tab_can_be_opened(app: AppTest) -> None:
    opened(app)
    for layout in ("spring", "circular", "layered", "classes"):
        app.selectbox(key="g_layout").set_value(layout).run()
        assert not app.exception
        assert payload(app)["layout"]["name"] == layout
    for tab in ("Matrix", "Comparison", "In and out", "Edges"):
        app.session_state["g_tab"] = tab
        app.run()
        assert not app.exception, (tab, app.exception)


def test_pinning_compares_with_the_graph_as_it_was(app: AppTest) -> None:
    opened(app)
    next(button for button in app.button if button.label == "Pin this graph").click().run()
    assert not app.exception
    drawn = payload(app)
    assert {edge["change"] for edge in drawn["edges"]} == {"kept"}
    app.select_slider(key="set.graph.penalty_discount").set_value(16.0).run()
    drawn = payload(app)
    assert "removed" in {edge["change"] for edge in drawn["edges"]}
    assert "pinned" in app.query_params


def test_what_most_bootstraps_agree_on_can_be_shown_as_a_graph(app: AppTest, made_home: Any) -> None:
    from avexplore.graph import consensus_graph

    opened(app, g_show="what half of the bootstraps agree on")
    drawn = {edge["id"] for edge in payload(app)["edges"] if edge["type"] == "learned"}
    expected = np.argwhere(np.triu(consensus_graph(made_home.stability).skeleton, 1))
    assert drawn == {f"e{i}-{j}" for i, j in expected}
    assert drawn


def test_bootstraps_that_were_stopped_stay_stopped(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, started = Workbench.ask, []

    def stopped(self: Workbench, config: Any, start: bool = True, **more: Any) -> Any:
        if not isinstance(config, StabilityConfig):
            return ask(self, config, start, **more)
        if start:
            started.append(config)
        return Missing("It was stopped")

    monkeypatch.setattr(Workbench, "ask", stopped)
    opened(app)
    assert started == []
    next(button for button in app.button if button.label == "Compute now").click().run()
    assert len(started) == 1


def test_causal_learn_answers_while_our_search_is_compiled(
    app: AppTest, made_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avexplore.config import GraphConfig
    from avexplore.graph.compiled import numba_cache
    from avexplore.graph.search import warm_up
    from avexplore.graph.search.engines import fallback_for
    from avexplore.store import Store
    from avexplore.ui.class_graph.while_compiling import MARK, WORD

    ready, at_work = [False], threading.Event()
    worker = threading.Thread(target=at_work.wait, daemon=True)
    worker.start()
    monkeypatch.setattr(numba_cache, "is_compiled", lambda: ready[0])
    monkeypatch.setattr(warm_up, "compile_in_background", lambda: worker)
    config = GraphConfig(made_home.source, penalty_discount=7.0, seed=11)
    other = fallback_for(config)
    assert other is not None
    assert (other.engine, other.penalty_discount, other.seed) == ("causal-learn-boss", 7.0, 11)
    status = JobStatus("0" * 64, "graph", "running", 0.4, "local scores")
    asked: list[GraphConfig] = []
    ask = Workbench.ask

    def working(self: Workbench, wanted: Any, start: bool = True, **more: Any) -> Any:
        if isinstance(wanted, GraphConfig):
            asked.append(wanted)
            if wanted == other and wanted not in self.store:
                return Running(status)  # type: ignore[arg-type]
        return ask(self, wanted, start, **more)

    monkeypatch.setattr(Workbench, "ask", working)
    opened(app, set="graph.penalty_discount-7*graph.seed-11")
    assert any(WORD in found.proto.text for found in app.get("progress"))
    assert config not in asked

    stand_in = Workbench(Store(made_home.home)).get(other)
    app.run()
    assert MARK in [found.value for found in app.info]
    drawn = {edge["id"] for edge in payload(app)["edges"] if edge["type"] == "learned"}
    assert drawn == {f"e{i}-{j}" for i, j in np.argwhere(np.triu(stand_in.skeleton, 1))}
    assert config not in Store(made_home.home)

    ready[0] = True
    app.run()
    assert MARK not in [found.value for found in app.info]
    assert payload(app)["edges"]
    at_work.set()


def test_a_stored_graph_is_shown_without_waiting_for_the_compiler(
    app: AppTest, made_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avexplore.graph.compiled import numba_cache
    from avexplore.graph.search import warm_up
    from avexplore.ui.class_graph import picture_pane

    def never(*arguments: Any) -> None:
        raise AssertionError("nothing has to be compiled")

    for module in (numba_cache, picture_pane):
        monkeypatch.setattr(module, "is_compiled", lambda: False)
    monkeypatch.setattr(warm_up, "compile_in_background", never)
    monkeypatch.setattr(picture_pane, "class_weights", never)
    st.cache_resource.clear()
    test_ready_shows_the_learned_graph(app, made_home)


def test_the_python_on_the_page_runs_and_gives_the_same(app: AppTest, made_home: Any) -> None:
    rules = WorkingSettings.of({"knowledge.forbidden": [tuple(made_home.labels.nodes[:2])]})
    opened(app, g_tab="In and out", set=rules.encode())
    (code,) = [found.value for found in app.code if "Workbench" in found.value]
    assert "\ngraph = " in code, "its bootstraps are not done, so the lines make the graph"
    ask = "\nprint(sorted(graph.edges()))"
    environment = {**os.environ, "AVEXPLORE_HOME": str(made_home.home)}
    done = subprocess.run([sys.executable, "-c", code + ask], env=environment, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr.decode()
    pair = tuple(made_home.labels.nodes[:2])
    config = GraphConfig(made_home.source, knowledge=KnowledgeConfig(forbidden=(pair,)))  # type: ignore[arg-type]
    wanted = sorted(Workbench(Store(made_home.home)).get(config).edges())
    assert done.stdout.decode().strip() == repr(wanted)
    assert not any({a, b} == set(pair) and (a, b) == pair for a, b, _ in wanted)


def test_a_clip_with_a_file_is_played_in_the_panel(tmp_path: Path) -> None:
    def page(folder: str) -> None:
        import numpy as np

        from avexplore.artifacts import Clips, SoftLabels
        from avexplore.ui.class_graph.panel.clips import draw_clip

        share = np.array([[0.9, 0.1], [0.2, 0.8]])
        known = np.array([0, 1])
        labels = SoftLabels(share, share, "probabilities", ("<b>Dog</b>", "Cat"), np.zeros(2, int), known)
        clips = Clips(
            hard_label=known,
            classes=labels.classes,
            split=np.zeros(2, int),
            clip_ids=("one", "two"),
            media=(f"{folder}/one.wav", f"{folder}/gone.mp4"),
        )
        draw_clip(labels, clips, 0, end="Dog (audio)")
        draw_clip(labels, clips, 1)

    with wave.open(str(tmp_path / "one.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    test = AppTest.from_function(page, args=(str(tmp_path),)).run()
    assert not test.exception
    assert len(test.get("audio")) == 1
    assert not test.get("video"), "a file that is gone is not offered"
    shown = markup(test)
    assert "Dog (audio): one · &lt;b&gt;Dog&lt;/b&gt;" in shown
    assert "two · Cat" in shown


def test_graphs_of_other_teachers_are_offered_and_trained_when_needed() -> None:
    data = SyntheticConfig(clips=60, classes=3)
    config = GraphConfig(TeacherConfig(data), penalty_discount=4.0)
    wanted = variants.of_teachers(config, variants.numbers("5, 10"), variants.numbers("1"))
    assert [(one.soft_labels.epochs, one.soft_labels.seed) for one in wanted] == [(5, 1), (10, 1)]  # type: ignore[union-attr]
    assert {one.penalty_discount for one in wanted} == {4.0}
    base = GraphConfig(TeacherConfig(data))
    kept = {variants.key_of(one): ("", one) for one in wanted}
    nodes = ("audio:A", "audio:B", "visual:A", "visual:B")
    again = variants.read(variants.write(kept, base, nodes), base, nodes)
    assert [one for _, one in again.values()] == wanted
    assert all("teacher of" in name and "c = 4" in name for name, _ in again.values())
    assert variants.of_teachers(GraphConfig(SoftLabelFileConfig("f" * 64)), [5], [1]) == []
    for text in ("ten", "5.5", "-1", "1e3"):
        with pytest.raises(ConfigError):
            variants.numbers(text)


@given(some.text(max_size=60))
def test_any_text_is_read_as_some_kept_graphs(text: str) -> None:
    base = GraphConfig(SoftLabelFileConfig("f" * 64))
    assert isinstance(variants.read(text, base, ("audio:A", "visual:A")), dict)
