"""Asking an ASGI application without a server, and without any code of the application's own framework."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str
    cookies: dict[str, str] = field(default_factory=dict)


def ask(
    app: Any, path: str, *, method: str = "GET", body: bytes = b"", client: str = "10.0.0.1", **headers: str
) -> Answer:
    """Send one request; header names are written with _ for -."""
    raw, _, query = path.partition("?")
    given = {"host": "lab.example", "accept": "text/html", "content_length": str(len(body))} | headers
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
        "client": (client, 1234),
        "server": ("lab.example", 80),
    }
    pieces = [body[i : i + 1000] for i in range(0, max(1, len(body)), 1000)]
    incoming = [
        {"type": "http.request", "body": piece, "more_body": i + 1 < len(pieces)} for i, piece in enumerate(pieces)
    ]
    sent = run(app, scope, incoming)
    start = next(message for message in sent if message["type"] == "http.response.start")
    found, cookies = {}, {}
    for name, value in start["headers"]:
        if name == b"set-cookie":
            key, _, rest = value.decode().partition("=")
            cookies[key] = rest
        found[name.decode()] = value.decode()
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], found, content.decode(), cookies)


def run(app: Any, scope: dict[str, Any], incoming: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All that an application sends for what it receives."""
    sent: list[dict[str, Any]] = []

    async def talk() -> None:
        left = iter(incoming)

        async def receive() -> dict[str, Any]:
            return next(left)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, send)

    asyncio.run(talk())
    return sent


class Behind:
    """An application that says what reached it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(f"{scope['type']} {scope.get('method', '')} {scope['path']}")
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"the secret page"})
