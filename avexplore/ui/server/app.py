"""The server behind `avexplore app`: Streamlit, with what stands in front of it.

`python -m avexplore.ui.server.app '{"server.port": 8501}'`: the argument holds Streamlit's settings. A password comes
as the first line of standard input: an environment could be read by every job that is started from here.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from avexplore.folders import app_folder, home

HAS_PASSWORD = "AVEXPLORE_HAS_PASSWORD"
HOSTS = "server.allowedHosts"
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
VISITOR_BYTES = 512 << 20


def run(settings: dict[str, Any]) -> None:
    """Serve until stopped."""
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from avexplore.ui.page_list import PAGES
    from avexplore.ui.server import ahead, first_pictures, left_sessions
    from avexplore.ui.server.first_paint import FirstPaint
    from avexplore.ui.server.front_door import FrontDoor
    from avexplore.ui.server.login_visits import LoginVisits
    from avexplore.ui.server.password_gate import EndedVisits, PasswordGate
    from avexplore.ui.server.response_headers import ResponseHeaders, content_policy, front_page
    from avexplore.ui.server.return_after_login import ReturnAfterLogin
    from avexplore.ui.server.upload_limits import UploadLimits

    os.umask(0o077)  # results and logs are of whoever started the server
    # Of this machine's own names only the port tells this server's pages from others'.
    named = [name for name in settings.get(HOSTS, ()) if name not in LOCAL_NAMES]
    page = front_page()
    layers = [
        Middleware(ResponseHeaders, policy=content_policy(page)),
        Middleware(FrontDoor, hosts=named, has_visitors=os.environ.get("AVEXPLORE_SHARED") == "1"),
    ]
    if os.environ.pop(HAS_PASSWORD, "") == "1":
        password = sys.stdin.readline().rstrip("\r\n")
        key, ended = cookie_key(home()), EndedVisits(home() / "ended_visits")
        layers.append(Middleware(PasswordGate, password=password, key=key, ended=ended))
    if (allowed := upload_bytes()) is not None:
        layers.append(Middleware(UploadLimits, visitor_bytes=allowed))
    layers.append(Middleware(LoginVisits, ended=EndedVisits(home() / "ended_logins"), hosts=named))
    layers.append(Middleware(ReturnAfterLogin, pages=[info.name for info in PAGES]))
    here = [info for info in PAGES if info.is_here]
    layers.append(Middleware(FirstPaint, front_page=page, pages=here, picture=first_pictures.picture))
    left_sessions.use()
    ahead.import_pages()
    script = app_folder() / "app.py"
    # As if the script itself had been started: its folder is where settings and pages are looked for.
    sys.argv = [str(script)]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends it, and that is all there is to say
        App(script, middleware=layers).run(config=settings)


def upload_bytes() -> int | None:
    """What one visitor may upload: nothing in the demo, a limit where the server is shared, else None."""
    if os.environ.get("AVEXPLORE_DEMO") == "1":
        return 0
    return VISITOR_BYTES if os.environ.get("AVEXPLORE_SHARED") == "1" else None


def cookie_key(folder: Path) -> bytes:
    """What the visitors' cookies are signed with: kept in the data folder, so that a restart logs nobody out.

    Where it cannot be kept, it holds until the server ends.
    """
    path = folder / "cookie.key"
    fresh = secrets.token_bytes(32)
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(fresh)
    try:
        kept = path.read_bytes()
    except OSError:
        return fresh
    return kept if len(kept) == len(fresh) else fresh


if __name__ == "__main__":
    run(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
