"""Take the pictures of docs/pages.md anew, of the first run that ships with avexplore.

python .ci/screenshots.py        (with the tests' environment, which brings the browser's driver)
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pages"
PAGES = {
    "overview": "",
    "tune": "tune",
    "story": "story",
    "soft_labels": "soft_labels",
    "class_graph": "class_graph",
    "embedding_space": "embedding_space",
    "retrieval": "retrieval",
    "evaluation": "evaluation",
    "compare": "compare",
    "experiments": "experiments",
    "training": "training",
}
PATIENCE = 180_000
WIDTH = 1000
"""Pixels of a picture, of 1280 on the screen; in 256 colors, they are small and sharp."""


def settled(page: Page) -> None:
    """Wait until Streamlit has nothing to do and the page looks the same twice."""
    page.get_by_role("heading", level=1).first.wait_for(timeout=PATIENCE)
    before = b""
    for _ in range(120):
        page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=PATIENCE)
        page.wait_for_timeout(1500)
        now = page.screenshot()
        if now == before:
            return
        before = now


def take(address: str) -> None:
    """Open each page and keep its picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        for name, path in PAGES.items():
            page.goto(f"{address}/{path}", timeout=PATIENCE)
            settled(page)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
            # By coverage: the median cut takes the rare colors of marks and lines for others.
            few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
            few.save(FOLDER / f"{name}.png", optimize=True)
            print(f"{name}.png")
        browser.close()


def main() -> None:
    """Serve, take, stop."""
    FOLDER.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(
            [sys.executable, "-m", "avexplore", "app", "--port", str(port)],
            cwd=ROOT, env=os.environ | {"AVEXPLORE_HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.3)
            take(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(timeout=60)


if __name__ == "__main__":
    main()
