"""What tests in a real browser wait for: a condition, never a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def settled(page: Any) -> None:
    """Wait until the page is drawn and stays so for a moment: a click on what is being replaced goes nowhere."""
    page.locator('[data-testid="stApp"]').wait_for()
    page.wait_for_function(
        """() => {
          const isDrawn = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
            && !document.querySelector('[data-testid="stSkeleton"]');
          const now = performance.now();
          const since = isDrawn ? window.drawnSince ?? now : null;
          const isOver = isDrawn && now - since > 300;
          window.drawnSince = isOver ? null : since;
          return isOver;
        }"""
    )


def steady(page: Any, element: Any) -> None:
    """Wait until the page is drawn and an element keeps its place: what is pointed at must not move away."""
    settled(page)
    boxes = [element.bounding_box()]

    def still() -> bool:
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        boxes.append(element.bounding_box())
        return bool(boxes[-1] == boxes[-2] and boxes[-1])

    until(still)
    settled(page)


def address(page: Any) -> str:
    # `page.url` is updated only while Playwright itself is at work.
    return str(page.evaluate("location.href"))


def until(true: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError("It did not happen in time")
        time.sleep(0.05)
