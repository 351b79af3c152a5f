"""From a slider's key to the redrawn picture, in a real browser, by number of nodes.

    python benchmarks/graph_view.py [--nodes 30 60 300 1000] [--steps 7]

Serves a page that holds nothing but a slider and the graph view, steps the slider, and measures in the browser: from
the key to the first frame that shows the new graph (Python, network, message, drawing), and of that the time in our
JavaScript. Positions are compared before and after each step: any displacement is printed, and an error.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

PAGE = """
import numpy as np
import streamlit as st
from avexplore.drawing.class_graph.arrangement import Arrangement
from avexplore.ui.class_graph.component import mount
from avexplore.drawing.class_graph.layouts import arrange
from avexplore.drawing.class_graph.payload import to_payload
from avexplore.drawing.class_graph.picture import Edge, Node, Picture

st.set_page_config(layout="wide")
count = int(st.query_params["nodes"])
half = count // 2

@st.cache_data
def made(count):
    rng = np.random.default_rng(0)
    pairs = {tuple(sorted(rng.choice(count, 2, replace=False))) for _ in range(int(2.2 * count))}
    edges = [(int(a), int(b), float(rng.beta(2, 2))) for a, b in sorted(pairs)]
    weights = np.zeros((count, count))
    for a, b, w in edges:
        weights[a, b] = w
    return edges, arrange("spring", weights)

edges, position = made(count)

@st.fragment
def body():
    least = st.slider("least", 0.0, 1.0, 0.3, 0.01)
    nodes = tuple(Node(f"{'audio' if i < half else 'visual'}:class {i % half}") for i in range(count))
    drawn = tuple(Edge(a, b, True, w) for a, b, w in edges if w >= least)
    picture = Picture("bench", nodes, drawn, message=f"{least:.2f}")
    payload = to_payload(picture, Arrangement("spring", position), view={"threshold": 0.0, "serial": "0"})
    mount(payload, key="g", on_change=lambda: None, on_command=lambda: None)

body()
"""

FIND = """window.graphStage = () => {
  const find = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.graphStage) return element.graphStage;
      if (element.shadowRoot) { const found = find(element.shadowRoot); if (found) return found; }
    }
  };
  return find(document);
};"""

STEP = """() => new Promise((resolve) => {
  const stage = window.graphStage();
  const version = stage.data.version;
  const before = JSON.stringify(stage.network.getPositions());
  document.addEventListener('keydown', () => {
    const pressed = performance.now();
    const look = () => {
      if (stage.data.version === version) return requestAnimationFrame(look);
      stage.network.once('afterDrawing', () => resolve({
        total: performance.now() - pressed,
        script: stage.drawMilliseconds,
        moved: before !== JSON.stringify(stage.network.getPositions()),
      }));
      stage.network.redraw();
    };
    requestAnimationFrame(look);
  }, { once: true, capture: true });
})"""


def measure(page: Any, address: str, nodes: int, steps: int) -> dict[str, float]:
    """Median milliseconds of some steps at one size."""
    started = time.perf_counter()
    page.goto(f"{address}/?nodes={nodes}")
    page.wait_for_selector(".graph-view[data-version]", timeout=120_000)
    first = 1000 * (time.perf_counter() - started)
    page.wait_for_timeout(1000)
    handle = page.get_by_role("slider", name="least")
    handle.focus()
    found = []
    for _ in range(steps):
        page.evaluate(f"window.benchStep = ({STEP})(); undefined")
        handle.press("ArrowRight")
        found.append(page.evaluate("window.benchStep"))
        page.wait_for_timeout(300)
    if any(step["moved"] for step in found):
        raise SystemExit(f"Nodes moved on a slider step at {nodes} nodes")
    frame = page.evaluate(
        "() => { const s = window.graphStage(); const t = performance.now(); for (let i = 0; i < 10; i++) "
        "s.network.renderer._redraw(false); return (performance.now() - t) / 10; }"
    )
    return {
        "nodes": nodes,
        "first_picture_ms": round(first),
        "slider_to_picture_ms": round(statistics.median(step["total"] for step in found)),
        "of_it_script_ms": round(statistics.median(step["script"] for step in found), 1),
        "frame_ms": round(frame, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[30, 60, 300, 1000])
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "page.py"
        script.write_text(PAGE)
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
        options = ["--server.headless=true", "--browser.gatherUsageStats=false"]
        server = subprocess.Popen(
            command + options, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/_stcore/health")
            with sync_playwright() as running:
                browser = running.chromium.launch(
                    executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                page = browser.new_page(viewport={"width": 1366, "height": 768})
                page.add_init_script(FIND)
                for nodes in given.nodes:
                    print(json.dumps(measure(page, address, nodes, given.steps)), flush=True)
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start")


if __name__ == "__main__":
    main()
