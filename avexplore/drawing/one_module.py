"""A front end of many small modules as the one text that a browser is sent."""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|class|function\*?) (\w+))", re.MULTILINE)


def one_module(entry: str, *folders: Path) -> str:
    """A module with all that it imports, each of which becomes a function that returns what it exports.

    Understood are `import { a, b } from "./c.js";`, and `export` before `const`, `class` and `function`.

    Args:
        entry: Its name without ending. Its `export default` stays.
        folders: Where modules are looked for, in this order.

    Raises:
        ImportError: If a module is not there, or does not export what another imports.
    """
    found: dict[str, str] = {}
    exports: dict[str, list[str]] = {}

    def read(name: str) -> str:
        for folder in folders:
            if (folder / f"{name}.js").is_file():
                return (folder / f"{name}.js").read_text(encoding="utf-8")
        raise ImportError(f"There is no {name}.js")

    def visit(name: str) -> str:
        source = read(name)
        exports[name] = _EXPORT.findall(source)
        for wanted, needed in _IMPORT.findall(source):
            if needed not in exports:
                body, given = visit(needed), ", ".join(exports[needed])
                found[needed] = f"const {needed}_js = (() => {{\n{body}return {{ {given} }};\n}})();\n"
            if missing := {each.strip() for each in wanted.split(",")} - set(exports[needed]):
                raise ImportError(f"{name}.js wants {sorted(missing)} from {needed}.js")
        return _EXPORT.sub("", _IMPORT.sub(r"const {\1} = \2_js;\n", source))

    body = visit(entry)
    return "".join(found.values()) + body


def front_end(entry: str, *folders: Path) -> dict[str, str]:
    """The "html" and "css" of a view, in the first folder, and its modules as one "js"."""
    texts = {kind: (folders[0] / f"{entry}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")}
    return texts | {"js": one_module(entry, *folders)}
