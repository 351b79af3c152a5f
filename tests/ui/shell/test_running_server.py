"""The server as a process: what it asks the outside, how it ends, and what it answers to whom."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError

import pytest

from avexplore.store import app_folder

ROOT = app_folder()


class SilentProxy:
    """Takes every connection, counts them, and never answers."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.asked: list[bytes] = []
        self._held: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            self._held.append(line)
            self.asked.append(line.recv(200))

    def close(self) -> None:
        for line in (self._door, *self._held):
            line.close()


@pytest.fixture
def proxy() -> Iterator[SilentProxy]:
    made = SilentProxy()
    yield made
    made.close()


def knock(address: str, origin: str, host: str = "") -> tuple[socket.socket, bytes]:
    """Ask for the live connection; the open socket, and the first line of the answer."""
    place = address.removeprefix("http://")
    name, _, port = place.partition(":")
    line = socket.create_connection((name, int(port)), timeout=60)
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host or place}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
        f"Origin: {origin}\r\n\r\n".encode()
    )
    return line, line.recv(4096).split(b"\r\n")[0]


def health(address: str) -> float:
    began = time.perf_counter()
    urllib.request.urlopen(f"{address}/_stcore/health", timeout=60).close()
    return time.perf_counter() - began


@pytest.mark.parametrize("options", [(), ("--shared",), ("--demo",)])
def test_nothing_outside_is_asked_whatever_a_page_elsewhere_sends(
    start_app: Callable[..., str], proxy: SilentProxy, tmp_path: Path, options: tuple[str, ...]
) -> None:
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    app = start_app(tmp_path, *options, no_proxy="", NO_PROXY="", **dict.fromkeys(names, proxy.address))
    port = app.rpartition(":")[2]
    foreign = [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        f"http://localhost:{port}0",
        "http://10.1.2.3:8501",
    ]
    for origin in foreign:
        line, answer = knock(app, origin)
        line.close()
        assert b" 403" in answer, (origin, answer)
    line, answer = knock(app, app)
    assert b" 101" in answer, "its own page gets in"
    assert health(app) < 5, "nobody waits for an answer from outside"
    line.close()
    with urllib.request.urlopen(f"{app}/", timeout=60) as page:
        assert page.status == 200
    try:
        with urllib.request.urlopen(f"{app}/_stcore/metrics", timeout=60) as metrics:
            status = metrics.status
    except HTTPError as refused:
        refused.close()
        status = refused.code
    assert (status == 404) == bool(options), "figures about the server are for whoever sits at it"
    assert proxy.asked == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_while_visitors_are_there(tmp_path: Path, kind: signal.Signals) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    surroundings = {**os.environ, "AVEXPLORE_HOME": str(tmp_path), "AVEXPLORE_FOLDERS": ""}
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "avexplore", "app", "--shared", "--port", str(port)],
            cwd=ROOT, env=surroundings, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + 300
        while True:
            try:
                health(address)
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
        line, answer = knock(address, address)
        assert b" 101" in answer
        process.send_signal(kind)
        process.wait(timeout=60)
        line.close()
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_of_many_who_reconnect_only_the_last_are_kept() -> None:
    from streamlit.runtime.session_manager import SessionInfo

    from avexplore.ui.server.left_sessions import MOST, LeftSessions

    ended = []

    async def leave() -> None:
        storage = LeftSessions()
        for number in range(MOST + 30):
            session: Any = SimpleNamespace(id=str(number), shutdown=lambda number=number: ended.append(number))
            storage.save(SessionInfo(client=None, session=session, script_run_count=1))
        assert len(storage.list()) == MOST

    asyncio.run(leave())
    assert ended == list(range(30)), "the first ones, each with its open files"


def test_who_has_left_for_good_gives_everything_back_though_nobody_else_comes() -> None:
    from streamlit.runtime import memory_session_storage
    from streamlit.runtime.session_manager import SessionInfo

    from avexplore.ui.server.left_sessions import LeftSessions, use

    ended = []

    async def leave() -> None:
        storage = LeftSessions(0.05)  # type: ignore[arg-type]
        session: Any = SimpleNamespace(id="anna", shutdown=lambda: ended.append("anna"))
        storage.save(SessionInfo(client=None, session=session, script_run_count=1))
        assert storage.get("anna") is not None, "a line that broke can be taken up again"
        end = time.monotonic() + 60
        while not ended:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert storage.get("anna") is None

    asyncio.run(leave())
    assert ended == ["anna"]
    usual = memory_session_storage.MemorySessionStorage
    try:
        use()
        assert memory_session_storage.MemorySessionStorage is LeftSessions
    finally:
        memory_session_storage.MemorySessionStorage = usual  # type: ignore[misc]
