"""Many small modules as one: each finds what it imports, and nothing else is in its way."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from avexplore.drawing.maps import packed
from avexplore.drawing.one_module import front_end, one_module


def write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_modules_come_once_each_before_those_that_need_them(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        base="const hidden = 1;\nexport const one = hidden;\n",
        side='import { one } from "./base.js";\n\nexport function two() {\n  return 2 * one;\n}\n',
        entry='import { one } from "./base.js";\nimport { two } from "./side.js";\n\nexport default one + two();\n',
    )
    text = one_module("entry", folder)
    assert text.count("const base_js") == 1
    assert text.index("const base_js") < text.index("const side_js") < text.index("export default")
    assert "import" not in text
    if node := shutil.which("node"):
        (tmp_path / "all.mjs").write_text(text, encoding="utf-8")
        (tmp_path / "ask.mjs").write_text('import found from "./all.mjs";\nconsole.log(found);\n', encoding="utf-8")
        assert subprocess.run([node, tmp_path / "ask.mjs"], capture_output=True, text=True).stdout.strip() == "3"


def test_a_module_may_lie_in_another_folder_but_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write(tmp_path / "a", entry='import { x } from "./other.js";\nexport default x;\n')
    second = write(tmp_path / "b", other="export const x = 5;\n")
    assert "const x = 5" in one_module("entry", first, second)
    with pytest.raises(ImportError, match=r"no other\.js"):
        one_module("entry", first)
    write(second, other="export const y = 5;\n")
    with pytest.raises(ImportError, match="wants \\['x'\\] from other"):
        one_module("entry", first, second)


def test_the_maps_front_end_is_whole() -> None:
    text = front_end("view", packed.FRONTEND)["js"]
    assert text.count("export default function") == 1
    assert "\nimport " not in text
