"""What `avexplore app` tells the server of who may come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avexplore.cli import serve
from avexplore.folders import ALONE, NAMED


class Started(Exception):
    """Instead of a server."""


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the server would get, filled when it is started."""
    found: dict[str, str] = {}

    def start(program: str, command: list[str], environment: dict[str, str]) -> None:
        found.update(environment)
        raise Started

    monkeypatch.setattr(serve.os, "execve", start)
    monkeypatch.setattr(serve.os, "chdir", lambda folder: None)
    monkeypatch.setattr(serve.os, "dup2", lambda *descriptors: None)
    monkeypatch.setattr(serve, "beside", lambda room, variables: None)
    return found


@pytest.mark.skipif(serve.os.name != "posix", reason="Windows starts a child")
@pytest.mark.parametrize(
    ("options", "alone"),
    [
        ({}, "1"),
        ({"address": "0.0.0.0"}, "0"),
        ({"shared": True}, "0"),
        ({"demo": True}, "0"),
        ({"host": ["avexplore.example.org"]}, "0"),
        ({"proxy": ["10.0.0.1"]}, "0"),
        ({"password_file": "password"}, "0"),
    ],
)
def test_only_an_app_for_this_machine_reads_what_commands_were_given(
    environment: dict[str, str], tmp_path: Path, options: dict[str, Any], alone: str
) -> None:
    (tmp_path / "password").write_text("long enough")
    given = {name: tmp_path / "password" if name == "password_file" else value for name, value in options.items()}
    with pytest.raises(Started):
        serve.serve(**given)
    assert environment[ALONE] == alone
    assert NAMED in environment, "a list, be it an empty one"


@pytest.mark.skipif(serve.os.name != "posix", reason="Windows starts a child")
def test_jobs_cannot_read_the_password_and_the_proxy_that_is_believed_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVEXPLORE_PASSWORD", "correct horse battery")
    with pytest.raises(Started):
        serve.serve(proxy=["10.0.0.5"])
    assert not any("horse" in value for value in environment.values())
    assert environment["FORWARDED_ALLOW_IPS"] == "10.0.0.5"
    assert "10.0.0.5" in capsys.readouterr().err
    environment.clear()
    with pytest.raises(Started):
        serve.serve()
    assert environment["FORWARDED_ALLOW_IPS"] == "", "nobody is believed, not even on this machine"
