"""JupyterLab and marimo, each with a notebook that shows the class graph, in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 150_000
"""Milliseconds; a busy machine may be slow, and only what never happens is a failure."""


@dataclass
class Notebook:
    """An open notebook with the class graph in it."""

    page: Any
    folder: Path
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def stage(self, expression: str, argument: Any = None) -> Any:
        """Evaluate JavaScript with the picture's `stage` in sight."""
        script = f"(argument) => {{ const stage = window.graphStage(); return {expression}; }}"
        return self.page.evaluate(script, argument)

    def until(self, expression: str) -> None:
        script = f"() => {{ const stage = window.graphStage(); return stage && ({expression}); }}"
        self.page.wait_for_function(script)

    def shown(self) -> None:
        """Wait until the picture stands still with its classes in it."""
        self.until("stage.visible !== undefined")
        self.stands_still(
            "(({ network, frame }) => JSON.stringify([network.getScale(), network.getViewPosition(), frame]))"
            "(window.graphStage())"
        )

    def stands_still(self, expression: str) -> None:
        """Wait until JavaScript says the same several times in a row."""
        self.page.wait_for_function(
            f"""() => {{
              const now = {expression};
              window.still = now === window.lastLook ? window.still + 1 : 0;
              window.lastLook = now;
              return window.still >= 4;
            }}""",
            polling=60,
        )

    def click(self, node: int) -> None:
        at = self.stage("stage.network.canvasToDOM(stage.network.getPosition(argument))", f"n{node}")
        self.page.locator(".graph-view .canvas").click(position=at)

    def heard(self, name: str, traits: list[Any]) -> None:
        """Wait until Python has written down that its traits are these."""
        end = time.monotonic() + PATIENCE / 1000
        last = None
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError, ValueError):
                last = json.loads((self.folder / name).read_text())
                if last == traits:
                    return
            time.sleep(0.05)
        raise AssertionError(f"Python has {last}")


@pytest.fixture
def notebook(browser: Any, tmp_path: Path) -> Iterator[Callable[[str], Notebook]]:
    with contextlib.ExitStack() as stack:
        opened: list[Notebook] = []

        def visit(address: str) -> Notebook:
            context = browser.new_context(viewport={"width": 1366, "height": 1000})
            stack.callback(context.close)
            found = Notebook(context.new_page(), tmp_path)
            opened.append(found)
            found.page.set_default_timeout(PATIENCE)
            found.page.add_init_script(
                """(() => {
                  const find = (root, wanted) => {
                    for (const element of root.querySelectorAll('*')) {
                      if (wanted(element)) return element;
                      const inner = element.shadowRoot && find(element.shadowRoot, wanted);
                      if (inner) return inner;
                    }
                  };
                  window.graphStage = () => find(document, (element) => element.graphStage)?.graphStage;
                  window.leftMap = () => find(document, (element) => element.inspect);
                })();"""
            )
            server = address.split("/lab/")[0].rstrip("/")
            inside = (server, server.replace("http", "ws"), "data:", "blob:")
            found.page.on("request", lambda r: None if r.url.startswith(inside) else found.outside.append(r.url))
            found.page.on("pageerror", lambda error: found.errors.append(str(error)))
            found.page.goto(address)
            return found

        yield visit
    for each in opened:
        assert each.outside == [], "requests to the outside"
        assert each.errors == [], "errors in the page"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run a server of notebooks in the test's folder; returns its address. "PORT" stands for its port."""
    with contextlib.ExitStack() as servers:
        yield lambda *command, ready: servers.enter_context(_serving(tmp_path, command, ready))


@contextlib.contextmanager
def _serving(folder: Path, command: tuple[str, ...], ready: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    surroundings = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
        # Nothing of the person at this machine is read, and nothing is left with them.
        **{name: str(folder / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")},
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    line = [sys.executable, "-m", *(part.replace("PORT", str(port)) for part in command)]
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(line, cwd=folder, env=surroundings, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + PATIENCE / 1000
            while not _answers(f"http://127.0.0.1:{port}{ready}"):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"It did not start:\n{log.read_text()}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except HTTPError as refused:
        refused.close()
        return False
    except OSError:
        return False
    return True
