"""Run the notebooks of the documentation anew and keep what they show.

python .ci/notebooks.py          (`make notebooks`; the tests run them, too, and keep nothing)
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"
_OF_MACHINES = ("application/vnd.jupyter.widget-view+json",)
"""What only the running kernel knows how to show; the still beside it stays."""


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook, run from top to bottom in a folder, with results of its own.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    book = nbformat.read(path, as_version=4)
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    surroundings = os.environ | {"PYTHONPATH": search, "AVEXPLORE_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    client = NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=surroundings)
    return book


def cleaned(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs from run to run and from machine to machine."""
    book.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(book.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        for output in cell.get("outputs", []):
            output.pop("metadata", None)
            if "data" in output:
                output.metadata = {}
                for kind in _OF_MACHINES:
                    output.data.pop(kind, None)
                if len(output.data) > 1:
                    output.data.pop("text/plain", None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
    return book


def main() -> None:
    """Run and keep each, or those that are named."""
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        path = FOLDER / f"{name}.ipynb"
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(cleaned(executed(path, Path(folder))), path)
        print(path.name)


if __name__ == "__main__":
    main()
