"""The server as visitors meet it, in a real browser: password, demo, shared, and what the pages may load."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from avexplore.config import SyntheticConfig
from avexplore.data import export_features, load_features
from avexplore.store import app_folder
from avexplore.ui.page_list import PAGES

pytestmark = pytest.mark.browser

SHIPPED = str(app_folder() / "models")
PASSWORD = "correct horse battery"
LONG = 120_000


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A new browser without any cookie; the page it shows."""
    contexts = []

    def open_new(address: str, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1366, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LONG)
        page.goto(address)
        return page

    yield open_new
    for context in contexts:
        context.close()


def heading(page: Any, name: str) -> None:
    page.get_by_role("heading", name=name, exact=True, level=1).wait_for(timeout=LONG)


def calm(page: Any) -> None:
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=LONG)


def test_a_password_stands_before_everything_and_leads_on(
    start_app: Callable[..., str], visit: Callable[..., Any], tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    home = tmp_path / "home"
    home.mkdir()
    app = start_app(home, "--password-file", str(secret), AVEXPLORE_MODELS=str(tmp_path / "none"))
    page = visit(f"{app}/training?example=1")
    assert page.locator("body").inner_text().split() == ["avexplore", "Password", "of", "this", "server", "Enter"]
    assert "Training" not in page.content()
    page.get_by_label("Password of this server").fill("not the password")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.get_by_label("Password of this server").fill(PASSWORD)
    page.keyboard.press("Enter")
    heading(page, "Training")
    assert page.url == f"{app}/training?example=1"
    page.reload()
    heading(page, "Training")
    assert "horse" not in page.url
    stranger = visit(f"{app}/training")
    stranger.get_by_label("Password of this server").wait_for()
    page.goto(f"{app}/logout")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Password of this server").wait_for()
    assert "horse" not in (home / "server.log").read_text()
    assert not any("horse" in path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())


def test_what_one_browser_brings_another_with_the_same_password_does_not_see(
    start_app: Callable[..., str], visit: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), tmp_path / "ward_seven.npz")
    home = tmp_path / "home"
    home.mkdir()
    app = start_app(
        home, "--shared", "--password-file", str(tmp_path / "password"), AVEXPLORE_MODELS=str(tmp_path / "none")
    )

    def enter() -> Any:
        page = visit(f"{app}/training?training.source=My+features")
        page.get_by_label("Password of this server").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator("input[type=file]").first.wait_for(state="attached")
        return page

    anna = enter()
    anna.locator("input[type=file]").first.set_input_files(str(tmp_path / "ward_seven.npz"))
    anna.get_by_text("3 classes;").wait_for()
    again = anna.context.new_page()
    again.set_default_timeout(LONG)
    again.goto(f"{app}/training?training.source=My+features")
    again.get_by_text("Or a file from earlier").wait_for()
    ben = enter()
    ben.get_by_text("Features are averaged over the clip").wait_for()
    calm(ben)
    assert ben.get_by_text("Or a file from earlier").count() == 0
    assert "ward_seven" not in ben.content()
    (kept,) = home.glob("visitors/*/uploads/*/ward_seven.npz")
    assert kept.stat().st_mode & 0o077 == 0, "for whoever runs the server alone"


def test_the_demo_shows_runs_and_takes_nothing(
    start_app: Callable[..., str], visit: Callable[..., Any], tmp_path: Path
) -> None:
    app = start_app(tmp_path, "--demo", AVEXPLORE_MODELS=SHIPPED)
    page = visit(f"{app}/training")
    heading(page, "Training")
    page.get_by_text("shows stored runs only").wait_for()
    assert page.get_by_role("button", name="Train", exact=True).count() == 0
    for place in ("soft_labels", "retrieval?by=own", "class_graph"):
        page.goto(f"{app}/{place}")
        heading(page, next(info.title for info in PAGES if place.startswith(info.name)))
        calm(page)
        assert page.locator("[data-testid=stFileUploader]").count() == 0, place
    upload = urllib.request.Request(f"{app}/_stcore/upload_file/a/b", b"x" * 100, method="PUT")
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(upload, timeout=60)
    refused.value.close()
    assert refused.value.code == 403
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("server.log", "registry.lock")]
    assert not left, "the demo writes nothing"


FAILS = """
import streamlit as st
st.title("Here")
raise RuntimeError("the secret lies in /very/private")
"""


def test_visitors_of_a_shared_server_see_no_traceback(visit: Callable[..., Any], tmp_path: Path) -> None:
    from avexplore.cli.serve import streamlit_settings

    (tmp_path / "app.py").write_text(FAILS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        "import sys, json; from pathlib import Path; from avexplore.ui.server import app as server;"
        "server.app_folder = lambda: Path(sys.argv[1]); server.run(json.loads(sys.argv[2]))"
    )
    for guarded in (True, False):
        settings = streamlit_settings(port + guarded, "127.0.0.1", [], guarded, False)
        command = [sys.executable, "-c", code, str(tmp_path), json.dumps(settings)]
        process = subprocess.Popen(command, cwd=app_folder(), env=os.environ | {"AVEXPLORE_SHARED": str(int(guarded))})
        try:
            page = _open_when_up(visit, f"http://127.0.0.1:{port + guarded}", process)
            page.locator("[data-testid=stException], [data-testid=stAlert]").first.wait_for(timeout=LONG)
            assert ("private" in page.content()) is not guarded
            assert ("Traceback" in page.content()) is not guarded
        finally:
            process.terminate()
            process.wait(timeout=30)


def _open_when_up(visit: Callable[..., Any], address: str, process: subprocess.Popen[bytes]) -> Any:
    import time

    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
            return visit(address)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere_or_breaks_its_own_rules(
    start_app: Callable[..., str], visit: Callable[..., Any], tmp_path: Path
) -> None:
    app = start_app(tmp_path, "--demo", AVEXPLORE_MODELS=SHIPPED)
    page = visit("about:blank")
    outside, broken = [], []
    page.on("request", lambda request: None if request.url.startswith(app) else outside.append(request.url))
    page.on("console", lambda message: broken.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    for info in PAGES:
        page.goto(f"{app}/{'' if info.name == 'overview' else info.name}")
        heading(page, info.title)
        calm(page)
    assert [url for url in outside if not re.match(r"(data|blob|about):|ws://127\.0\.0\.1", url)] == []
    assert broken == []
    with urllib.request.urlopen(app, timeout=60) as answer:
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_a_name_made_to_point_here_gets_no_live_connection(start_app: Callable[..., str], tmp_path: Path) -> None:
    app = start_app(tmp_path, AVEXPLORE_MODELS=str(tmp_path / "none"))
    assert _handshake(app, app.removeprefix("http://")) == 101
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
        assert _handshake(app, host) == 403, host


def _handshake(app: str, host: str) -> int:
    name, _, port = app.removeprefix("http://").partition(":")
    with socket.create_connection((name, int(port)), timeout=60) as line:
        line.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return int(line.recv(1000).split()[1])
