"""Frame time while both maps are dragged, in a real browser without a GPU, by number of points.

    python benchmarks/map_frames.py [--points 20000 100000 1000000] [--frames 150]

The front end of the maps alone, on a page of 1440 x 900, with Chromium's frame rate unlocked and its GPU off. A pointer
drags the maps by a few pixels in every frame, three times over their width and back, at the whole map and enlarged.
Frame time is from one frame to the next, with everything in it: script, compositing and painting by the browser.
Beside it stands, in the same run, both maps painted anew in one go: what a frame would cost if pictures were not moved.
Points are clusters as UMAP makes them; nothing else is on the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from avexplore.artifacts import Projection
from avexplore.drawing.maps import facets, packed
from avexplore.drawing.maps.class_groups import ClassGroups
from avexplore.drawing.one_module import front_end

CLASSES, GROUPS = 300, 14
AIMS = {20_000: 16, 100_000: 33, 1_000_000: 50}
"""Milliseconds per frame."""

PAGE = """<!doctype html><html><head><style>
:root { --st-background-color: #fff; --st-text-color: #1b2733; --st-primary-color: #0072b2; --st-font: sans-serif; }
body { margin: 12px; } %s</style></head><body><div id="maps">%s</div><script type="module">
import draw from "./maps.js";
const parentElement = document.getElementById("maps");
const data = new Uint8Array(await (await fetch("./data")).arrayBuffer());
draw({ parentElement, data, setStateValue() {} });
const canvas = parentElement.querySelector("canvas.marks");
window.maps = canvas.owner;
window.isDone = () => canvas.inspect && window.maps.painter.isDone;
</script></body></html>"""

DRAG = """async (frames) => {
  const maps = window.maps, canvas = maps.panes[0].marks, width = maps.panes[0].w;
  maps.take("hand");
  const send = (kind, x) => canvas.dispatchEvent(new PointerEvent(kind, { pointerId: 1, button: 0, bubbles: true,
    clientX: canvas.getBoundingClientRect().left + x, clientY: canvas.getBoundingClientRect().top + 200 }));
  canvas.setPointerCapture = () => {};
  const frame = () => new Promise(requestAnimationFrame);
  const step = maps.painter.step.bind(maps.painter);
  let script = 0;
  maps.painter.step = () => { const began = performance.now(); step(); script += performance.now() - began; };
  const times = [], scripts = [];
  let x = 20, along = 9;
  send("pointerdown", x);
  let last = await frame();
  for (let k = 0; k < frames; k++) {
    script = 0;
    if (x + along > width - 20 || x + along < 20) along = -along;
    x += along;
    send("pointermove", x);
    const now = await frame();
    times.push(now - last);
    scripts.push(script);
    last = now;
  }
  send("pointerup", x);
  maps.painter.step = step;
  return { times, scripts };
}"""

PAINT = """() => {
  const maps = window.maps, times = [];
  for (let k = 0; k < 3; k++) {
    const began = performance.now();
    for (const pane of maps.panes) for (const _ of pane.raster.painting(maps, pane));
    times.push(performance.now() - began);
  }
  return Math.min(...times);
}"""


def content(points: int) -> bytes:
    """Made-up maps of clusters, as the page sends them."""
    rng = np.random.default_rng(0)
    m = points // 2
    labels = rng.integers(0, CLASSES, m)
    middles = rng.normal(size=(CLASSES, 2)) * 5
    before = middles[np.tile(labels, 2)] + rng.normal(scale=0.4, size=(2 * m, 2))
    after = before + rng.normal(scale=0.15, size=before.shape)
    metrics = {"trustworthiness_before": 1.0, "trustworthiness_after": 1.0}
    drift = rng.random(2 * m)
    shown = Projection(before.astype(np.float32), after.astype(np.float32), np.arange(m), metrics, drift)
    groups = ClassGroups(np.arange(CLASSES) % GROUPS, tuple(f"group {k}" for k in range(GROUPS)))
    found = [
        facets.by_group(labels, groups),
        facets.by_class(labels, [f"Class {k}" for k in range(CLASSES)], groups),
        facets.by_modality(m),
        facets.by_steps("drift", "Neighbors lost", drift, facets.DRIFT_STEPS),
    ]
    names = np.concatenate([middles, middles], axis=1)
    return packed.pack(packed.content(shown, found, names=names))


def measure(browser: Any, points: int, frames: int) -> list[dict[str, float]]:
    """One line per enlargement."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    view = front_end("view", packed.FRONTEND)
    served = {
        "maps.js": (view["js"], "text/javascript"),
        "data": (content(points), "application/octet-stream"),
        "": (PAGE % (view["css"], view["html"]), "text/html"),
    }

    def answer(route: Any) -> None:
        body, kind = served[route.request.url.rpartition("/")[2]]
        route.fulfill(body=body, content_type=kind)

    page.route("http://maps.invalid/*", answer)
    page.goto("http://maps.invalid/")
    page.wait_for_function("() => window.isDone && window.isDone()", timeout=120_000)
    lines = []
    for enlarged in (1, 8):
        page.evaluate("k => window.maps.lookAt({ k, x: 0, y: 0 })", enlarged)
        page.wait_for_timeout(300)
        page.wait_for_function("() => window.isDone()", timeout=120_000)
        painted = page.evaluate(PAINT)
        drag = page.evaluate(DRAG, frames)
        lines.append(
            {
                "points": points,
                "enlarged": enlarged,
                "frame_ms": round(statistics.median(drag["times"]), 1),
                "frame_p95_ms": round(_quantile(drag["times"], 0.95), 1),
                "script_ms": round(statistics.median(drag["scripts"]), 1),
                "painted_anew_ms": round(painted, 1),
                "times_faster": round(painted / statistics.median(drag["times"]), 1),
                "aim_ms": AIMS.get(points, 0),
            }
        )
    page.close()
    return lines


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(np.asarray(values), share))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=list(AIMS))
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
        browser = running.chromium.launch(executable_path=given.chromium, args=flags)
        for points in given.points:
            for line in measure(browser, points, given.frames):
                print(json.dumps(line), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
