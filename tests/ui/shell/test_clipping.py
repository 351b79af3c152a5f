"""All pages at the width of a phone and of a laptop: no word is cut, and every control has a name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avexplore.ui.page_list import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

CLIPPED = Path(__file__).with_name("clipping.js").read_text(encoding="utf-8")
CONTROLS = {"button", "checkbox", "slider", "tab", "radio", "combobox", "link", "textbox", "spinbutton", "switch"}
PICTURES = {"image", "img", "Canvas", "figure"}
STREAMLIT = ("glide-cell", "stMain", "data-grid-canvas", "js-plotly-tester", "icon", "stAudio", "stVideo")
"""Parts that Streamlit and plotly bring without a name: cells, the page itself, the picture of a table, players."""
PATIENCE = 30
ADDRESSES = [*(info.name for info in PAGES), "story?step=4", "story?step=5", "soft_labels?sl_view=Calibration"]


def eventually_none(look: Callable[[], list[str]]) -> list[str]:
    """What is found when the page has come to rest: it may still draw when its script has ended."""
    end = time.monotonic() + PATIENCE
    found = look()
    while found and time.monotonic() < end:
        time.sleep(0.25)
        found = look()
    return found


def unnamed(session: Any) -> list[str]:
    """Controls and pictures that a screen reader has no words for."""
    found = []
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        role, name = node.get("role", {}).get("value", ""), node.get("name", {}).get("value", "")
        focusable = any(p["name"] == "focusable" and p["value"].get("value") for p in node.get("properties", ()))
        if node.get("ignored") or name.strip() or not (role in CONTROLS | PICTURES or focusable):
            continue
        if role in ("RootWebArea", "gridcell", "columnheader", "option") or "backendDOMNodeId" not in node:
            continue
        try:
            described = session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})["node"]
        except Exception:  # it has gone since
            continue
        attributes = described.get("attributes", ())
        words = " ".join(attributes)
        # A table's own, behind the one that is named.
        inner = described["localName"] == "canvas" and not {"class", "id", "role"} & {*attributes[::2]}
        if not inner and not any(own in words for own in STREAMLIT):
            found.append(f"{role}: {described['localName']} {words}"[:160])
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_no_word_is_cut_and_every_control_has_a_name(width: int, browser: Any, server: Any) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    session = page.context.new_cdp_session(page)
    wrong = {}
    try:
        for address in ADDRESSES:
            page.goto(f"{server.url}/{address}")
            page.get_by_role("heading", level=1).wait_for(timeout=120_000)
            page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=120_000)
            cut = eventually_none(lambda: page.evaluate(CLIPPED))
            nameless = eventually_none(lambda: unnamed(session))
            wrong |= {address: (cut, nameless)} if cut or nameless else {}
    finally:
        page.close()
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
