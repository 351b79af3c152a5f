"""Training on a run whose features are gone: said on opening, attached by their content, trained then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from avexplore.config import EvaluationConfig, SyntheticConfig
from avexplore.config.presets import preset
from avexplore.data import export_features, feature_file, load_features
from avexplore.store import Store
from avexplore.workbench import Workbench

ROOT = Path(__file__).parents[3]


class Dropped:
    """A file as somebody drops it on the page."""

    def __init__(self, path: Path) -> None:
        self.name, self._content = path.name, path.read_bytes()

    def getbuffer(self) -> memoryview:
        return memoryview(self._content)


def test_features_are_attached_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("AVEXPLORE_HOME", str(home))
    for name, seed in (("mine", 0), ("other", 1)):
        export_features(load_features(SyntheticConfig(clips=80, classes=3, seed=seed)), tmp_path / f"{name}.npz")
    student = preset("tiny", feature_file(tmp_path / "mine.npz"))
    bench = Workbench(Store(home), read_only=False)
    bench.keep_run(student)
    for one in (student, student.twin):
        bench.get(EvaluationConfig(one))
    (tmp_path / "mine.npz").rename(tmp_path / "renamed.npz")
    dropped: list[Dropped] = []
    taken = st.file_uploader

    def uploader(label: str, **given: Any) -> Any:
        return dropped if label == "Attach features" else taken(label, **given)

    monkeypatch.setattr(st, "file_uploader", uploader)
    st.cache_resource.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    at.query_params["run"] = student.address[:12]
    at.query_params["set"] = "regularizer.weight-3"
    at.switch_page("pages/training.py").run()
    assert not at.exception
    assert any("not on this machine" in warning.value for warning in at.warning)
    assert at.button(key="training.run").disabled, "it does not fail later"
    dropped.append(Dropped(tmp_path / "other.npz"))
    at.run()
    assert any("other files" in error.value for error in at.error)
    dropped[:] = [Dropped(tmp_path / "renamed.npz")]
    at.run()
    assert not at.exception
    assert not at.warning
    assert not at.button(key="training.run").disabled
    assert Workbench(Store(home)).can_read(student.data)
    st.cache_resource.clear()
