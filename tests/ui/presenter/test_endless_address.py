"""An address that is too long for a scene."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest


def test_a_presented_page_opens_and_cannot_be_kept(app: Callable[..., AppTest]) -> None:
    assert not app("overview", present="1", lasso="A" * 20_000).exception
    at = app("overview", lasso="A" * 20_000)
    at.text_input(key="scene-title-0").set_value("A view").run()
    at.button(key="scene-keep").click().run()
    assert not at.exception
    assert "an address of at most" in at.error[0].value
