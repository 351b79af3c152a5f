"""The server behind `avexplore app`: Streamlit, with what stands in front of it.

`python -m avexplore.ui.server.app '{"server.port": 8501}'`: the argument holds Streamlit's settings. A password comes
in the environment, and is taken out of it before anything else starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path

from avexplore.folders import app_folder, home

PASSWORD = "AVEXPLORE_PASSWORD"
VISITOR_BYTES = 512 << 20


def run(settings: dict[str, object]) -> None:
    """Serve until stopped."""
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from avexplore.ui.page_list import PAGES
    from avexplore.ui.server.password_gate import PasswordGate
    from avexplore.ui.server.response_headers import ResponseHeaders, content_policy, front_page
    from avexplore.ui.server.return_after_login import ReturnAfterLogin
    from avexplore.ui.server.upload_limits import UploadLimits

    # Jobs, and whatever else is started from here, need not know it.
    password = os.environ.pop(PASSWORD, "")
    layers = [Middleware(ResponseHeaders, policy=content_policy(front_page()))]
    if password:
        layers.append(Middleware(PasswordGate, password=password, key=cookie_key(home())))
    if (allowed := upload_bytes()) is not None:
        layers.append(Middleware(UploadLimits, visitor_bytes=allowed))
    layers.append(Middleware(ReturnAfterLogin, pages=[info.name for info in PAGES]))
    script = app_folder() / "app.py"
    # As if the script itself had been started: its folder is where settings and pages are looked for.
    sys.argv = [str(script)]
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
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.write(fresh)
    try:
        kept = path.read_bytes()
    except OSError:
        return fresh
    return kept if len(kept) == len(fresh) else fresh


if __name__ == "__main__":
    run(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
