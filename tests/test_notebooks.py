"""The notebooks of the documentation run from top to bottom, and what they show was kept as it is on any machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from avexplore.store import app_folder

ROOT = app_folder()
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")


@pytest.fixture(scope="module")
def notebooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_notebooks", ROOT / ".ci" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(book: Any) -> list[Any]:
    return [output for cell in book.cells for output in cell.get("outputs", [])]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_the_same_kinds_of_things(path: Path, notebooks: ModuleType, tmp_path: Path) -> None:
    fresh = notebooks.cleaned(notebooks.executed(path, tmp_path))
    kept = nbformat.read(path, as_version=4)

    def kinds(book: Any) -> list[list[str]]:
        return [sorted(output.get("data", {output.get("name"): ""})) for output in outputs(book)]

    assert kinds(fresh) == kinds(kept)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_was_kept_is_whole_and_of_no_machine(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in outputs(book) if output.output_type == "error"]
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?:/home|/root|/tmp|/Users|/work|[A-Z]:\\\\)[\w./\\-]*", text)
    assert len(text) < 120_000
    assert path.name in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
