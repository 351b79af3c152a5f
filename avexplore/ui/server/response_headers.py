"""Headers that tell a browser what these pages may do: load nothing from elsewhere, be framed by nobody else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_policy(front_page: str) -> str:
    """A Content-Security-Policy for Streamlit's front end.

    Components are modules in blobs, charts may compile what they draw (hence 'unsafe-eval'), styles are written into
    the page. Inline scripts are those of Streamlit's own front page and no others.

    Args:
        front_page: The HTML that Streamlit serves.
    """
    inline = re.findall(r"<script>(.*?)</script>", front_page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' blob: 'unsafe-eval' {scripts}".strip(),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "frame-src": "'self' blob: data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def front_page() -> str:
    """The HTML that Streamlit serves for every page."""
    import streamlit

    return (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


class ResponseHeaders:
    """Adds the headers to every answer.

    Args:
        app: What answers.
        policy: The Content-Security-Policy.
    """

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self._app = app
        self._added = {
            "content-security-policy": policy,
            "x-frame-options": "SAMEORIGIN",
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and add to what comes back."""

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_more if scope["type"] == "http" else send)
