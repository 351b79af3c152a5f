"""The running app and a real browser, for all tests that look at pages as a person does."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def start_app() -> Iterator[Callable[..., str]]:
    """Start the app on a data folder; returns its address.

    What follows the folder are options of `avexplore app`, keywords are added to its environment.
    """
    with contextlib.ExitStack() as servers:
        yield lambda home, *options, **environment: servers.enter_context(_serve(home, options, environment))


@contextlib.contextmanager
def _serve(home: Path, options: tuple[str, ...], environment: dict[str, str]) -> Iterator[str]:
    if "--port" in options:
        port = int(options[options.index("--port") + 1])
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    surroundings = {**os.environ, "AVEXPLORE_HOME": str(home), "OMP_NUM_THREADS": "1", "AVEXPLORE_FOLDERS": ""}
    surroundings |= environment
    command = [sys.executable, "-m", "avexplore", "app", *options, "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("The app's server stopped")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except HTTPError as not_yet:
            not_yet.close()
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The app's server did not start")


@pytest.fixture(scope="module")  # not longer: a thread can hold one Playwright at a time
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not on this machine")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
