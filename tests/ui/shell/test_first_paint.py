"""What stands on a page before Streamlit's front end is there."""

from __future__ import annotations

import re

import asgi
from asgi import ask

from avexplore.ui.page_list import PAGES, PageInfo
from avexplore.ui.server.first_paint import FirstPaint
from avexplore.ui.server.response_headers import content_policy, front_page

FRONT = '<head><title>Streamlit</title></head><body><div id="root"></div><script>1</script></body>'


def none(page: str, query: str) -> str:
    return ""


def test_pages_have_their_words_and_all_else_is_handed_on() -> None:
    behind = asgi.Behind()
    app = FirstPaint(behind, front_page=FRONT, pages=PAGES, picture=none)
    for page in PAGES:
        assert f'data-words="{page.title}"' in ask(app, f"/{page.name}?run=abc").body
    assert ask(app, "/").body == ask(app, f"/{PAGES[0].name}").body
    assert behind.reached == []
    for path in ("/static/js/index.js", "/_stcore/health", "/no_such_page", "/class_graph/x"):
        assert ask(app, path).body == "the secret page"
    assert ask(app, "/", method="POST").body == "the secret page"


def test_a_known_picture_stands_outside_of_the_place_that_streamlit_clears() -> None:
    def picture(page: str, query: str) -> str:
        return f"<svg>{page}?{query}</svg>"

    body = ask(FirstPaint(asgi.Behind(), front_page=FRONT, pages=PAGES, picture=picture), "/class_graph?run=abc").body
    root, rest = body.split("<script>1</script>")
    assert "avx-still" not in root
    assert re.search(r"<svg>class_graph\?run=abc</svg></div>\s*</body>", rest)


def test_words_are_no_markup() -> None:
    odd = PageInfo("odd", 'A "b" <i>', "", "Is 1 < 2 & 'so on'?")
    body = ask(FirstPaint(asgi.Behind(), front_page=FRONT, pages=[odd], picture=none), "/odd").body
    assert 'data-words="A &quot;b&quot; &lt;i&gt;"' in body
    assert 'data-words="Is 1 &lt; 2 &amp; &#x27;so on&#x27;?"' in body


def test_streamlits_page_has_the_place_and_keeps_its_rules() -> None:
    body = ask(FirstPaint(asgi.Behind(), front_page=front_page(), pages=PAGES, picture=none), "/").body
    assert body.count('class="avx-first"') == 1
    assert "<title>avexplore</title>" in body
    assert content_policy(body) == content_policy(front_page())
