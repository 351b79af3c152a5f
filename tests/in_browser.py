"""What tests in a real browser wait for: a condition, never a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def settled(page: Any) -> None:
    """Wait until the page is drawn: a click on a button that is being replaced goes nowhere."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


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
