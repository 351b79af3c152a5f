"""Soft labels of six classes, one with a hostile name, with known links between them; and an app that shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avexplore.artifacts import SoftLabels
from avexplore.config import GraphConfig, KnowledgeConfig, SoftLabelFileConfig, StabilityConfig
from avexplore.store import Store
from avexplore.workbench import Workbench

ROOT = Path(__file__).parents[3]
HOSTILE = '<img src=x onerror="window.hacked=1">'
PATIENCE = 150_000
"""Milliseconds; a busy machine may be slow, and only what never happens is a failure."""
CLASSES = ("Train horn", HOSTILE, "Car", "Dog ![a](https://evil.example/x.png)", "Rain", "Violin")


def made_labels(clips: int = 600, seed: int = 3) -> SoftLabels:
    """Scores in which each class is heard and seen, and the next one leans on it, loosely."""
    rng = np.random.default_rng(seed)
    count = len(CLASSES)
    audio = rng.normal(size=(clips, count))
    visual = np.zeros_like(audio)
    for c in range(count):
        if c in (1, 2, 4):
            audio[:, c] += (0.9 - 0.15 * c) * audio[:, c - 1]
        visual[:, c] = (0.5 + 0.08 * c) * audio[:, c] + rng.normal(size=clips)
    visual[:, 5] += 0.25 * audio[:, 0]
    hard = (audio + visual).argmax(axis=1)
    return SoftLabels(audio, visual, "logits", CLASSES, np.zeros(clips, int), hard)


@dataclass(frozen=True)
class Made:
    """What was stored, for tests to hold pages against."""

    home: Path
    source: SoftLabelFileConfig
    labels: SoftLabels
    graph: Any
    stability: Any

    def learn(self, penalty_discount: float, forbidden: tuple[int, int] | None = None) -> list[str]:
        """Ids of the pairs in the graph that these controls give."""
        from avexplore.graph.learn import learn_class_graph

        pairs = ((self.labels.nodes[forbidden[0]], self.labels.nodes[forbidden[1]]),) if forbidden else ()
        rules = KnowledgeConfig(forbidden=pairs)
        config = GraphConfig(self.source, penalty_discount=penalty_discount, knowledge=rules)
        found = np.argwhere(np.triu(learn_class_graph(self.labels, config).skeleton, 1))
        return sorted(f"e{i}-{j}" for i, j in found)


def make(home: Path) -> Made:
    """Store the soft labels, their graph and its stability in a data folder."""
    source = SoftLabelFileConfig(fingerprint="a" * 64, path=str(home / "made.npz"))
    bench = Workbench(Store(home))
    labels = made_labels()
    bench.store.put(source, labels, seconds=0.0, device="cpu", durable=True)
    config = GraphConfig(source)
    return Made(home, source, labels, bench.get(config), bench.get(StabilityConfig(config)))


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("class-graph"))


@pytest.fixture(scope="session")
def server(made_home: Made, start_app: Callable[..., str]) -> str:
    return start_app(made_home.home)


@dataclass
class Screen:
    """A page with the graph, and what a test asks of it."""

    page: Any
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, address: str) -> Screen:
        self.page.goto(address)
        return self.ready()

    def ready(self) -> Screen:
        self.page.wait_for_selector(".graph-view[data-version]", timeout=PATIENCE)
        self.page.wait_for_function("() => window.graphStage()?.visible !== undefined")
        return self

    def stage(self, expression: str, argument: Any = None) -> Any:
        """Evaluate JavaScript with `stage` in sight."""
        return self.page.evaluate(
            f"(argument) => {{ const stage = window.graphStage(); return {expression}; }}", argument
        )

    def until(self, expression: str, argument: Any = None, timeout: float = PATIENCE) -> None:
        script = f"(argument) => {{ const stage = window.graphStage(); return stage && ({expression}); }}"
        self.page.wait_for_function(script, arg=argument, timeout=timeout)

    def positions(self) -> dict[str, Any]:
        """Where the nodes are, on a picture that is not being replaced."""
        script = "() => { const n = window.graphStage()?.network; return n?.nodesHandler ? n.getPositions() : null; }"
        return self.page.wait_for_function(script, timeout=PATIENCE).json_value()

    def rest(self) -> None:
        """Wait until no node glides and the view stands still."""
        self.page.evaluate(
            """async () => {
              const look = () => {
                const network = window.graphStage()?.network;
                return network?.nodesHandler
                  ? JSON.stringify([network.getPositions(), network.getViewPosition(), network.getScale()])
                  : null;
              };
              const pause = () => new Promise((done) => setTimeout(done, 60));
              let [before, still] = [look(), 0];
              while (still < 4) {
                await pause();
                const now = look();
                still = now !== null && now === before ? still + 1 : 0;
                before = now;
              }
            }"""
        )

    def point(self, node: str) -> tuple[float, float]:
        """Where a node is on the screen."""
        self.rest()
        box = self.page.locator(".graph-view .canvas").bounding_box()
        at = self.stage("stage.network.canvasToDOM(stage.network.getPosition(argument))", node)
        assert self.stage("stage.thingAt(argument).node", at) == node, "nothing else is in front of it"
        return box["x"] + at["x"], box["y"] + at["y"]

    def edge_point(self, edge: str) -> tuple[float, float]:
        """A point on an edge that is nearer to it than to any other thing."""
        self.rest()
        box = self.page.locator(".graph-view .canvas").bounding_box()
        at = self.stage(
            """(() => {
              const points = stage.strand(argument) ?? [];
              for (const share of [.5, .4, .6, .3, .7, .2, .8]) {
                if (!points.length) return null;
                const dom = stage.network.canvasToDOM(points[Math.floor(share * (points.length - 1))]);
                if (stage.thingAt(dom).edge === argument) return dom;
              }
              return null;
            })()""",
            edge,
        )
        return box["x"] + at["x"], box["y"] + at["y"]

    def panel(self) -> str:
        """All text of the panel beside the picture, folded away or not."""
        return str(self.page.locator(".st-key-graph-panel").evaluate("(e) => e.textContent"))

    def panel_says(self, *texts: str) -> None:
        """Wait until the panel, which comes piece by piece, holds all of these."""
        self.page.wait_for_function(
            "(texts) => { const panel = document.querySelector('.st-key-graph-panel');"
            " return texts.every((text) => panel.textContent.includes(text)); }",
            arg=list(texts),
            timeout=PATIENCE,
        )

    def calm(self) -> None:
        """Wait until Streamlit has nothing to do."""
        self.page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=PATIENCE)


@pytest.fixture
def screen(browser: Any, server: str) -> Iterator[Screen]:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, color_scheme="light")
    yield from _screen(context, server)


@pytest.fixture
def second_screen(browser: Any, server: str) -> Iterator[Screen]:
    """Another visitor's browser, which shares nothing with the first."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, color_scheme="light")
    yield from _screen(context, server)


def _screen(context: Any, server: str) -> Iterator[Screen]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    shown = Screen(page)
    page.add_init_script(
        """window.graphStage = () => {
          const find = (root) => {
            for (const element of root.querySelectorAll('*')) {
              if (element.graphStage) return element.graphStage;
              if (element.shadowRoot) { const found = find(element.shadowRoot); if (found) return found; }
            }
          };
          return find(document);
        };"""
    )
    page.on("request", lambda request: _note_outside(shown, request.url, server))
    page.on("pageerror", lambda error: shown.errors.append(str(error)))
    yield shown
    context.close()
    assert shown.outside == [], "requests to the outside"
    assert shown.errors == [], "errors in the page"


def _note_outside(screen: Screen, url: str, server: str) -> None:
    if not url.startswith((server, server.replace("http", "ws"), "data:", "blob:")):
        screen.outside.append(url)
