"""Draw anew what the app shows of the class graph while it loads: the first run that ships with avexplore.

python .ci/first_pictures.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from avexplore.store import Store
from avexplore.ui.class_graph.first_picture import first_picture
from avexplore.ui.server.first_pictures import FOLDER, file_name
from avexplore.workbench import Workbench


def main() -> None:
    """Write both."""
    with tempfile.TemporaryDirectory() as home:
        bench = Workbench(Store(Path(home)))
        run = bench.runs()[0]
        for old in FOLDER.glob("*.svg"):
            old.unlink()
        for is_compiled in (False, True):
            svg = first_picture(bench, run, is_compiled=is_compiled)
            (FOLDER / file_name(run.key, is_compiled=is_compiled)).write_text(svg, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
