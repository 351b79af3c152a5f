"""The widget where people use it: what is clicked in JupyterLab and in marimo is in Python, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
SETUP = """
import json, pathlib, tempfile
from stored_run import make_run
from avexplore.notebook import ClassGraphWidget
made = make_run(pathlib.Path(tempfile.mkdtemp()))
graph = ClassGraphWidget(made.graph, soft_labels=made.teacher.soft_labels)
def hear(_):
    pathlib.Path("heard.json").write_text(json.dumps([graph.selection, graph.threshold]))
    if graph.selection == ("visual:Dog",):
        graph.selection, graph.threshold = ("audio:Rain",), 0.75
graph.observe(hear, ["selection", "threshold"])
"""
"""What is clicked is written down; one class, clicked, has Python select another."""
MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    SETUP
    return graph, mo


@app.cell
def _(graph, mo):
    shown = mo.ui.anywidget(graph)
    shown
    return (shown,)


@app.cell
def _(mo, shown):
    mo.md(f"Selected: {', '.join(shown.selection) or 'nothing'}.")
    return
"""
CAT, DOG = 4, 8 + 3
"""Places of `audio:Cat [x](y)` and `visual:Dog` among the nodes."""


def drive(notebook: Any) -> None:
    """Select by click, have Python answer, and type where a notebook has commands of its own on each key."""
    notebook.shown()
    notebook.click(CAT)
    notebook.heard(["audio:Cat [x](y)"], 0.0)
    notebook.click(DOG)
    notebook.heard(["audio:Rain"], 0.75)
    notebook.until("stage.view.selection.id === 'n5' && stage.view.threshold === 0.75")
    slider = notebook.page.locator("input.threshold")
    assert slider.input_value() == "0.75"
    slider.focus()
    slider.press("Home")
    notebook.heard(["audio:Rain"], 0.0)


def test_jupyterlab(notebook: Callable[[str], Any], serve: Callable[..., str], tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("jupyterlab")
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, "graph")]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, tmp_path / "graph.ipynb")
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(news))
    address = serve(
        "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=PORT", "--IdentityProvider.token=",
        "--KernelSpecManager.ensure_native_kernel=True", f"--ServerApp.root_dir={tmp_path}", ready="/api",
    )  # fmt: skip
    opened = notebook(f"{address}/lab/tree/graph.ipynb")
    page = opened.page
    page.get_by_text("| Idle").wait_for()
    page.locator(".lm-MenuBar-item").get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    drive(opened)
    # Two d delete a cell, unless they are typed into the widget.
    find = page.get_by_placeholder("Find a class")
    find.press_sequentially("dd")
    opened.until("stage.view.search === 'dd'")
    assert page.locator(".jp-CodeCell").count() == len(cells)


def test_marimo(notebook: Callable[[str], Any], serve: Callable[..., str], tmp_path: Path) -> None:
    pytest.importorskip("marimo")
    cells = MARIMO.replace("SETUP", SETUP.strip().replace("\n", "\n    "))
    (tmp_path / "graph.py").write_text(cells, encoding="utf-8")
    address = serve("marimo", "run", "graph.py", "--headless", "--no-token", "--port", "PORT", ready="/health")
    opened = notebook(f"{address}/")
    drive(opened)
    opened.page.get_by_text("Selected: audio:Rain.").wait_for()
