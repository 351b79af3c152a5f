"""Open every page by links that nobody would write: each must show a page, and no traceback.

    python benchmarks/fuzz_links.py --links 2000 --seed 1
    python benchmarks/fuzz_links.py --links 50 --only story --only training

The parameters are those that the pages themselves put into an address (widgets that are bound to it), and those that
the source reads from one. Each link sets some of them, or all, to words that are odd, huge, or a mutation of what the
page itself would write. Runs are those of AVEXPLORE_HOME and AVEXPLORE_MODELS, by default the shipped ones; nothing is
trained.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_LISTS = re.compile(r"""\b(?:_NAMES|NAMES|_KEPT|CARRIED) = \(([^)]*)\)""")
_WORD = re.compile(r"""["']([a-z_]\w*)["']""")
LIFTED = ("run", "present")
"""Read on every page; a link with another run is of interest, but one link in four is enough."""
WORDS = (
    "", "0", "-1", "1", "2", "7", "1.5", "9" * 20, "9" * 400, "-" + "9" * 400, "9" * 5000, "1e400", "-1e400",
    "1e-400", "nan", "inf", "-inf", "1_000", "0x10", " 5", "5.0", "١٢", "²", "true", "None", "on", "null",
    "[]", "{}", "()", "[" * 3000, '{"a":' * 3000, "\0", "%00", "%", "a" * 5000, "../../../etc/passwd", "/etc/passwd",
    "<img src=x onerror=alert(1)>", "![x](http://evil.example)", "é", "\u202e", ":material/home:", "n0",
    "n99999999", "n" + "9" * 400, "e0-1", "e-1--1", "e0-" + "9" * 400, "n0-n1", "n0.9", "0~0~1", "nan~nan~nan",
    "1e400~0~1", "graph.penalty_discount-3", "graph.penalty_discount-" + "9" * 400, "graph.seed-" + "9" * 5000,
    "student.epochs--1", "regularizer.weight-nan", "regularizer.weight-1e400", "knowledge.tiers-_._.",
    "knowledge.required-a_b_.", "*" * 300, "." * 300, "-" * 300, "_" * 300, "~" * 300, "a.b-c*a.b-c",
    "0123456789ab", "f" * 64, "AAAA", "=" * 64, "stored",
)  # fmt: skip


def texts(message: Message, wanted: str) -> Iterator[tuple[Message, str]]:
    """Fields of that name in a message and in what stands in it."""
    for field, value in message.ListFields():
        several = value if not isinstance(value, (str, bytes, Message)) and hasattr(value, "__iter__") else [value]
        for one in several:
            if isinstance(one, Message):
                yield from texts(one, wanted)
            elif isinstance(one, str) and field.name == wanted:
                yield message, one


def read_by_source() -> set[str]:
    """Names that the source reads from an address, but for those of bound widgets."""
    found: set[str] = set()
    for path in (ROOT / "avexplore" / "ui").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""query_params(?:\.get\(|\[)\s*["'](\w+)["']""", text))
        if "arrived(" in text or "read_view" in text or "CARRIED" in text:
            for listed in _LISTS.findall(text):
                found |= set(_WORD.findall(listed))
            for listed in re.findall(r"""arrived\([^)]*\[([^\]]*)\]""", text):
                found |= set(_WORD.findall(listed))
    return found


class Page:
    """A page, the parameters that an address of it may have, and what it would write itself.

    Args:
        name: Of the page.
        seconds: That a pass may take.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self.name, self._seconds = name, seconds
        self.known: dict[str, set[str]] = {name: set() for name in read_by_source()}
        self.learn(self.open({}))

    def open(self, query: dict[str, str]) -> Any:
        """A visitor's session that opened this link."""
        from streamlit.testing.v1 import AppTest

        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=self._seconds)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        return at.switch_page(f"pages/{self.name}.py").run() if self.name != "overview" else at

    def learn(self, at: Any) -> None:
        """Take in what the page offers and writes."""
        for node in at._tree:
            proto = getattr(node, "proto", None)
            if not isinstance(proto, Message):
                continue
            for message, name in texts(proto, "query_param_key"):
                options = getattr(message, "options", ())
                offered = {str(getattr(one, "content", one)) for one in options}
                self.known.setdefault(name, set()).update(offered)
        for name, values in at.query_params.items():
            self.known.setdefault(name, set()).update(values)


def mutated(rng: random.Random, text: str) -> str:
    """Near to what was right."""
    if not text:
        return rng.choice(WORDS)
    place = rng.randrange(len(text))
    match rng.randrange(5):
        case 0:
            return text[:place] + rng.choice("0-9.*_~%\\é ") + text[place:]
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return re.sub(r"\d+", lambda _: rng.choice(("9" * 400, "-1", "9" * 5000, "nan", "")), text, count=1)
        case 3:
            return text * rng.choice((2, 50))
        case _:
            return text[: place + 1] + rng.choice(WORDS)


def link(rng: random.Random, page: Page) -> dict[str, str]:
    """A link to a page."""
    names = sorted(page.known)
    chosen = names if rng.random() < 0.3 else rng.sample(names, min(len(names), rng.randint(1, 4)))
    same = rng.choice(WORDS)
    how = rng.random()
    query = {}
    for name in chosen:
        if name in LIFTED and rng.random() < 0.75:
            continue
        right = sorted(page.known[name])
        if how < 0.35:
            query[name] = same
        elif right and rng.random() < 0.6:
            query[name] = mutated(rng, rng.choice(right)) if rng.random() < 0.7 else rng.choice(right)
        else:
            query[name] = rng.choice(WORDS)
    return query


def main() -> None:
    """Open links, and say which of them ended badly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=2000, help="in all, over all pages alike")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0, help="that one pass of a page may take")
    parser.add_argument("--only", action="append", default=[], help="a page; may be repeated")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("AVEXPLORE_HOME", home)
        os.environ.setdefault("AVEXPLORE_FOLDERS", "")
        os.environ["AVEXPLORE_WORKERS"] = "0"
        with contextlib.redirect_stdout(sys.stderr):  # Streamlit prints what a page ended with
            results = run(chosen.links, chosen.seed, chosen.seconds, chosen.only)
    if chosen.json:
        print(json.dumps(results))
        return
    print("| page | parameters | links | failed | slowest, s |\n|---|---|---|---|---|")
    for page, found in results.items():
        print(
            f"| {page} | {found['parameters']} | {found['links']} | {len(found['failures'])} | {found['slowest']:.1f} |"
        )
    for page, found in results.items():
        for failure in found["failures"]:
            print(f"\n{page} {json.dumps(failure['query'])[:600]}\n{failure['said']}")
    sys.exit(any(found["failures"] for found in results.values()))


def run(links: int, seed: int, seconds: float, only: list[str]) -> dict[str, dict[str, Any]]:
    """Results by page."""
    from avexplore.jobs import Registry
    from avexplore.ui.page_list import PAGES

    Registry._start = lambda self, request: None  # type: ignore[method-assign]  # nothing is trained
    names = [info.name for info in PAGES if not only or info.name in only]
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        rng = random.Random(f"{seed} {name}")
        page = Page(name, seconds)
        failures, slowest = [], 0.0
        count = max(1, links // len(names))
        for _ in range(count):
            query = link(rng, page)
            began = time.perf_counter()
            try:
                at = page.open(query)
                said = "\n".join(f"{one.message}\n{''.join(one.stack_trace)[-1500:]}" for one in at.exception)
                page.learn(at)
            except Exception:
                said = traceback.format_exc()[-1500:]
            slowest = max(slowest, time.perf_counter() - began)
            if said:
                failures.append({"query": query, "said": said})
        results[name] = {"parameters": len(page.known), "links": count, "failures": failures, "slowest": slowest}
    return results


if __name__ == "__main__":
    main()
