"""Classes, sources and runs with names that would be markup: on every page they are letters, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from google.protobuf.message import Message
from stored_run import make_run, store_projection
from streamlit.testing.v1 import AppTest

from avexplore.ui.page_list import PAGES
from avexplore.ui.parts.plain_text import as_html, as_markdown

ROOT = Path(__file__).parents[3]
TRICKS = (
    "![p](http://evil.example/p.png)",
    "[l](http://evil.example)",
    "**b**",
    ":red[r]",
    ":material/home:",
    "`c`",
    "<img src=x onerror=alert(1)>",
    "http://evil.example/q",
)
NAME = "N4ME "
"""What each of them begins with, so that they are found again."""
CLASSES = tuple(NAME + trick for trick in TRICKS)
SOURCE = NAME + " ".join(TRICKS)
# Shown as they are, by Streamlit's front end: lists to choose from, what was typed, code, tables and data for pictures.
PLAIN = {
    ("Selectbox", "options"), ("MultiSelect", "options"), ("TextInput", "default"), ("TextInput", "value"),
    ("Code", "code_text"), ("PlotlyChart", "spec"), ("BidiComponent", "json"), ("BidiComponent", "mixed"),
    ("Text", "body"), ("Metric", "body"), ("Dataframe", "columns"), ("PageLink", "query_string"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(avexplore_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("AVEXPLORE_MODELS", str(tmp_path / "nothing"))
    made = make_run(avexplore_home, classes=CLASSES, source=SOURCE, name=SOURCE[:180])
    store_projection(made)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield made.key
    st.cache_resource.clear()
    st.cache_data.clear()


def texts(message: Message, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text that goes to the browser: the message it stands in, its field, and itself."""
    for field, value in message.ListFields():
        several = value if not isinstance(value, (str, bytes, Message)) and hasattr(value, "__iter__") else [value]
        for one in several:
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield message.DESCRIPTOR.name, field.name, one


def is_markup(kind: str, field: str, text: str) -> bool:
    """Whether one of the tricks would work."""
    if (kind, field) in PLAIN:
        return False
    safe = as_html if kind == "Html" else as_markdown
    return any(trick in text.replace(safe(trick), "") for trick in TRICKS)


def marked(at: AppTest) -> list[tuple[str, str, str]]:
    found = []
    for node in at._tree:
        proto: Any = getattr(node, "proto", None)
        if isinstance(proto, Message):
            found += [one for one in texts(proto) if NAME.strip() in one[2]]
    return found


def views(page: str) -> list[dict[str, str]]:
    return {
        "soft_labels": [{"sl_view": view} for view in ("Data", "Clips", "Classes", "Calibration")],
        "class_graph": [{}, {"sel": "n0"}, {"sel": "e0-8"}],
        "experiments": [{"view": "Arms and controls"}, {"view": "Sweep"}],
        "training": [{"training.source": "This run"}, {"training.source": "My features"}],
        "story": [{"step": str(step)} for step in range(1, 5)],
    }.get(page, [{}])


@pytest.mark.parametrize("page", [info.name for info in PAGES])
def test_names_are_letters(page: str, home: str) -> None:
    seen = 0
    for query in views(page):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
        for name, value in {"run": home, **query}.items():
            at.query_params[name] = value
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception
        found = marked(at)
        seen += len(found)
        assert [one for one in found if is_markup(*one)] == []
    assert seen, "the page shows no name at all"


def test_why_something_failed_is_letters_too() -> None:
    def script(message: str) -> None:
        from avexplore.config import SyntheticConfig
        from avexplore.ui.parts import job_progress

        job_progress._failed(SyntheticConfig(), "Training", message, ())

    at = AppTest.from_function(script, args=(SOURCE,), default_timeout=60).run()
    assert not at.exception
    assert len(marked(at)) == 1
    assert [one for one in marked(at) if is_markup(*one)] == []
