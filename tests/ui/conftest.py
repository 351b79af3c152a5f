"""The running app and a real browser, for all tests that look at pages as a person does."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import streamlit as st
from PIL import Image
from stored_run import Made, make_run, store_projection
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


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


@pytest.fixture
def app(made: Made) -> Iterator[Callable[..., AppTest]]:
    """Open a page of the app on the stored run, as a visitor would: through `app.py`."""
    st.cache_resource.clear()
    st.cache_data.clear()

    def visit(page: str, **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page(f"pages/{page}.py").run()

    yield visit
    st.cache_resource.clear()
    st.cache_data.clear()


@dataclass(frozen=True)
class Server:
    """A running app."""

    url: str
    made: Made
    home: Path


def beep(path: Path, seconds: float) -> None:
    """A sound file of silence."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(int(16000 * seconds)))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., str]) -> Server:
    home = tmp_path_factory.mktemp("served")
    sound = home / "beep.wav"
    beep(sound, 0.5)
    folder = home / "named"
    folder.mkdir()
    beep(folder / "tone.wav", 0.75)
    shutil.copy(Path(__file__).with_name("clip.webm"), folder)
    Image.new("RGB", (320, 180), "#0072B2").save(folder / "frame.png")
    made = make_run(home, media=(str(sound),) * 160)
    store_projection(made)
    return Server(start_app(home, "--folder", str(folder)), made, home)


@pytest.fixture
def visit(browser: Any, server: Any) -> Iterator[Callable[..., Any]]:
    """Open an address of the running app; at the end, no error and no outside request may have happened."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True)
    context.set_default_timeout(90_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    allowed = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(allowed) or wrong.append(f"outside: {request.url}"))

    def go(path: str) -> Any:
        page.goto(server.url + path)
        return page

    yield go
    context.close()
    assert wrong == []
