"""Names from data files are text, whatever they look like: never markup, never a link, never an icon."""

from __future__ import annotations

import html
import re

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")
_WORD_JOINER = "\u2060"


def as_text(name: str) -> str:
    r"""A name of a file as text that can be sent: on Linux it may hold bytes that are no letters.

    >>> as_text("a\udcff")
    'a\\udcff'
    """
    return name.encode("utf-8", "backslashreplace").decode()


def as_markdown(text: str) -> str:
    r"""Text that Streamlit's Markdown shows literally.

    >>> as_markdown("a*b*")
    'a\\*b\\*'
    """
    # Shortcodes such as :smile: are replaced after escapes are read; an invisible letter breaks them.
    return _SPECIAL.sub(r"\\\1", as_text(text)).replace("\\:", "\\:" + _WORD_JOINER)


def as_html(text: object) -> str:
    """Text that a browser shows literally, and plotly, too, which knows quotes by number alone.

    >>> as_html('"<b>"')
    '&#34;&lt;b&gt;&#34;'
    """
    return html.escape(str(text)).replace("&quot;", "&#34;")
