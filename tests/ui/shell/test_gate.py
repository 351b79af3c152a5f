"""The password before everything, judged from outside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asgi
import pytest
from asgi import ask

from avexplore.ui.server import app as server_app
from avexplore.ui.server import password_gate
from avexplore.ui.server.front_door import FrontDoor
from avexplore.ui.server.response_headers import ResponseHeaders, content_policy, front_page
from avexplore.ui.server.return_after_login import RETURN_COOKIE, USER_COOKIE, ReturnAfterLogin
from avexplore.ui.server.upload_limits import UploadLimits

PASSWORD = "correct horse & battery=staple ü"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Door:
    """A gate with something behind it."""

    def __init__(self, password: str = PASSWORD, key: bytes = b"k" * 32) -> None:
        self.behind, self.clock = asgi.Behind(), Clock()
        self.slept: list[float] = []
        self.ended = password_gate.EndedVisits(None)
        self.app = password_gate.PasswordGate(
            self.behind, password=password, key=key, ended=self.ended, clock=self.clock, sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def try_(self, password: str, target: str = "/", **more: str):  # type: ignore[no-untyped-def]
        form = urlencode({"password": password, "next": target}).encode()
        return ask(self.app, "/login", method="POST", body=form, **more)

    def cookie(self) -> str:
        return str(self.try_(PASSWORD).cookies[password_gate.COOKIE].split(";")[0])


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("path", ["/", "/retrieval?run=abc&q=%22%3E%3Cb%3E", "/static/js/index.js", "/media/x.png"])
def test_without_the_password_there_is_only_a_form(door: Door, path: str) -> None:
    answer = ask(door.app, path)
    assert answer.status == 401
    assert "<form" in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert not door.behind.reached
    assert not answer.cookies


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/_stcore/upload_file/session/file"),
        ("POST", "/"),
        ("OPTIONS", "/_stcore/host-config"),
        ("GET", "/_stcore/host-config"),
        ("GET", "/_stcore/health/"),
        ("GET", "/_stcore/../_stcore/health"),
        ("PUT", "/login"),
    ],
)
def test_nothing_else_of_the_server_is_reached(door: Door, method: str, path: str) -> None:
    answer = ask(door.app, path, method=method, accept="*/*")
    assert answer.status == 401
    assert not door.behind.reached


def test_whether_the_server_is_well_may_be_asked_by_anybody(door: Door) -> None:
    assert ask(door.app, "/_stcore/health", accept="*/*").status == 200


def test_the_live_connection_is_closed_before_it_opens(door: Door) -> None:
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [], "query_string": b"", "scheme": "ws"}
    sent = asgi.run(door.app, scope, [{"type": "websocket.connect"}])
    assert [message["type"] for message in sent] == ["websocket.close"]
    known = scope | {"headers": [(b"cookie", f"{password_gate.COOKIE}={door.cookie()}".encode())]}
    sent = asgi.run(door.app, known, [{"type": "websocket.connect"}])
    assert [message["type"] for message in sent] == ["websocket.accept"]


def test_the_right_password_leads_where_the_visitor_wanted_to_go(door: Door) -> None:
    form = ask(door.app, "/retrieval?run=abc&query=7")
    assert 'name="next" type="hidden" value="/retrieval?run=abc&amp;query=7"' in form.body
    answer = door.try_(PASSWORD, "/retrieval?run=abc&query=7")
    assert answer.status == 303
    assert answer.headers["location"] == "/retrieval?run=abc&query=7"
    rules = answer.cookies[password_gate.COOKIE].lower()
    assert "httponly" in rules
    assert "samesite=lax" in rules
    cookie = f"other=1; {password_gate.COOKIE}={door.cookie()}"
    assert ask(door.app, "/retrieval", cookie=cookie).body == "the secret page"
    assert ask(door.app, "/_stcore/upload_file/a/b", method="PUT", cookie=cookie, accept="*/*").status == 200


@pytest.mark.parametrize("given", ["", "correct horse", PASSWORD + " ", PASSWORD.upper(), "x" * 5000])
def test_another_password_does_not(door: Door, given: str) -> None:
    answer = door.try_(given)
    assert answer.status == 401
    assert "This is not the password" in answer.body
    assert not answer.cookies
    assert not door.behind.reached


def test_the_password_is_in_no_answer(door: Door) -> None:
    for answer in (door.try_(PASSWORD, "/x"), door.try_("wrong " + PASSWORD), ask(door.app, "/")):
        said = answer.body + "".join(answer.headers.values()) + "".join(answer.cookies.values())
        assert "horse" not in said
        assert "battery" not in said


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "evil",
        "javascript:alert(1)",
        "/a\r\nset-cookie: b=c",
        "",
    ],
)
def test_the_form_sends_nobody_to_another_site(door: Door, target: str) -> None:
    answer = door.try_(PASSWORD, target)
    assert answer.headers["location"] == "/"


def test_what_is_asked_for_is_no_markup_on_the_form(door: Door) -> None:
    assert "<script" not in ask(door.app, "/a?<script>alert(1)</script>").body
    assert "<script" not in door.try_("wrong", '/"><script>alert(1)</script>').body


def test_a_form_on_another_site_is_refused(door: Door) -> None:
    assert door.try_(PASSWORD, origin="https://evil.example").status == 403
    assert door.try_(PASSWORD, origin="http://lab.example").status == 303


@pytest.mark.parametrize("body", [b"p" * 100_000, b"\xff\xfe", b"a=1&b=2&c=3&d=4&e=5&password=x", b""])
def test_what_is_no_form_is_refused_and_not_kept(door: Door, body: bytes) -> None:
    assert ask(door.app, "/login", method="POST", body=body).status in (400, 401, 413)
    assert not door.behind.reached


def test_wrong_passwords_are_answered_later_and_later_and_the_right_one_at_once(door: Door) -> None:
    for _ in range(20):
        assert door.try_("wrong").status == 401
    assert door.slept[:3] == [0.25, 0.5, 1.0]
    assert set(door.slept[6:]) == {password_gate.LONGEST_DELAY}
    slept = len(door.slept)
    assert door.try_(PASSWORD).status == 303
    assert len(door.slept) == slept, "the right one need not wait"
    door.try_("wrong")
    assert door.slept[-1] == password_gate.FIRST_DELAY, "and forgives the wrong ones before"


def test_a_hundred_addresses_that_guess_lock_nobody_out(door: Door) -> None:
    assert {door.try_("wrong", client=f"10.0.{i}.1").status for i in range(150)} == {401}
    assert set(door.slept) == {password_gate.FIRST_DELAY}
    assert door.try_(PASSWORD, client="10.9.9.9").status == 303


def test_a_flood_from_one_address_holds_up_no_other() -> None:
    """Each address has one try in the queue: the other one is second, not last."""
    turns, done = password_gate.Turns(), []

    async def one(address: str) -> None:
        async with turns.turn(address):
            await asyncio.sleep(0.001)
            done.append(address)

    async def all_at_once() -> None:
        flood = [asyncio.create_task(one("10.0.0.1")) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(one("10.0.0.2"), *flood)

    asyncio.run(all_at_once())
    assert done.index("10.0.0.2") <= 2
    assert len(done) == 51
    assert turns.waiting == 0


def test_a_cookie_holds_for_its_time_its_password_and_its_server(door: Door) -> None:
    cookie = door.cookie()
    until, visit, signature = cookie.split(".")
    forged = [
        f"{int(until) + 1}.{visit}.{signature}",
        f"{until}.{'0' * len(visit)}.{signature}",
        f"{until}.{visit}.{'0' * len(signature)}",
        f"{until}.{visit}.",
        f"{until}.{signature}",
        until,
        f"{'9' * 400}.{visit}.{signature}",
        f"٣.{visit}.{signature}",
        "...",
        "",
        "é",
    ]
    for value in forged:
        assert ask(door.app, "/", cookie=f"{password_gate.COOKIE}={value}").status == 401, value
    for other in (Door(password="another password"), Door(key=b"j" * 32)):
        assert ask(other.app, "/", cookie=f"{password_gate.COOKIE}={cookie}").status == 401
    restarted = Door()
    assert ask(restarted.app, "/", cookie=f"{password_gate.COOKIE}={cookie}").status == 200
    restarted.clock.now += password_gate.KNOWN_SECONDS
    assert ask(restarted.app, "/", cookie=f"{password_gate.COOKIE}={cookie}").status == 401


def test_leaving_ends_the_visit_also_for_a_copied_cookie(door: Door) -> None:
    cookie, other = (f"{password_gate.COOKIE}={door.cookie()}" for _ in range(2))
    answer = ask(door.app, "/logout", method="POST", cookie=cookie)
    assert answer.status == 303
    assert "max-age=0" in answer.cookies[password_gate.COOKIE].lower()
    assert ask(door.app, "/", cookie=cookie).status == 401
    assert ask(door.app, "/", cookie=other).status == 200, "somebody else's visit goes on"


def test_no_link_and_no_other_site_logs_anybody_out(door: Door) -> None:
    cookie = f"{password_gate.COOKIE}={door.cookie()}"
    assert "<button" in ask(door.app, "/logout", cookie=cookie).body, "a link asks first"
    assert ask(door.app, "/logout", method="POST", cookie=cookie, origin="https://evil.example").status == 403
    assert ask(door.app, "/", cookie=cookie).status == 200


def test_ended_visits_stay_ended_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ended"
    password_gate.EndedVisits(path).add("abc", 4_000_000_000)
    password_gate.EndedVisits(path).add("old", 1)
    again = password_gate.EndedVisits(path)
    assert again.has("abc")
    assert not again.has("old"), "its cookie has ended by itself"
    path.write_bytes(b"\xff\xfe odd\nx y\n\n")
    assert not password_gate.EndedVisits(path).has("x"), "an odd file stops nothing"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://lab.example:9999", "null", "http://[", "file://"])
def test_pages_of_other_sites_reach_nothing(origin: str) -> None:
    behind = asgi.Behind()
    app = FrontDoor(behind)
    assert ask(app, "/", method="POST", origin=origin).status == 403
    scope = {"type": "websocket", "path": "/_stcore/stream", "query_string": b"", "scheme": "ws"}
    headers = [(b"host", b"lab.example"), (b"origin", origin.encode())]
    sent = asgi.run(app, scope | {"headers": headers}, [{"type": "websocket.connect"}])
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert not behind.reached


def test_own_pages_and_those_behind_a_named_proxy_are_handed_on() -> None:
    seen: list[dict[bytes, bytes]] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await asgi.Behind()(scope, receive, send)

    app = FrontDoor(behind, hosts=["public.example"])
    assert ask(app, "/", origin="http://lab.example").status == 200
    assert ask(app, "/", origin="https://public.example").status == 200
    assert ask(app, "/").status == 200
    assert [headers.get(b"origin") for headers in seen] == [b"http://lab.example", b"https://lab.example", None]


def test_figures_about_the_server_are_for_its_owner() -> None:
    for path in ("/_stcore/metrics", "/_stcore/metrics/"):
        assert ask(FrontDoor(asgi.Behind(), has_visitors=True), path).status == 404
        assert ask(FrontDoor(asgi.Behind()), path).status == 200


def test_the_key_of_the_cookies_outlives_a_restart_and_is_for_the_owner_only(tmp_path: Path) -> None:
    first = server_app.cookie_key(tmp_path / "home")
    assert server_app.cookie_key(tmp_path / "home") == first
    assert len(first) == 32
    assert (tmp_path / "home" / "cookie.key").stat().st_mode & 0o077 == 0
    assert server_app.cookie_key(tmp_path / "other") != first
    (tmp_path / "file").write_text("")
    assert len(server_app.cookie_key(tmp_path / "file")) == 32, "a folder that cannot be written"


def test_every_answer_forbids_framing_and_foreign_content() -> None:
    app = ResponseHeaders(asgi.Behind(), policy=content_policy(front_page()))
    headers = ask(app, "/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules["frame-ancestors"] == "'self'"
    assert rules["default-src"] == "'self'"
    assert "http" not in headers["content-security-policy"]
    assert "'unsafe-inline'" not in rules["script-src"]


class Taking:
    """Takes a whole upload, and then says what it thinks of it."""

    def __init__(self, status: int = 204) -> None:
        self.status, self.taken = status, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            self.taken += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def upload(app: Any, session: str, size: int, **more: str) -> int:
    answer = ask(app, f"/_stcore/upload_file/{session}/f", method="PUT", body=b"x" * size, **more)
    return int(answer.status)


def test_a_visitor_uploads_so_much_and_no_more() -> None:
    app = UploadLimits(Taking(), visitor_bytes=2500)
    assert [upload(app, "anna", 1000) for _ in range(3)] == [204, 204, 413]
    assert upload(app, "anna", 500) == 204, "what was refused does not count"
    assert upload(app, "ben", 2000) == 204
    assert ask(UploadLimits(asgi.Behind(), visitor_bytes=1), "/", method="GET").status == 200


@pytest.mark.parametrize("length", ["1", "many", "-5000"])
def test_what_arrives_counts_whatever_the_header_says(length: str) -> None:
    behind = Taking()
    app = UploadLimits(behind, visitor_bytes=2500)
    assert upload(app, "anna", 60_000, content_length=length) == 413
    assert behind.taken <= 2500, "the rest is not even read"


def test_what_streamlit_refuses_does_not_count() -> None:
    behind = Taking(400)
    app = UploadLimits(behind, visitor_bytes=2500)
    assert [upload(app, "anna", 2000) for _ in range(3)] == [400, 400, 400]
    behind.status = 204
    assert upload(app, "anna", 2000) == 204


def test_the_demo_takes_no_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVEXPLORE_DEMO", "1")
    behind = asgi.Behind()
    app = UploadLimits(behind, visitor_bytes=server_app.upload_bytes() or 0)
    assert ask(app, "/_stcore/upload_file/a/b", method="PUT", body=b"x").status == 403
    assert not behind.reached


class Secrets(dict):
    def load_if_toml_exists(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("kept", "leads"),
    [
        ("%2Ftraining%3Frun%3D1", "/training?run=1"),
        ("%2F%2Ftraining", None),
        ("https%3A%2F%2Fevil.example", None),
        ("%2Fevil", None),
        ("%2Ftraining%2F..%2Fx", None),
        ("", None),
    ],
)
def test_the_way_back_leads_to_pages_only(monkeypatch: pytest.MonkeyPatch, kept: str, leads: str | None) -> None:
    import streamlit as st

    monkeypatch.setattr(st, "secrets", Secrets(auth={}))
    cookie = f"{USER_COOKIE}=x; {RETURN_COOKIE}={kept}"
    answer = ask(ReturnAfterLogin(asgi.Behind(), pages=["training"]), "/", cookie=cookie)
    assert answer.headers.get("location") == leads
    assert answer.status == (303 if leads else 200)
    assert ask(ReturnAfterLogin(asgi.Behind(), pages=["training"]), "/training", cookie=cookie).status == 200


def test_the_way_is_noted_for_pages_only_and_only_before_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    app = ReturnAfterLogin(asgi.Behind(), pages=["training"])
    monkeypatch.setattr(st, "secrets", Secrets(auth={}))
    assert ask(app, "/training?run=1").cookies[RETURN_COOKIE].startswith("%2Ftraining%3Frun%3D1;")
    assert not ask(app, "/other").cookies
    assert not ask(app, "/training", cookie=f"{USER_COOKIE}=x").cookies
    monkeypatch.setattr(st, "secrets", Secrets())
    assert not ask(app, "/training").cookies, "nobody logs in here"
