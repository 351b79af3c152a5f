"""Names of numbered classes are typed beside the features, and a training says how long it takes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from avexplore.config.presets import preset
from avexplore.data import feature_file
from avexplore.workbench.estimate import Work

ROOT = Path(__file__).parents[3]


def numbered(clips: int = 60) -> bytes:
    rng = np.random.default_rng(0)
    out = io.BytesIO()
    audio, visual = rng.normal(size=(2, clips, 8)).astype(np.float32)
    np.savez(out, audio=audio, visual=visual, labels=np.arange(clips) % 3)
    return out.getvalue()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("AVEXPLORE_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.session_state["training.source"] = "My features"
    return app.switch_page("pages/training.py").run()


def test_typed_names_become_those_of_the_classes(page: AppTest) -> None:
    page.file_uploader(key="training.files").upload("mine.npz", numbered()).run()
    assert any("class_00" in caption.value.replace("\\", "") for caption in page.caption)
    page.text_area(key="training.names").set_value("Bus\nCat, small\nBell").run()
    assert not page.exception
    assert not page.error
    assert any("Bus, Cat, small, Bell" in caption.value.replace("\\", "") for caption in page.caption)
    page.text_area(key="training.names").set_value("Bus\nCat").run()
    assert page.error, "a name too few is said"


def test_the_time_is_told_by_clips_and_by_the_machine(page: AppTest, tmp_path: Path) -> None:
    from avexplore.ui.settings import trainings

    path = tmp_path / "mine.npz"
    path.write_bytes(numbered())
    student = preset("tiny", feature_file(path))
    shipped = trainings.work(student)
    assert isinstance(shipped, Work)
    assert (shipped.students, shipped.teachers) == (2, 1)
    if shipped.seconds is not None:
        assert shipped.elsewhere, "nothing was trained on this machine"
