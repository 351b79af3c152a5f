"""How much a visitor may upload, counted as it arrives: Streamlit keeps uploads in memory."""

from __future__ import annotations

from collections import OrderedDict

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOADS = "/_stcore/upload_file/"
MEBIBYTE = 1 << 20
_SESSIONS = 10_000


class _TooMuchError(Exception):
    """More has arrived than may."""


class UploadLimits:
    """Refuses uploads beyond what one visitor may send.

    What counts is what arrives, whatever a header says of it. What was refused, here or by Streamlit, does not.

    Args:
        app: Streamlit.
        visitor_bytes: What one visitor may send in all until they open the app anew; 0 refuses every upload.
    """

    def __init__(self, app: ASGIApp, *, visitor_bytes: int) -> None:
        self._app, self._limit = app, visitor_bytes
        self._sent: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or refuse."""
        is_upload = scope["type"] == "http" and scope["method"] in ("PUT", "POST") and scope["path"].startswith(UPLOADS)
        if not is_upload:
            await self._app(scope, receive, send)
        elif not self._limit:
            await PlainTextResponse("This avexplore takes no uploads.", 403)(scope, receive, send)
        else:
            await self._upload(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = scope["path"].removeprefix(UPLOADS).split("/")[0]
        arrived, status, refused = 0, 0, False

        async def count() -> Message:
            nonlocal arrived, refused
            message = await receive()
            if message["type"] == "http.request":
                fresh = len(message.get("body", b""))
                # Noted at once: uploads that run side by side share what is left.
                self._note(session, fresh)
                arrived += fresh
                if self._sent[session] > self._limit:
                    refused = True  # told here: what is behind would turn the exception into words of its own
                    words = f"More than {self._limit // MEBIBYTE} MB were uploaded. Open the app anew."
                    await PlainTextResponse(words, 413)(scope, receive, send)
                    raise _TooMuchError
            return message

        async def watch(message: Message) -> None:
            nonlocal status
            if refused:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, count, watch)
        except Exception:
            if not refused:
                raise
        finally:
            if not 200 <= status < 300:
                self._note(session, -arrived)

    def _note(self, session: str, change: int) -> None:
        self._sent[session] = self._sent.pop(session, 0) + change
        while len(self._sent) > _SESSIONS:
            self._sent.popitem(last=False)
