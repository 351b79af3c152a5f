"""`avexplore app`: the pages, on this machine unless told otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from avexplore.errors import StoreError
from avexplore.store import checkout


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("app")(serve)


def serve(
    port: Annotated[int, typer.Option(help="Where to listen.", min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="127.0.0.1 is this machine only; 0.0.0.0 is the network.")] = "127.0.0.1",
    shared: Annotated[bool, typer.Option(help="For visitors: no tracebacks, smaller uploads.")] = False,
    demo: Annotated[
        bool, typer.Option(help="Browse and tune graphs only: no training, no uploads, no writing.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser.")] = False,
) -> None:
    """Start the app in the browser."""
    script = checkout() / "app.py"
    if not script.is_file():
        raise StoreError("The pages are not here", where=str(script), fix="Start the app from a checkout of avexplore")
    environment = os.environ | {
        "AVEXPLORE_SHARED": "1" if shared or demo else os.environ.get("AVEXPLORE_SHARED", "0"),
        "AVEXPLORE_DEMO": "1" if demo else os.environ.get("AVEXPLORE_DEMO", "0"),
    }
    command = [
        sys.executable,
        "-m",
        "streamlit",
        *streamlit_arguments(script, port, address, shared or demo, open_browser),
    ]
    # The graph search is compiled once per machine: begun now, it is ready when somebody gets to the graph.
    code = "from avexplore.graph.compilation import fill_cache; fill_cache()"
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True, **quiet)  # type: ignore[call-overload]
    if os.name == "posix":
        os.chdir(checkout())
        os.execve(sys.executable, command, environment)
    raise typer.Exit(subprocess.run(command, cwd=checkout(), env=environment, check=False).returncode)


def streamlit_arguments(script: Path, port: int, address: str, guarded: bool, open_browser: bool) -> list[str]:
    """What Streamlit is started with. What is not named here stands in `.streamlit/config.toml`."""
    settings = {
        "server.port": str(port),
        "server.address": address,
        "server.headless": str(not open_browser).lower(),
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none" if guarded else "full",
    }
    if guarded:
        settings |= {"server.maxUploadSize": "64", "client.toolbarMode": "minimal"}
    return ["run", str(script), *(f"--{name}={value}" for name, value in settings.items())]
