"""`avexplore man`: the manual page, made from the parser itself, so that it tells of every option that there is."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

import avexplore

SECTIONS = (
    (
        "EXIT STATUS",
        (
            ("0", "Done."),
            ("1", "It could not be done; the reason is on stderr."),
            ("2", "Wrong usage."),
            ("130", "Stopped."),
        ),
    ),
    (
        "ENVIRONMENT",
        (
            ("AVEXPLORE_HOME", "Where results lie; the platform's folder for user data without it."),
            ("AVEXPLORE_MODELS", "The shipped results, in place of those of the installation."),
            ("AVEXPLORE_DEVICE", "Device of trainings: cpu, cuda ...; the fastest there is without it."),
            ("AVEXPLORE_FOLDERS", "Folders that files may be read from, separated as in PATH; any without it."),
            ("AVEXPLORE_WORKERS", "How many jobs run at once."),
            ("AVEXPLORE_JOB_MEMORY", "Memory that a job may take, in GiB."),
            ("AVEXPLORE_PASSWORD", "What visitors of the app are asked for; a file is safer (--password-file)."),
            ("OMP_NUM_THREADS", "Threads of a training; results are the same with the same number."),
            ("GOMP_SPINCOUNT", "How long they spin while they wait for each other; 500 without it."),
        ),
    ),
)


def man(context: typer.Context) -> None:
    """Print the manual page; `man -l` shows it."""
    root = context.find_root()
    sys.stdout.write("\n".join(page(root.command)) + "\n")


def page(program: Any) -> Iterator[str]:
    """The lines of a manual page in roff.

    Args:
        program: The command of the whole command line.
    """
    context = program.context_class(program, info_name="avexplore", **program.context_settings)
    yield f'.TH AVEXPLORE 1 "" "avexplore {avexplore.__version__}" "User Commands"'
    yield from (".SH NAME", f"avexplore \\- {_text(_first_sentence(program.help))}")
    yield from (".SH SYNOPSIS", ".B avexplore", "[OPTIONS] COMMAND [ARGUMENTS]")
    yield from (".SH DESCRIPTION", *_paragraphs(program.help))
    yield from (".SH OPTIONS", *_parameters(program, context))
    yield ".SH COMMANDS"
    for command, its in _commands(program, context):
        yield f".SS {_text(its.command_path)}"
        yield from (".B " + _text(its.command_path), _text(" ".join(command.collect_usage_pieces(its))))
        yield from (".PP", *_paragraphs(command.help))
        yield from _parameters(command, its)
    for title, entries in SECTIONS:
        yield f".SH {title}"
        for name, words in entries:
            yield from (".TP", f".B {_text(name)}", _text(words))


def _commands(group: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        own = command.context_class(command, info_name=name, parent=context)
        if command.hidden:
            continue
        if hasattr(command, "list_commands"):
            yield from _commands(command, own)
        else:
            yield command, own


def _parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        names, words = record
        yield from (".TP", f".B {_text(names)}", _text(words) or "\\&")


def _paragraphs(text: str | None) -> Iterator[str]:
    for number, part in enumerate(re.split(r"\n\s*\n", (text or "").strip())):
        if number:
            yield ".PP"
        yield _text(" ".join(part.split()))


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split()).partition(". ")[0].rstrip(".")


def _text(text: str) -> str:
    """Text that roff shows as it is.

    >>> print(_text("--set a.b=1"), _text(".x"), _text("C:\\\\a"))
    \\-\\-set a.b=1 \\&.x C:\\ea
    """
    flat = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + flat if flat.startswith((".", "'")) else flat
