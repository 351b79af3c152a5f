"""Something to look at while Streamlit's front end loads: the page's name and question, within the first answer, and
its picture where that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from avexplore.ui.page_list import PageInfo

_ROOT = '<div id="root">'
"""Where Streamlit's front end draws; it replaces what stands there."""
_FOLDER = Path(__file__).parents[1] / "shell" / "assets"


class FirstPaint:
    """Answers for the pages' addresses with Streamlit's own front page, filled.

    Args:
        app: Streamlit, which answers for everything else.
        front_page: The HTML that Streamlit serves for every page.
        pages: The pages; the first one is at "/", too.
        picture: SVG by a page's name and the query of its address, "" for none. It stays until the page has drawn
            its own.
    """

    def __init__(
        self, app: ASGIApp, *, front_page: str, pages: Sequence[PageInfo], picture: Callable[[str, str], str]
    ) -> None:
        self._app = app
        self._picture = picture
        self._filled = {f"/{page.name}": _filled(front_page, page) for page in pages}
        self._filled["/"] = self._filled[f"/{pages[0].name}"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        page = self._filled.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if page is None:
            await self._app(scope, receive, send)
            return
        if svg := self._picture(scope["path"].strip("/"), scope["query_string"].decode("latin-1")):
            still = (_FOLDER / "first_picture.html").read_text(encoding="utf-8").replace("PICTURE", svg)
            # Outside of the place where Streamlit draws: it stays until the picture itself takes it away.
            page = page.replace("</body>", still + "</body>", 1)
        await HTMLResponse(page, headers={"cache-control": "no-cache"})(scope, receive, send)


def _filled(front_page: str, page: PageInfo) -> str:
    """The page's words are drawn by the style sheet: nothing looks for them here, and screen readers skip them."""
    picture = (_FOLDER / "first_paint.html").read_text(encoding="utf-8")
    logo = (_FOLDER / "logo.svg").read_text(encoding="utf-8")
    words = {"LOGO": logo, "TITLE": escape(page.title), "QUESTION": escape(page.question)}
    for name, text in words.items():
        picture = picture.replace(name, text)
    return front_page.replace(_ROOT, _ROOT + picture, 1).replace("<title>Streamlit<", "<title>avexplore<", 1)
