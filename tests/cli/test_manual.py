"""The manual page and the completion say what the parser takes, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from avexplore import cli
from avexplore.cli import upkeep
from avexplore.reporting.run_folder import TABLES


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


PROGRAM = typer.main.get_command(cli.app)
ALL = dict(commands(PROGRAM, "avexplore"))


@pytest.fixture(scope="module")
def manual() -> str:
    """As a terminal shows it, without line breaks."""
    printed = subprocess.run(
        [sys.executable, "-m", "avexplore", "man"], capture_output=True, text=True, check=True, encoding="utf-8"
    ).stdout
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not on this machine")
    shown = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-rLL=2000n", "-P-c"],
        input=printed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == "", "no warning of roff"
    return re.sub(r".\x08", "", shown.stdout)


def test_every_command_has_a_section_and_every_option_stands_in_it(manual: str) -> None:
    parts = dict(
        zip(
            re.findall(r"^   (avexplore .*?)$", manual, re.MULTILINE),
            re.split(r"^   avexplore .*?$", manual, flags=re.MULTILINE)[1:],
            strict=True,
        )
    )
    assert set(parts) == set(ALL)
    for name, command in ALL.items():
        flat = " ".join(parts[name].split())
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert not option.startswith("-") or re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", flat), (
                    name,
                    option,
                )
        told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub(r"`[^`]*`|\(.*?\)", "", flat)))
        there = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        words = " ".join(filter(None, [command.help, *(getattr(p, "help", "") or "" for p in command.params)]))
        assert {o for o in told if o not in words} <= there, name


def test_environment_variables_are_those_of_the_code(manual: str) -> None:
    from pathlib import Path

    code = "".join(path.read_text(encoding="utf-8") for path in Path(cli.__file__).parents[1].rglob("*.py"))
    for name in re.findall(r"AVEXPLORE_[A-Z_]+", manual[manual.index("ENVIRONMENT") :]):
        assert code.count(f'"{name}"') >= 1, name


def completed(line: str, shell: str = "bash") -> list[str]:
    """What a shell is offered at the end of a line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_AVEXPLORE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "import sys; sys.argv = ['avexplore']; from avexplore.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_shells_complete_commands_options_and_words() -> None:
    assert set(completed("avexplore co")) == {name.split()[1] for name in ALL if name.startswith("avexplore co")}
    assert {"--measure", "--average", "--on"} <= set(completed("avexplore compare --"))
    assert set(completed("avexplore run --preset ")) == {"tiny", "quick", "long", "paper"}
    offered = completed("avexplore export ")
    assert set(offered) >= {*upkeep.SINGLE, *TABLES}
    assert tuple(TABLES) == upkeep.TABLE_NAMES


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    environment = {**os.environ, "_AVEXPLORE_COMPLETE": f"source_{shell}"}
    code = "import sys; sys.argv = ['avexplore']; from avexplore.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "_AVEXPLORE_COMPLETE" in done.stdout
    if interpreter := shutil.which(shell):
        assert subprocess.run([interpreter, "-n"], input=done.stdout, text=True, check=False).returncode == 0
