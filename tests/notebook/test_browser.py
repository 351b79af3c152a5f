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
from stored_run import loaded_from, make_run
from avexplore.notebook import ClassGraphWidget, MapsWidget
from avexplore.projection import project_pca
made = make_run(pathlib.Path(tempfile.mkdtemp()))
graph = ClassGraphWidget(made.graph, soft_labels=made.teacher.soft_labels)
def hear(_):
    pathlib.Path("heard.json").write_text(json.dumps([graph.selection, graph.threshold]))
    if graph.selection == ("visual:Dog",):
        graph.selection, graph.threshold = ("audio:Rain",), 0.75
graph.observe(hear, ["selection", "threshold"])
run = loaded_from(made)
maps = MapsWidget(run, project_pca(run.before, run.after, run.clips.rows("test")))
def hear_maps(_):
    pathlib.Path("heard_maps.json").write_text(json.dumps([maps.selection, maps.picked]))
    if maps.selection and not maps.picked:
        maps.picked = ("visual", maps.selection[-1])
maps.observe(hear_maps, ["selection", "picked"])
"""
"""What is clicked is written down; one class, clicked, and any lasso has Python choose something else."""
MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    SETUP
    return graph, maps, mo


@app.cell
def _(graph, mo):
    shown = mo.ui.anywidget(graph)
    shown
    return (shown,)


@app.cell
def _(maps, mo):
    mo.ui.anywidget(maps)
    return


@app.cell
def _(mo, shown):
    mo.md(f"Selected: {', '.join(shown.selection) or 'nothing'}.")
    return
"""
CAT, DOG = 4, 8 + 3
"""Places of `audio:Cat [x](y)` and `visual:Dog` among the nodes."""
TEST_CLIPS = [clip for clip in range(160) if clip // 8 % 5 > 2]


def drive(notebook: Any) -> None:
    """Select by click, have Python answer, and type where a notebook has commands of its own on each key."""
    notebook.shown()
    notebook.click(CAT)
    notebook.heard("heard.json", [["audio:Cat [x](y)"], 0.0])
    notebook.click(DOG)
    notebook.heard("heard.json", [["audio:Rain"], 0.75])
    notebook.until("stage.view.selection.id === 'n5' && stage.view.threshold === 0.75")
    slider = notebook.page.locator("input.threshold")
    assert slider.input_value() == "0.75"
    slider.focus()
    slider.press("Home")
    notebook.heard("heard.json", [["audio:Rain"], 0.0])
    lasso(notebook)


def lasso(notebook: Any) -> None:
    """Draw around the upper half of the left map; Python picks a clip of it; Escape lets go of all."""
    page, marks = notebook.page, notebook.page.locator("canvas.marks").first
    marks.scroll_into_view_if_needed()
    notebook.stands_still("JSON.stringify([window.leftMap().getBoundingClientRect(), window.leftMap().inspect().x])")
    box, seen = marks.bounding_box(), marks.evaluate("(canvas) => canvas.inspect()")
    middle = sorted(seen["y"])[len(seen["y"]) // 2]
    right, left = box["width"] - 3, 3
    page.mouse.move(box["x"] + left, box["y"] + left)
    page.mouse.down()
    for x, y in ((right, left), (right, middle), (left, middle), (left, left)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    page.mouse.up()
    flags = marks.evaluate("(canvas) => [...canvas.owner.selected]")
    m = len(flags) // 2
    rows = [row for place, row in enumerate(TEST_CLIPS) if flags[place] or flags[m + place]]
    assert 0 < len(rows) < m
    notebook.heard("heard_maps.json", [rows, ["visual", rows[-1]]])
    picked = m + TEST_CLIPS.index(rows[-1])
    page.wait_for_function("(point) => window.leftMap().owner.picked === point", arg=picked)
    marks.press("Escape")
    notebook.heard("heard_maps.json", [[], []])


def test_jupyterlab(notebook: Callable[[str], Any], serve: Callable[..., str], tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("jupyterlab")
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, "graph", "maps")]
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
