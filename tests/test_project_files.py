"""Citation, conduct, issue forms and the image say what is true of this repository."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet

import avexplore
from avexplore import cli
from avexplore.folders import app_folder

ROOT = app_folder()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- CITATION.cff, by the schema 1.2.0 of the Citation File Format ------------------------------------------------

KINDS = {"article", "conference-paper", "software", "data", "generic", "report", "book"}


def test_the_citation_is_of_this_version_and_license() -> None:
    cited = yaml.safe_load(read("CITATION.cff"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(cited), "what the schema requires"
    assert (cited["title"], cited["version"]) == (PROJECT["name"], avexplore.__version__)
    assert cited["license"] == PROJECT["license"]
    assert cited["type"] == "software"
    for reference in cited["references"]:
        assert {"type", "title", "authors"} <= set(reference), "what the schema requires"
        assert reference["type"] in KINDS
        assert isinstance(reference["year"], int)
        assert all({"family-names", "name"} & set(author) for author in reference["authors"])


def test_the_citation_names_what_the_readme_names() -> None:
    told = " ".join(read("README.md").partition("## Citation")[2].split())
    for reference in yaml.safe_load(read("CITATION.cff"))["references"]:
        assert " ".join(reference["title"].split()) in told
        assert reference["authors"][0]["family-names"] in told


# --- forms and texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [f for f in FORMS if f.name != "config.yml"], ids=lambda form: form.stem)
def test_an_issue_form_is_one(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(content)
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
    for field in fields:
        assert field["type"] in {"textarea", "input", "dropdown", "checkboxes"}
        assert field["attributes"]["label"]
    program = typer.main.get_command(cli.app)
    for command in re.findall(r"`avexplore (\w+)", form.read_text(encoding="utf-8")):
        assert command in program.commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"])
def test_links_of_the_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", read(page)):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


# --- the image ----------------------------------------------------------------------------------------------------


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of the Dockerfile by stage, lines joined and comments left out."""
    lines = [line for line in read("Dockerfile").splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[tuple[str, str]]] = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest.strip()))
    return found


def given(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def test_the_image_runs_as_nobody_in_particular_and_keeps_results_in_a_volume() -> None:
    final = stages()[-1]
    instructions = [name for name, _ in final]
    [user] = given(final, "USER")
    assert user not in ("root", "0")
    assert f"useradd --create-home --uid 1000 {user}" in " ".join(given(final, "RUN"))
    assert instructions.index("USER") > max(k for k, name in enumerate(instructions) if name in ("RUN", "COPY"))
    [volume] = json.loads(given(final, "VOLUME")[0])
    variables = dict(pair.split("=", 1) for pair in shlex.split(" ".join(given(final, "ENV"))))
    assert variables["AVEXPLORE_HOME"] == volume
    assert f"--owner={user}" in " ".join(given(final, "RUN")), "a volume made of it belongs to the user"
    assert variables["AVEXPLORE_DEVICE"] == "cpu"


def test_the_image_starts_a_command_that_there_is() -> None:
    final = stages()[-1]
    assert json.loads(given(final, "ENTRYPOINT")[0]) == list(PROJECT["scripts"])
    program: Any = typer.main.get_command(cli.app)
    name, *arguments = json.loads(given(final, "CMD")[0])
    command = program.commands[name]
    options = command.make_context(name, list(arguments)).params
    assert options["address"] == "0.0.0.0", "from outside the container, not only from within"
    assert given(final, "EXPOSE") == [str(options["port"])]
    health = given(final, "HEALTHCHECK")[0].partition("CMD ")[2].split()
    assert health == ["avexplore", "health"]
    assert "health" in program.commands


def test_the_image_is_built_from_files_that_there_are_and_a_python_that_is_supported() -> None:
    ignored = {line.strip("/") for line in read(".dockerignore").splitlines() if line}
    for stage in stages():
        base = given(stage, "FROM")[0].split()[0]
        image, _, tag = base.partition(":")
        assert image == "python"
        assert tag.split("-")[0] in SpecifierSet(PROJECT["requires-python"]), "a fixed version, not the latest"
        for copied in given(stage, "COPY"):
            if not copied.startswith("--from"):
                for source in copied.split()[:-1]:
                    assert (ROOT / source).exists()
                    assert source not in ignored
    needed = {
        "avexplore",
        "pages",
        "models",
        ".streamlit",
        "app.py",
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    assert not needed & ignored, "what the wheel is made of"
    assert {".git", ".venv", "tests"} <= ignored
