"""How much a visitor may upload, checked before anything is read: Streamlit keeps uploads in memory."""

from __future__ import annotations

from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS = "/_stcore/upload_file/"
MEBIBYTE = 1 << 20
_SESSIONS = 10_000


class UploadLimits:
    """Refuses uploads beyond what one visitor may send.

    Args:
        app: Streamlit.
        visitor_bytes: What one visitor may send in all until they open the app anew; 0 refuses every upload.
    """

    def __init__(self, app: ASGIApp, *, visitor_bytes: int) -> None:
        self._app, self._limit = app, visitor_bytes
        self._sent: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or refuse."""
        refusal = None
        if scope["type"] == "http" and scope["method"] in ("PUT", "POST") and scope["path"].startswith(UPLOADS):
            refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if not self._limit:
            return PlainTextResponse("This avexplore takes no uploads.", 403)
        length = Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return PlainTextResponse("Say how long the upload is.", 411)
        session = scope["path"].removeprefix(UPLOADS).split("/")[0]
        sent = self._sent.pop(session, 0) + int(length)
        if sent > self._limit:
            self._sent[session] = sent - int(length)
            return PlainTextResponse(f"More than {self._limit // MEBIBYTE} MB were uploaded. Open the app anew.", 413)
        self._sent[session] = sent
        while len(self._sent) > _SESSIONS:
            self._sent.popitem(last=False)
        return None
