"""From a slider to figures, lists and maps: what a visitor waits for, in a real browser.

    python benchmarks/tune.py [--steps 20] [--run KEY]
    python benchmarks/tune.py --made 8675             # a made-up run of so many clips: .648 of them are test clips
    python benchmarks/tune.py --train [FEATURES.npz]  # from a changed lambda to the newly trained student's figures

Each slider of the page Tune is moved by a key, step after step; measured is the time from the key to the board (figures
and lists) and to the maps showing the new setting, median and range. The server's CPU time is told, too: on a busy
machine it says more than the clock. Bootstraps of a penalty that nobody looked at before are in it.
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

import psutil

SLIDERS = ("Link strength", "Posterior temperature", "Posterior share", "Penalty")
CHROMIUM = "/usr/bin/chromium"


def serve(home: str) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "AVEXPLORE_HOME": home}
    command = [sys.executable, "-m", "avexplore", "app", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return process, url
        except OSError:
            time.sleep(0.2)


def step(page: Any, key: str) -> tuple[float, float]:
    """Milliseconds from a key to the board and to the maps, which lie in the shadow of their components."""
    parts = {part: page.query_selector(f".{part}[data-version]") for part in ("board", "maps")}
    page.evaluate(
        """(parts) => { window.seen = {}; window.began = null;
        const before = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.dataset.version]));
        addEventListener('keydown', () => (window.began ??= performance.now()), { capture: true, once: true });
        const look = () => { for (const [name, part] of Object.entries(parts)) {
            if (part.dataset.version !== before[name]) window.seen[name] ??= performance.now(); }
            if (!window.seen.maps) requestAnimationFrame(look); };
        requestAnimationFrame(look); }""",
        parts,
    )
    page.keyboard.press(key)
    page.wait_for_function("window.seen.board && window.seen.maps", timeout=60_000)
    board, maps = page.evaluate("[window.seen.board - window.began, window.seen.maps - window.began]")
    return board, maps


def make(home: str, *arguments: str) -> None:
    """A stored run in a data folder, by the command line."""
    command = [sys.executable, "-m", "avexplore", "run", *arguments, "--quiet"]
    subprocess.run(command, env={**os.environ, "AVEXPLORE_HOME": home}, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--run", default="")
    parser.add_argument("--made", type=int, default=0, metavar="CLIPS", help="Of a made-up run, 64.8 % for the test.")
    parser.add_argument("--train", nargs="?", const="", metavar="FEATURES", help="Steps of lambda, QUICK.")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="avexplore-tune-") as home, sync_playwright() as playwright:
        if options.made:
            fields = [f"synthetic.clips={options.made}", "synthetic.test_fraction=0.648"]
            make(home, "--preset", "tiny", *(word for field in fields for word in ("--set", field)))
        if options.train is not None:
            # A seed that no shipped run has: its features are to be at hand.
            make(home, "--preset", "quick", "--seed", "1", *([options.train] if options.train else []))
        process, url = serve(home)
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            own = own_run(home) if options.made or options.train is not None else options.run
            page.goto(f"{url}/tune" + (f"?run={own}" if own else ""))
            page.wait_for_selector(".maps[data-version]", timeout=300_000)
            for name in ("Class graph", "Embedding"):
                page.locator("summary", has_text=name).click()
            # Compiling goes on behind the first drawing: a first step, and then until it is done.
            page.get_by_role("slider", name=SLIDERS[0]).first.press("ArrowRight")
            page.wait_for_timeout(5_000)
            while "compiled" in (page.locator(".maps .note").text_content() or ""):
                page.wait_for_timeout(1_000)
            print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of up to {options.steps}")
            if options.train is not None:
                measure_training(page, options.steps, process)
            else:
                print(f"{'slider':28}{'figures and lists':>26}{'maps':>26}{'server CPU':>14}")
                for name in SLIDERS:
                    measure(page, name, options.steps, process)
            browser.close()
        finally:
            process.terminate()
            process.wait()


def own_run(home: str) -> str:
    """The key of the run that was made in a data folder."""
    command = [sys.executable, "-m", "avexplore", "runs", "--json"]
    said = subprocess.run(command, env={**os.environ, "AVEXPLORE_HOME": home}, check=True, capture_output=True)
    return str(next(run["key"] for run in json.loads(said.stdout)["runs"] if not run["shipped"]))


def measure_training(page: Any, steps: int, process: subprocess.Popen[bytes]) -> None:
    """Seconds from a key on the slider of lambda to the figures and maps of the student that was trained with it."""
    page.locator("summary", has_text="Training of LIR").click()
    slider = page.get_by_role("slider", name="LIR weight").first
    slider.press("ArrowRight")  # the process starts and reads the features once
    waiting = page.get_by_text("Until it is trained")
    waiting.wait_for()
    waiting.wait_for(state="detached", timeout=300_000)
    board, maps = [], []
    # 2 to 10, then 0 to .7: no value twice, as a student that was trained before is there at once
    keys = [*["ArrowRight"] * 5, "Home", *["ArrowRight"] * 5][:steps]
    page.wait_for_timeout(2_000)
    server, all_before = sum(psutil.Process(process.pid).cpu_times()[:2]), seconds_of(process)
    for key in keys:
        page.wait_for_timeout(500)
        slider.focus()
        page.evaluate(
            """(parts) => { window.changed = {}; window.began = null; window.watched = {};
            addEventListener('keydown', () => (window.began ??= performance.now()), { capture: true, once: true });
            for (const [name, part] of Object.entries(parts)) {
              new MutationObserver(() => (window.changed[name] = performance.now()))
                .observe(part, { attributeFilter: ['data-version'] });
            } }""",
            {part: page.query_selector(f".{part}[data-version]") for part in ("board", "maps")},
        )
        slider.press(key)
        waiting.wait_for(timeout=60_000)
        waiting.wait_for(state="detached", timeout=300_000)
        page.wait_for_function("window.changed.maps > window.changed.board", timeout=60_000)
        board.append(page.evaluate("window.changed.board - window.began"))
        maps.append(page.evaluate("window.changed.maps - window.began"))
    print(f"trained anew: figures and lists after {words(board)}, maps after {words(maps)}", flush=True)
    server = sum(psutil.Process(process.pid).cpu_times()[:2]) - server
    training = seconds_of(process) - all_before - server
    print(f"CPU of a step: server {server / len(keys):.2f} s, training {training / len(keys):.2f} s", flush=True)


def measure(page: Any, name: str, steps: int, process: subprocess.Popen[bytes]) -> None:
    slider = page.get_by_role("slider", name=name).first
    slider.scroll_into_view_if_needed()
    board, maps, keys = [], [], ["ArrowRight", "ArrowLeft"]
    cpu = seconds_of(process)
    for i in range(steps):
        slider.focus()
        if i and i % 6 == 0:
            keys.reverse()
        one = step(page, keys[0])
        board.append(one[0])
        maps.append(one[1])
        page.wait_for_timeout(700)
    used = 1e3 * (seconds_of(process) - cpu) / steps
    print(f"{name:28}{words(board):>26}{words(maps):>26}{used:>11.0f} ms", flush=True)


def seconds_of(process: subprocess.Popen[bytes]) -> float:
    return float(sum(sum(one.cpu_times()[:2]) for one in family(process)))


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The server and the processes that it started."""
    server = psutil.Process(process.pid)
    return [server, *server.children(recursive=True)]


def words(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ms ({min(values):.0f} to {max(values):.0f})"


if __name__ == "__main__":
    assert Path(CHROMIUM).exists(), "Chromium is not on this machine"
    main()
