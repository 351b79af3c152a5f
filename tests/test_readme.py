"""The commands and the code that the README and the docs show are those that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from avexplore import cli
from avexplore.store import app_folder

ROOT = app_folder()
PAGES = ("README.md", "models/README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
FILES = (
    "train00.tfrecord",
    "train01.tfrecord",
    "validate00.tfrecord",
    "train_order.h5",
    "val_order.h5",
    "test_order.h5",
)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """Every `avexplore ...`, in a block or within a sentence."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    found = [re.sub(r"^([A-Z_]+=\S+ )*(python -m )?", "", line.strip()) for line in lines]
    return [line for line in found if line.startswith("avexplore ")]


def as_the_shell_passes(line: str) -> list[str]:
    """The arguments, patterns replaced by the files here."""
    arguments = []
    for word in shlex.split(line, comments=True)[1:]:
        names = sorted(path.name for path in Path().glob(word)) if "*" in word else [word]
        assert names, f"no file fits {word}"
        arguments += names
    return arguments


def every_command(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield from every_command(command) if hasattr(command, "commands") else [command]


@pytest.fixture
def without_work() -> Any:
    """The command line, which reads its arguments and does nothing."""
    program = typer.main.get_command(cli.app)
    for command in every_command(program):
        command.callback = lambda **given: None
    return program


@pytest.mark.parametrize(
    ("page", "line"), [pytest.param(page, line, id=line) for page in PAGES for line in dict.fromkeys(commands(page))]
)
def test_the_command_line_takes_every_command_that_is_shown(
    page: str, line: str, without_work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).touch()
    without_work.main(as_the_shell_passes(line), standalone_mode=False)


def test_an_option_that_there_is_not_would_be_noticed(without_work: Any) -> None:
    with pytest.raises(Exception, match="No such option"):
        without_work.main(["run", "--date", "clips.npz"], standalone_mode=False)


def test_the_graph_commands_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    events = rng.random((300, 3)) < 0.4
    logits = {name: events + rng.normal(0, 0.3, events.shape) for name in ("audio", "visual")}
    np.savez("soft_labels.npz", **logits, kind=np.array("logits"))
    Path("published.csv").write_text(",Cause,Effect\n0,audio_class_00,visual_class_00\n")
    shown = [line for line in commands("README.md") if line.startswith("avexplore graph soft_labels.npz")]
    assert len(shown) == 4
    said = {}
    for line in shown:
        assert cli.main(as_the_shell_passes(line)) == 0, line
        said[line] = capsys.readouterr().out
    assert all("Frequency" in out for line, out in said.items() if "--stability" in line)
    assert all("Is it right?" in out for line, out in said.items() if "--verdict" in line)
    assert all("shd" in out for line, out in said.items() if "--compare" in line)


@pytest.mark.slow
def test_the_library_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = "".join(blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python"))
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert abs(float(capsys.readouterr().out)) < 1
    assert names["graph"].selection == ("audio:Event 00",)
    assert len(names["found"].nodes) == 8
    assert names["heard"].shape == names["seen"].shape
    assert len(names["heard"]) == 200
