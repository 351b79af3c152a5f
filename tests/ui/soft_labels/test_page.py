"""The page through the whole app: each view, with and without hidden labels, hostile names, links, bad uploads."""

from __future__ import annotations

import html
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from avexplore.artifacts import Clips, History, SoftLabels, TrainedTeacher
from avexplore.calibration.reliability import ReliabilityDiagram
from avexplore.config import ClipsConfig, SyntheticConfig, TeacherConfig
from avexplore.data import load_soft_labels, soft_label_file
from avexplore.store import Store
from avexplore.ui.parts.reliability_chart import Curve, reliability_chart
from avexplore.ui.soft_labels import charts
from avexplore.ui.soft_labels import data as soft_labels_data

ROOT = Path(__file__).parents[3]
CLASSES = ("Train horn", "<b>Bus</b>", ":red[Car]", "=Dog()")
BINS = 5


def make(home: Path, *, hidden: bool = True) -> TeacherConfig:
    rng = np.random.default_rng(0)
    n = 60
    config = TeacherConfig(SyntheticConfig(clips=n, classes=4))
    label = np.arange(n) % 4
    truth = np.eye(4, dtype=bool)[label]
    truth[label == 0, 1] = True
    clips = Clips(
        hard_label=label,
        classes=CLASSES,
        split=np.repeat([0, 1, 2], 20),
        clip_ids=tuple(f"clip-{i}" for i in range(n)),
        true_labels=truth if hidden else None,
        source="Made up",
    )
    logits = [(3.0 * truth + rng.normal(size=(n, 4))).astype(np.float32) for _ in range(2)]
    soft = SoftLabels(logits[0], logits[1], "logits", CLASSES, clips.split, label, temperature=np.array([1.5, 0.8]))
    bins = np.linspace(0.1, 0.9, BINS)
    calibration: dict[str, Any] = {}
    for when, error in (("before", 0.21), ("after", 0.04)):
        calibration |= {
            f"ece_{when}": np.array([error, error / 2]),
            f"confidence_{when}": np.stack([bins, bins]),
            f"accuracy_{when}": np.stack([bins, bins]) ** 2,
            f"count_{when}": np.full((2, BINS), 4),
        }
    store = Store(home)
    store.put(ClipsConfig(config.data), clips)
    store.put(config, TrainedTeacher(soft, {}, History(), calibration, {}))
    return config


@pytest.fixture
def home() -> Iterator[Path]:
    st.cache_resource.clear()
    yield Path(os.environ["AVEXPLORE_HOME"])
    st.cache_resource.clear()


def page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page("pages/soft_labels.py").run()


def view(app: AppTest, name: str) -> AppTest:
    app.session_state["sl_view"] = name
    return app.run()


def listed(name: str) -> AppTest:
    app = page()
    app.session_state["sl_order"] = name
    return app.run()


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("name", ["clips", "classes", "calibration", "data"])
def test_every_view_draws(home: Path, name: str, hidden: bool) -> None:
    make(home, hidden=hidden)
    app = view(page(), name)
    assert not app.exception
    assert not app.error


def test_the_list_names_what_was_found_and_what_is_true(home: Path) -> None:
    make(home)
    app = listed("events")
    table = app.dataframe[0].value
    assert list(table.columns) == ["Clip", "Annotated", "Unannotated event", "True", "Heard", "Seen"]
    assert table["Unannotated event"][0] == "<b>Bus</b>"
    assert table["True"][0] == "yes"
    strongest = table[["Heard", "Seen"]].max(axis=1).tolist()
    assert strongest == sorted(strongest, reverse=True)


def test_the_page_opens_on_what_was_found_and_says_how_often_the_teacher_is_right(home: Path) -> None:
    make(home)
    everything = listed("events").dataframe[0].value
    right = everything["True"] == "yes"
    assert 0 < right.sum() < len(right)
    app = page()
    assert len(app.dataframe[0].value) == right.sum()
    said = next(block.proto.body for block in app.get("html") if "hit-rate" in block.proto.body)
    assert f"<b>{right.mean():.0%}</b>" in said
    assert f"({right.sum()})" in said
    assert len(listed("false").dataframe[0].value) == (~right).sum()


def test_where_no_event_is_strong_the_strongest_are_shown(home: Path) -> None:
    config = make(home)
    entry = Store(home).get(config)
    assert entry is not None
    sure = (20 * np.eye(4)[entry.artifact.soft_labels.hard_label]).astype(np.float32)
    weak = replace(entry.artifact.soft_labels, audio=sure, visual=sure)
    Store(home).remove(config.address)
    Store(home).put(config, replace(entry.artifact, soft_labels=weak))
    app = page()
    app.session_state["sl_min"] = 0.25
    app.run()
    assert any("No clip fits" in info.value for info in app.info), "what was asked for counts"
    app.session_state["sl_min"] = 0.2
    app.run()
    assert len(app.dataframe[0].value)


def test_filters_narrow_the_list(home: Path) -> None:
    make(home)
    app = page()
    app.session_state["sl_annotated"] = "0"
    app.session_state["sl_event"] = "1"
    app.run()
    table = app.dataframe[0].value
    assert set(table["Annotated"]) == {"Train horn"}
    assert set(table["Unannotated event"]) == {"<b>Bus</b>"}
    app.session_state["sl_min"] = 1.0
    app.run()
    assert any("No clip fits" in info.value for info in app.info)


def test_the_clip_in_the_address_is_shown(home: Path) -> None:
    make(home)
    app = page(clip="44")
    assert any("clip 44" in text.value for text in app.markdown)


@pytest.mark.parametrize("clip", ["-1", "9" * 30, "x", "²"])
def test_a_wrong_clip_in_the_address_shows_the_first(home: Path, clip: str) -> None:
    make(home)
    app = page(clip=clip)
    assert not app.exception


def test_names_are_text(home: Path) -> None:
    make(home)
    for name in ("clips", "classes", "data"):
        app = view(page(), name)
        assert not any("<b>" in text.value or " :red[" in text.value for text in app.markdown)


def test_calibration_shows_the_teachers_figures(home: Path) -> None:
    make(home)
    app = view(page(), "calibration")
    assert [metric.value for metric in app.metric] == ["0.210", "0.040", "0.105", "0.020"]


def test_soft_labels_from_a_file_are_a_run_of_their_own(home: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "mine.npz", audio=rng.random((30, 3)), visual=rng.random((30, 3)))
    config = soft_label_file(tmp_path / "mine.npz")
    Store(home).put(config, load_soft_labels(config))
    for name in ("clips", "classes", "calibration", "data"):
        app = view(page(), name)
        assert not app.exception
        if name == "data":
            assert any("All rows count as training clips" in warning.value for warning in app.warning)


def test_without_a_run_there_is_still_a_way_in(home: Path) -> None:
    app = page()
    assert not app.exception
    app = view(app, "data")
    assert any("Bring your own" in header.value for header in app.subheader)


def test_the_download_is_read_back(home: Path, tmp_path: Path) -> None:
    config = make(home)
    entry = Store(home).get(config)
    assert entry is not None
    soft = entry.artifact.soft_labels
    (tmp_path / "out.npz").write_bytes(soft_labels_data.as_npz(soft))
    again = load_soft_labels(soft_label_file(tmp_path / "out.npz"))
    for name in ("audio", "visual", "split", "hard_label"):
        assert np.array_equal(getattr(again, name), getattr(soft, name))
    assert again.classes == CLASSES
    assert again.kind == "logits"
    assert np.array_equal(again.probabilities(), soft.probabilities()), "calibration is in the file"


def test_an_upload_asks_what_its_numbers_are_and_says_what_was_read(home: Path) -> None:
    app = view(page(), "data")
    logits = np.random.default_rng(0).normal(-2, 2, (40, 3))
    out = io.BytesIO()
    np.savez(out, audio=logits, visual=logits, loss=np.zeros(3))
    app.file_uploader(key="sl_file").upload("mine.npz", out.getvalue()).run()
    assert not app.exception
    assert any("of sigmoids" in error.value for error in app.error)
    app.selectbox(key="sl_kind").set_value("independent-logits").run()
    assert not app.exception
    assert not app.error
    assert any("each class for itself" in success.value for success in app.success)
    said = " ".join(caption.value for caption in app.caption)
    assert "Not read" in said
    assert "loss" in said


def test_a_run_address_in_the_url_is_followed(home: Path) -> None:
    first = make(home)
    other = replace(first, seed=5)
    entry = Store(home).get(first)
    assert entry is not None
    Store(home).put(other, entry.artifact)

    def sidebar() -> None:
        import streamlit as st

        from avexplore.ui.settings import bar
        from avexplore.ui.shell import address, session

        address.begin(st.query_params.get("run", ""))  # as by a link from another page
        session.pick_run()
        bar.place("soft_labels")

    app = AppTest.from_function(sidebar, default_timeout=30)
    for config in (first, other, first):
        app.query_params["run"] = config.address[:12]
        app.run()
        assert app.session_state["run"] == config.address[:12]
    app.session_state["run"] = other.address[:12]
    app.run()
    assert app.query_params["run"] in (other.address[:12], [other.address[:12]])
    app.query_params["run"] = "nonsense"
    app.run()
    assert not app.exception
    assert app.query_params["run"] in (other.address[:12], [other.address[:12]])


def test_charts_hold_names_as_they_are() -> None:
    chart = charts.clip_bars(CLASSES, np.array([[0.1, 0.5, 0.2, 0.2]] * 2), 1, [3])
    shown = {html.unescape(name) for name in chart.layout.yaxis.ticktext}
    assert shown == {"Train horn", "<b>Bus</b> ✔", ":red[Car]", "=Dog() +"}
    assert not any("<b>" in name for name in chart.layout.yaxis.ticktext), "plotly would take it for markup"


def test_a_heat_map_leaves_out_what_is_unknown() -> None:
    matrix = np.array([[0.5, np.nan], [0.2, 0.1]])
    chart = charts.heat_map(
        ("a", "a"), ("x", "y"), {"P": matrix}, row_title="r", column_title="c", value_title="v", without_diagonal=True
    )
    drawn = np.array(chart.data[0].z, dtype=float)
    assert drawn[1, 0] == 0.2
    assert np.isnan(drawn[[0, 0, 1], [0, 1, 1]]).all()


def luminance(color: str) -> float:
    """WCAG's relative luminance of "#rrggbb"."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("theme", "paper"), [("light", "#FFFFFF"), ("dark", "#11171D")])
def test_thin_lines_stand_out_in_both_themes(theme: str, paper: str) -> None:
    """WCAG 2.2, 1.4.11; both curves of a reliability diagram are drawn in full strength."""
    for color in charts.LINES[theme]:
        dark, light = sorted((luminance(color), luminance(paper)))
        assert (light + 0.05) / (dark + 0.05) >= 3
    bins = np.linspace(0.1, 0.9, BINS)
    one = ReliabilityDiagram(bins, bins, np.full(BINS, 4), 0.1)
    curves = [Curve("Before", one, charts.LINES[theme][0], is_dashed=True), Curve("After", one, charts.LINES[theme][0])]
    chart = reliability_chart(curves, "x", "y", 300)
    assert [trace.opacity for trace in chart.data] == [None] * 3


def test_shares_of_classes_are_whole_percentages_and_stay_shares_in_the_download(home: Path) -> None:
    make(home)
    app = view(page(), "classes")
    table = app.dataframe[0]
    assert table.value["First, audio"].between(0, 100).all()
    assert table.value["First, audio"].max() > 1
    formats = json.loads(table.proto.columns)
    for name in ("First, audio", "First, visual", "Elsewhere, true"):
        assert formats[name]["type_config"]["format"] == "%.0f%%"


def test_formulas_are_disarmed_in_downloads(home: Path) -> None:
    from avexplore.ui.soft_labels.page import _csv

    assert "'=Dog()" in _csv({"Class": ["=Dog()"], "x": [0.123456789]})
    assert io.StringIO(_csv({"a": [1]})).readline().strip() == "a"
