"""Two visitors of a shared server, in two sessions: nothing of one is seen, used or stopped by the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from avexplore.config import EvaluationConfig, StudentConfig, SyntheticConfig, from_json
from avexplore.data import export_features, load_features
from avexplore.jobs import Registry
from avexplore.ui.page_list import PAGES
from avexplore.ui.shell import session
from avexplore.workbench import Workbench
from avexplore.workbench.scenes import Scene, keep_scenes

ROOT = Path(__file__).parents[3]
SECRET = "patients of ward seven"


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("AVEXPLORE_SHARED", "1")
    monkeypatch.setenv("AVEXPLORE_MODELS", str(tmp_path / "nothing"))
    monkeypatch.setattr(Registry, "_start", lambda self, request: None)  # jobs wait
    monkeypatch.setattr(st, "user", SimpleNamespace(to_dict=dict))  # in AppTest somebody is logged in
    monkeypatch.setattr(type(st.context), "cookies", {})
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def arrive() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def go(at: AppTest, page: str, **query: str) -> AppTest:
    at.query_params.clear()
    for name, value in query.items():
        at.query_params[name] = value
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception
    return at


def everything(at: AppTest) -> str:
    """All that is sent to the browser, but for the escapes."""
    return "\n".join(str(getattr(node, "proto", "")) for node in at._tree).replace("\\", "")


def features() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npz"
        export_features(load_features(SyntheticConfig(clips=80, classes=3)), path)
        return path.read_bytes()


def train_on_own_file(at: AppTest) -> StudentConfig:
    """Upload features, press Train; the student that was asked for."""
    go(at, "training", **{"training.source": "My features"})
    name = SECRET.replace(" ", "_") + ".npz"
    at.file_uploader(key="training.files").set_value([(name, features(), "application/octet-stream")]).run()
    at.segmented_control(key="training.preset").set_value("tiny").run()
    at.button(key="training.start").click().run()
    assert not at.exception
    wanted = [from_json(job.config) for job in Workbench().jobs.all()]
    (student,) = [one for one in wanted if isinstance(one, StudentConfig) and one.regularizer is not None]
    return student


def test_uploads_jobs_and_their_runs_are_seen_by_their_visitor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = arrive(), arrive()
    student = train_on_own_file(anna)
    cancel = f"cancel-{student.address}"
    assert cancel in [button.key for button in anna.button]
    bench = Workbench()
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    key = student.address[:12]
    assert SECRET.replace(" ", "_") in everything(go(anna, "overview", run=key))

    guesses: list[dict[str, str]] = [{}, {"run": key}, {"run": key, "with": key}, {"student": key}]
    for page in [info.name for info in PAGES]:
        for guess in guesses:
            go(ben, page, **guess)
            seen = everything(ben)
            assert "patients" not in seen
            assert student.address not in seen
            assert student.data.fingerprint not in seen
    go(ben, "training", **{"training.source": "My features"})
    assert not [box for box in ben.selectbox if box.label == "Or a file from earlier"], "no file of Anna's is offered"
    assert cancel not in [button.key for button in ben.button]

    # Who sits at the machine opens an app of their own there, on the same folder.
    monkeypatch.setenv("AVEXPLORE_SHARED", "0")
    owner = go(arrive(), "training", run=key)
    assert cancel in [button.key for button in owner.button]
    assert "patients" in everything(owner)
    owner.button(key=cancel).click().run()
    assert {job.state for job in Workbench().jobs.all() if job.address == student.address} == {"cancelled"}


def test_the_same_file_of_another_visitor_is_another_file() -> None:
    anna, ben = arrive(), arrive()
    student = train_on_own_file(anna)
    go(ben, "training", **{"training.source": "My features"})
    ben.file_uploader(key="training.files").set_value([("mine.npz", features(), "application/octet-stream")]).run()
    assert not ben.exception
    paths = Workbench().store.known_files(student.data.fingerprint, ben.session_state["visitor"])
    assert [Path(path).name for path in paths] == ["mine.npz"]
    assert "patients" not in everything(ben)


def test_scenes_are_kept_for_their_visitor_and_begin_with_the_owners(avexplore_home: Path) -> None:
    from avexplore.config.presets import preset

    bench = Workbench()
    student = preset("tiny", SyntheticConfig(clips=80, classes=3))
    bench.keep_run(student)
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    keep_scenes(avexplore_home, student.address[:12], [Scene("From the owner", "overview")])
    anna, ben = go(arrive(), "overview"), go(arrive(), "overview")
    anna.text_input(key="scene-title-1").set_value("Seen by Anna").run()
    anna.button(key="scene-keep").click().run()
    assert not anna.exception
    for at, title in ((anna, "From the owner"), (anna, "Seen by Anna"), (ben, "From the owner")):
        assert title in everything(go(at, "story"))
    assert "Seen by Anna" not in everything(ben)


def test_a_visitor_is_known_by_login_then_by_browser_then_by_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies: dict[str, str] = {}
    user: dict[str, Any] = {}
    monkeypatch.setattr(session.st, "session_state", {})
    monkeypatch.setattr(session.st, "context", SimpleNamespace(cookies=cookies, headers={}))
    monkeypatch.setattr(session.st, "user", SimpleNamespace(to_dict=lambda: user))
    tab = session.visitor()
    assert session.visitor() == tab
    cookies["avexplore_visitor"] = "1.a.b"
    browser = session.visitor()
    cookies["avexplore_visitor"] = "1.c.d"
    assert len({tab, browser, session.visitor()}) == 3
    user["sub"] = "ada"
    of_one = session.visitor()
    user["iss"] = "https://another.example"
    known = session.visitor()
    assert known != of_one, "another provider's Ada is another one"
    cookies.clear()
    assert session.visitor() == known != browser
    assert session.own_folder().name == known
