"""Streamlit's login with a small provider of identities of our own: real redirects, real tokens, a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from in_browser import settled

from avexplore.config import SyntheticConfig
from avexplore.data import export_features, load_features

pytestmark = pytest.mark.browser
LONG = 120_000


class Provider(ThreadingHTTPServer):
    """OpenID Connect, as small as it goes: everybody who asks is `mail`."""

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        super().__init__(("127.0.0.1", 0), Handler)
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.mail = "ada@lab.example"
        self.nonces: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_: Any) -> None:
        pass

    def _json(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        here = self.server.address
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/.well-known/openid-configuration":
            self._json(
                {
                    "issuer": here,
                    "authorization_endpoint": f"{here}/authorize",
                    "token_endpoint": f"{here}/token",
                    "jwks_uri": f"{here}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        elif path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        elif path == "/authorize":
            code = f"code{len(self.server.nonces)}"
            self.server.nonces[code] = query.get("nonce", [""])[0]
            back = urlencode({"code": code, "state": query["state"][0]})
            self.send_response(302)
            self.send_header("location", f"{query['redirect_uri'][0]}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        from joserfc import jwt

        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        now = int(time.time())
        claims = {
            "iss": self.server.address,
            "aud": "avexplore",
            "sub": self.server.mail,
            "email": self.server.mail,
            "email_verified": True,
            "iat": now,
            "exp": now + 600,
            "nonce": self.server.nonces.pop(form["code"][0]),
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.server.key)
        self._json({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    pytest.importorskip("authlib")
    made = Provider()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("login")


@pytest.fixture(scope="module")
def app(start_app: Callable[..., str], provider: Provider, home: Path) -> str:
    """An app that asks the provider, and has a list. Jobs end soon, and leave a log: they may take no memory."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secrets = home / "secrets.toml"
    secrets.write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "a secret of this test alone, long enough"
        client_id = "avexplore"
        client_secret = "not a secret"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"

        [avexplore]
        allowed = ["@lab.example"]
        """
    )
    environment = {"AVEXPLORE_MODELS": str(home / "none"), "AVEXPLORE_JOB_MEMORY": "0.01"}
    return start_app(home, "--secrets", str(secrets), "--port", str(port), **environment)


@pytest.fixture
def log_in(app: str, provider: Provider, browser: Any) -> Iterator[Callable[..., Any]]:
    """The page that somebody sees after logging in, in a browser of their own."""
    contexts = []

    def enter(mail: str, place: str) -> Any:
        provider.mail = mail
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.set_default_timeout(LONG)
        page.goto(f"{app}/{place}")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Training", exact=True, level=1).wait_for()
        settled(page)
        return page

    yield enter
    for context in contexts:
        context.close()


def test_a_visitor_logs_in_and_gets_to_the_page_that_was_asked_for(app: str, provider: Provider, browser: Any) -> None:
    provider.mail = "ada@lab.example"
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{app}/training?example=7")
    page.get_by_role("button", name="Log in").wait_for()
    words = page.locator("body").inner_text()
    assert "Log in to see what is here" in words
    for hidden in ("Training", "Overview", "Retrieval", "Where to start"):
        assert hidden not in words
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Training", exact=True, level=1).wait_for()
    assert page.url == f"{app}/training?example=7"
    page.goto(app)
    page.get_by_role("heading", name="Overview", exact=True, level=1).wait_for()
    assert urlsplit(page.url).path == "/", "the way back is used once"
    context.close()


def test_who_is_not_on_the_list_stays_outside(app: str, provider: Provider, browser: Any) -> None:
    provider.mail = "eve@else.example"
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{app}/training")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("not on this server's list").wait_for()
    assert "Where to start" not in page.locator("body").inner_text()
    context.close()


def test_a_logout_ends_copies_of_the_cookie_and_another_site_cannot_ask_for_it(
    app: str, log_in: Callable[..., Any], browser: Any
) -> None:
    page = log_in("ada@lab.example", "training")
    copied = page.context.cookies()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in copied)
    for elsewhere in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Referer": "https://evil.example/"}):
        asked = urllib.request.Request(f"{app}/auth/logout", headers={"Cookie": cookie} | elsewhere)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert b"Leave this server?" in answer.read()
    page.reload()
    page.get_by_role("heading", name="Training", exact=True, level=1).wait_for()
    page.goto(f"{app}/logout")
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()
    thief = browser.new_context()
    thief.add_cookies(copied)
    stolen = thief.new_page()
    stolen.set_default_timeout(LONG)
    stolen.goto(f"{app}/training")
    stolen.get_by_role("button", name="Log in").wait_for()
    thief.close()
    log_in("ada@lab.example", "training")


def test_what_one_brings_and_starts_another_does_not_see_and_the_owner_does(
    app: str, home: Path, log_in: Callable[..., Any], start_app: Callable[..., str], browser: Any, tmp_path: Path
) -> None:
    export_features(load_features(SyntheticConfig(clips=80, classes=3)), tmp_path / "ward_seven.npz")
    own_features = "training?training.source=My+features&training.preset=tiny"
    ada, ben = (log_in(f"{name}@lab.example", own_features) for name in ("ada", "ben"))
    ada.locator("input[type=file]").first.set_input_files(str(tmp_path / "ward_seven.npz"))
    ada.get_by_text("3 classes;").wait_for()
    settled(ada)
    ada.get_by_role("button", name="Train", exact=True).click()

    def shows_everything(page: Any) -> None:
        page.get_by_text("Last lines of its log").first.click()
        page.locator("code:visible", has_text="more than 0.0 GiB").wait_for()
        page.get_by_text("ward_seven").first.wait_for()

    shows_everything(ada)
    for page in (ben, log_in("ben@lab.example", own_features)):
        page.reload()
        page.get_by_text("Nothing is running").wait_for()
        settled(page)
        assert page.get_by_text("Or a file from earlier").count() == 0
        for hidden in ("ward_seven", "Finished", "Last lines of its log", "0.0 GiB"):
            assert hidden not in page.content()
    again = log_in("ada@lab.example", own_features)
    again.get_by_text("Or a file from earlier").wait_for()
    shows_everything(again)

    # Who sits at the machine: an app without a login on the same folder, and commands.
    surroundings = {"AVEXPLORE_HOME": str(home), "AVEXPLORE_MODELS": str(home / "none")}
    owner = browser.new_context().new_page()
    owner.set_default_timeout(LONG)
    owner.goto(f"{start_app(home, **surroundings)}/training")
    shows_everything(owner)
    owner.context.close()
    command = [sys.executable, "-m", "avexplore", "jobs", "list", "--json"]
    listed = subprocess.run(command, env=os.environ | surroundings, capture_output=True, check=True, timeout=120)
    assert {job["state"] for job in json.loads(listed.stdout)["jobs"]} == {"failed"}
