"""Build the wheel, install it into a fresh environment, list its runs and open three of its pages in a browser.

python .ci/wheel.py        (with the tests' environment: the browser is driven from there)
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"": "Overview", "class_graph": "Class graph", "retrieval": "Retrieval"}
QUIET = ("-m", "pip", "--disable-pip-version-check", "--quiet")
SHIPPED = 2
PATIENCE = 180


def run(*command: str, folder: Path, **environment: str) -> str:
    """Run a command from a folder; its output."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def open_pages(address: str) -> None:
    """Open each page and wait for its title; anything that the page itself calls an error ends this."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for path, title in PAGES.items():
            page.goto(f"{address}/{path}", timeout=PATIENCE * 1000)
            page.get_by_role("heading", name=title).first.wait_for(timeout=PATIENCE * 1000)
            page.get_by_text("YouTube-8M").first.wait_for(state="attached", timeout=PATIENCE * 1000)
            if page.get_by_test_id("stException").count():
                sys.exit(f"/{path} shows an exception:\n{page.get_by_test_id('stException').first.inner_text()}")
            print(f"/{path or 'home'} opens")
        browser.close()


def main() -> None:
    """Build, install, list, open."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        run(sys.executable, *QUIET, "wheel", "--no-deps", "-w", str(work), str(ROOT), folder=ROOT)
        wheel = next(work.glob("*.whl"))
        venv.create(work / "environment", with_pip=True)
        python = str(work / "environment" / "bin" / "python")
        locked = str(ROOT / "requirements.txt")
        run(python, *QUIET, "install", "-c", locked, str(wheel), folder=work)
        empty = work / "empty"
        empty.mkdir()
        home = {"AVEXPLORE_HOME": str(work / "home"), "PYTHONPATH": ""}
        listed = json.loads(run(python, "-m", "avexplore", "runs", "--json", folder=empty, **home))
        assert len(listed["runs"]) >= SHIPPED, listed
        print(f"{wheel.name} lists {len(listed['runs'])} runs")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            [python, "-m", "avexplore", "app", "--port", str(port)],
            cwd=empty, env=os.environ | home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                    break
                except OSError:
                    if time.monotonic() > end or server.poll() is not None:
                        sys.exit("The installed app did not start")
                    time.sleep(0.3)
            open_pages(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(timeout=60)
            wait_for_all_of(python)


def wait_for_all_of(python: str) -> None:
    """Wait until nothing runs that an environment's Python has started: an app that has ended leaves nobody behind."""
    end = time.monotonic() + 30
    while left := [found for found in psutil.process_iter(["cmdline"]) if python in (found.info["cmdline"] or [])]:
        if time.monotonic() > end:
            sys.exit(f"The app has ended, and still runs: {left}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
