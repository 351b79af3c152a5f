"""How long pages of a stored run take to open, warm: by the clock, and in processor time of server and browser.

python -m benchmarks.pages --port 8501    # of an app that runs on this machine, on Linux, with Chromium installed
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import psutil

PAGES = {
    "Overview": ("", '[data-testid="stMetric"]'),
    "Story": ("story", '[data-testid="stHeadingWithActionElements"] h3'),
    "Soft labels": ("soft_labels", "canvas"),
    "Embedding space": ("embedding_space", '[data-testid="stExpander"]'),
    "Retrieval": ("retrieval", ".card"),
    "Evaluation": ("evaluation", ".js-plotly-plot .bars"),
}
"""Address, and the element that is drawn last."""


def server_of(port: int) -> psutil.Process:
    """The process that listens on a port."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr.port == port and connection.status == "LISTEN" and connection.pid:
            return psutil.Process(connection.pid)
    raise SystemExit(f"Nothing listens on port {port}. Start the app first: python -m avexplore app")


def processor_seconds(root: psutil.Process) -> float:
    """Of a process and its children."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    chosen = parser.parse_args()
    server, url = server_of(chosen.port), f"http://127.0.0.1:{chosen.port}/"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        mine = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)

        def opened(name: str, go: Any) -> str:
            began = time.perf_counter(), processor_seconds(server), processor_seconds(mine[0])
            go()
            page.locator("h1").get_by_text(name, exact=True).first.wait_for()
            page.locator(PAGES[name][1]).first.wait_for(state="attached")
            wall = time.perf_counter() - began[0]
            page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
            page.wait_for_timeout(300)  # what is drawn late counts as work
            work = processor_seconds(server) - began[1], processor_seconds(mine[0]) - began[2]
            return f"{wall:6.2f} s   server {work[0]:5.2f} s   browser {work[1]:5.2f} s"

        links = page.get_by_test_id("stSidebarNav")
        for name, (path, _) in PAGES.items():
            opened(name, lambda path=path: page.goto(url + path))
        for name, (path, _) in PAGES.items():
            print(f"{name:<16} from its address {opened(name, lambda path=path: page.goto(url + path))}", flush=True)
        for name in PAGES:
            opened(name, lambda name=name: links.get_by_role("link", name=name).click())
        for name in PAGES:
            took = opened(name, lambda name=name: links.get_by_role("link", name=name).click())
            print(f"{name:<16} from the menu    {took}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
