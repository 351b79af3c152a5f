"""`avexplore app`: the pages, on this machine unless told otherwise."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from avexplore.apart import beside
from avexplore.cli.output import say
from avexplore.errors import ConfigError, StoreError
from avexplore.folders import ALONE, NAMED, app_folder

PASSWORD = "AVEXPLORE_PASSWORD"
SHORTEST_PASSWORD = 8
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


def serve(
    port: Annotated[int, typer.Option(help="Where to listen.", min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="127.0.0.1 is this machine only; 0.0.0.0 is the network.")] = "127.0.0.1",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which browsers reach the app, if there is a proxy in front; may be repeated."),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address of a proxy that says truly, in X-Forwarded-For, who asks; may be repeated."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="A folder whose files the app may read, beside the data folder; may be repeated."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="Ask visitors for the password in this file's first line (or in AVEXPLORE_PASSWORD)."),
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(help="Let visitors log in with a provider (OIDC); a secrets.toml as st.login describes it."),
    ] = None,
    shared: Annotated[bool, typer.Option(help="For visitors: no tracebacks, smaller uploads.")] = False,
    demo: Annotated[
        bool, typer.Option(help="Browse and tune graphs only: no training, no uploads, no writing.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser.")] = False,
) -> None:
    """Start the app in the browser."""
    script = app_folder() / "app.py"
    if not script.is_file():
        raise StoreError("The pages are not here", where=str(script), fix="Install avexplore anew")
    password = read_password(password_file, os.environ.get(PASSWORD))
    environment = os.environ | {
        NAMED: os.pathsep.join(filter(None, [folder_list(folder or []), os.environ.get(NAMED, "")])),
        "AVEXPLORE_HAS_PASSWORD": "1" if password else "0",
        # Whoever else writes X-Forwarded-For could call themselves by any address.
        "FORWARDED_ALLOW_IPS": ",".join(proxy or []),
        "AVEXPLORE_SHARED": "1" if shared or demo else os.environ.get("AVEXPLORE_SHARED", "0"),
        "AVEXPLORE_DEMO": "1" if demo else os.environ.get("AVEXPLORE_DEMO", "0"),
    }
    company = password or secrets or host or proxy or environment["AVEXPLORE_SHARED"] == "1"
    environment[ALONE] = "1" if is_local(address) and not company else "0"
    if not (is_local(address) or password or secrets or demo):
        say(
            "Whoever reaches this address may train and upload. Add --password-file, --secrets or --demo "
            "(docs/server.md)."
        )
    if proxy:
        say(f"X-Forwarded-For is believed from {', '.join(proxy)}.")
    settings = streamlit_settings(port, address, host or [], environment["AVEXPLORE_SHARED"] == "1", open_browser)
    if secrets is not None:
        if not secrets.is_file():
            raise ConfigError("There is no such file", where=str(secrets), fix="Check the path after --secrets")
        settings["secrets.files"] = [str(secrets.resolve())]
    command = [sys.executable, "-m", "avexplore.ui.server.app", json.dumps(settings)]
    environment.pop(PASSWORD, None)  # the environment of a process can be read by all others of its user
    # The search is compiled once per machine: begun now, it is ready when somebody gets there.
    beside("graph.search.warm_up", environment)
    if os.name == "posix":
        if password:
            reading, writing = os.pipe()
            os.write(writing, f"{password}\n".encode())
            os.close(writing)
            os.dup2(reading, 0)
        os.chdir(app_folder())
        os.execve(sys.executable, command, environment)
    told = f"{password}\n".encode() if password else None
    raise typer.Exit(subprocess.run(command, cwd=app_folder(), env=environment, input=told, check=False).returncode)


def read_password(file: Path | None, given: str | None) -> str:
    """The password that visitors need: of the file, else as given; "" asks for none.

    Raises:
        ConfigError: If the file cannot be read, or the password is too short to be one.
    """
    if file is not None:
        try:
            with file.open(encoding="utf-8") as stream:
                given = stream.readline(4096).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise ConfigError(
                f"The password cannot be read: {reason}", where=str(file), fix="Check the file"
            ) from error
    elif given is None:
        return ""
    if len(given) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"The password has fewer than {SHORTEST_PASSWORD} characters",
            where=str(file or PASSWORD),
            fix="Put a longer one into the first line",
        )
    return given


def is_local(address: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_local("127.0.0.1"), is_local("::1"), is_local("localhost"), is_local("0.0.0.0"), is_local("10.0.0.7")
    (True, True, True, False, False)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def folder_list(folders: Sequence[Path]) -> str:
    """The folders as the environment carries them.

    Raises:
        ConfigError: If one of them is no folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError("It is no folder", where=str(folder), fix="Check the path after --folder")
    return os.pathsep.join(str(folder.resolve()) for folder in folders)


def streamlit_settings(
    port: int, address: str, hosts: Sequence[str], guarded: bool, open_browser: bool
) -> dict[str, object]:
    """What Streamlit is started with. What is not named here stands in `.streamlit/config.toml`."""
    settings: dict[str, object] = {
        "server.port": port,
        "server.address": address,
        "server.headless": not open_browser,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none" if guarded else "full",
    }
    if guarded:
        settings |= {"server.maxUploadSize": 64, "client.toolbarMode": "minimal"}
    if is_local(address) or hosts:
        # A page elsewhere could make its own name point here, and would then count as the same origin.
        settings["server.allowedHosts"] = [*LOCAL_NAMES, *hosts]
    return settings
