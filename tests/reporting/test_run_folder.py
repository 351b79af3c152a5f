"""A run's folder says what the store says, to programs that know nothing of avexplore, and to a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from stored_run import CLASSES, Made, loaded_from, make_run, store_projection

from avexplore import cli
from avexplore.analysis import ranked_answers
from avexplore.analysis.run_tables import table_bytes, table_csv
from avexplore.config import EvaluationConfig
from avexplore.drawing.answers import payload
from avexplore.errors import DataError, StoreError
from avexplore.reporting.run_folder import write_run_folder
from avexplore.workbench import Workbench

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    home = tmp_path_factory.mktemp("home")
    made = make_run(home)
    store_projection(made)
    folder = tmp_path_factory.mktemp("out") / "run"
    patch = pytest.MonkeyPatch()
    patch.setenv("AVEXPLORE_HOME", str(home))
    assert cli.main(["export", made.student.address[:10], str(folder), "-q"]) == 0
    patch.undo()
    return made, folder


def test_the_readme_names_every_file_and_no_other(run: tuple[Made, Path]) -> None:
    _, folder = run
    text = (folder / "README.md").read_text(encoding="utf-8")
    told = set()
    for line in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE):
        names = re.findall("`([^`]+)`", line)
        told |= {names[0].rpartition(".")[0] + name if name.startswith(".") else name for name in names}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert told == files - {"README.md"}


def test_the_code_in_the_readme_runs(run: tuple[Made, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made, folder = run
    monkeypatch.chdir(folder)
    [code] = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert set(names["graph"].nodes) == set(made.graph.nodes)
    assert np.array_equal(names["audio"], made.after.audio)


def test_tables_are_the_same_in_both_formats_and_as_stored(run: tuple[Made, Path]) -> None:
    made, folder = run
    for path in sorted((folder / "tables").glob("*.csv")):
        one, other = pd.read_csv(path), pd.read_parquet(path.with_suffix(".parquet"))
        assert len(one) == len(other) > 0
        for column in other:
            if other[column].dtype.kind == "f":
                assert np.allclose(one[column], other[column], equal_nan=True), column
            elif other[column].dtype.kind in "ib":
                assert (one[column] == other[column]).all(), column
    history = pd.read_parquet(folder / "tables" / "history_with_lir.parquet")
    assert history.epoch.tolist() == [1, 2, 3, 4, 5]
    assert np.array_equal(history.loss, np.linspace(1, 0.1, 5))
    clips = pd.read_parquet(folder / "tables" / "clips.parquet")
    assert clips.clip_id.tolist() == list(made.clips.clip_ids)
    assert clips["class"].tolist() == [CLASSES[c] for c in made.clips.hard_label]
    true = [set(filter(None, text.split(";"))) for text in clips.true_classes]
    assert made.clips.true_labels is not None
    assert true == [{CLASSES[c] for c in np.flatnonzero(row)} for row in made.clips.true_labels]


def test_graph_formats_and_arrays_agree(run: tuple[Made, Path]) -> None:
    made, folder = run
    graph = networkx.read_graphml(folder / "graph" / "class_graph.graphml")
    graph = networkx.relabel_nodes(graph, networkx.get_node_attributes(graph, "name"))
    edges = pd.read_parquet(folder / "tables" / "edges.parquet")
    arrays = load_file(folder / "arrays" / "graph.safetensors")
    nodes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["nodes"]
    assert np.array_equal(arrays["adjacency"], made.graph.adjacency)
    adjacency = np.zeros((len(nodes), len(nodes)), int)
    for row in edges.itertuples():
        i, j = nodes.index(row.source), nodes.index(row.target)
        adjacency[i, j] = 1
        adjacency[j, i] = max(adjacency[j, i], int(not row.directed))
        assert row.edge_frequency == pytest.approx(arrays["edge_frequency"][i, j])
    assert np.array_equal(adjacency, made.graph.adjacency)
    assert {frozenset(e[:2]) for e in graph.edges} == {frozenset((r.source, r.target)) for r in edges.itertuples()}
    soft = load_file(folder / "arrays" / "soft_labels.safetensors")
    assert np.array_equal(soft["audio"], made.teacher.soft_labels.audio)
    assert np.allclose(soft["visual_probability"], made.teacher.soft_labels.probabilities()[1], atol=1e-6)


def test_queries_of_a_run_compare_as_the_page_says(run: tuple[Made, Path], capsys: pytest.CaptureFixture[str]) -> None:
    _, folder = run
    paths = [str(folder / "tables" / f"queries_{arm}.csv") for arm in ("without_lir", "with_lir")]
    assert cli.main(["compare", *paths, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    figures = [pd.read_csv(folder / "tables" / f"figures_{arm}.csv") for arm in ("without_lir", "with_lir")]
    means = [table[(table["of"] == "all") & (table.figure == "map")].value.iloc[0] for table in figures]
    assert found["comparisons"]["ap"][0]["difference"] == pytest.approx(means[1] - means[0])
    assert found["on"] == ["clip_id"]


def test_no_path_of_this_machine_is_told(run: tuple[Made, Path]) -> None:
    made, folder = run
    for path in folder.rglob("*"):
        if path.is_file():
            assert str(made.home).encode() not in path.read_bytes(), path


def test_single_tables_are_written_and_other_words_refused(
    run: tuple[Made, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made, folder = run
    monkeypatch.setenv("AVEXPLORE_HOME", str(made.home))
    key = ["--run", made.student.address[:10]]
    for name in ("figures", "queries", "history", "edges", "projection", "clips"):
        assert cli.main(["export", name, str(tmp_path / f"{name}.parquet"), *key, "-q"]) == 0
        assert cli.main(["export", name, str(tmp_path / f"{name}.csv"), "--no-lir", *key, "-q"]) == 0
    assert (tmp_path / "queries.csv").read_bytes() == (folder / "tables" / "queries_without_lir.csv").read_bytes()
    assert cli.main(["export", "history", str(tmp_path / "history.xlsx"), *key, "-q"]) == 1
    assert "No table has the ending 'xlsx'" in capsys.readouterr().err
    assert cli.main(["export", "curves", str(tmp_path / "x.csv"), *key]) == 1
    assert "'curves' is nothing to write of a run" in capsys.readouterr().err
    assert cli.main(["export", "curves", str(tmp_path / "x.csv")]) == 1
    assert "0 stored runs begin with 'curves'" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreError, DataError), match="annot"):
        write_run_folder(made.student, tmp_path / "file", Workbench())


def test_a_table_is_no_formula_for_a_spreadsheet() -> None:
    assert table_csv({"class": ["=1+1"], "map": np.array([np.nan])}) == "class,map\n'=1+1,\n"
    with pytest.raises(DataError, match="xlsx"):
        table_bytes({"a": [1]}, "xlsx")


@pytest.fixture(scope="module")
def browser() -> Any:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not on this machine")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_from_a_file_and_requests_nothing(run: tuple[Made, Path], browser: Any, scheme: str) -> None:
    made, folder = run
    context = browser.new_context(offline=True, color_scheme=scheme)
    context.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    address = (folder / "index.html").as_uri()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    # What the page carries itself, its modules, has addresses that reach nothing else.
    assert [url for url in asked if not url.startswith("blob:null/")] == [address]

    # The graph is drawn, with the links that the same picture has in the app.
    stage = page.wait_for_function(
        "() => document.querySelector('#graph').shadowRoot.querySelector('.graph-view').graphStage"
    )
    assert stage.evaluate("s => s.data.nodes.length") == len(made.graph.nodes)

    # Lists are those of the app, for the first question and for one that a reader chooses.
    loaded = loaded_from(made)
    gallery = made.clips.rows("test")
    for clip, direction in ((None, None), (int(gallery[3]), "visual-to-audio")):
        if clip is not None:
            page.select_option("#query", str(clip))
            page.select_option("#direction", direction)
        clip, direction = int(page.input_value("#query")), page.input_value("#direction")
        query = ranked_answers.from_clip(loaded, clip, direction)  # type: ignore[arg-type]
        expected = payload.content(loaded, query, ranked_answers.ask(loaded, query, gallery), 10)
        for side, column in zip(expected["lists"], ("left", "right"), strict=True):
            cards = page.locator(f"#answers .column.{column} .card")
            assert cards.count() == len(side["answers"])
            titles = [a["title"] for a in side["answers"]]
            assert page.locator(f"#answers .column.{column} .words b").all_inner_texts() == titles
            ranks = [f"Rank {a['rank']}: {a['title']}, " for a in side["answers"]]
            labels = [card.get_attribute("aria-label") for card in cards.all()]
            assert all(label.startswith(rank) for label, rank in zip(labels, ranks, strict=True))
            assert cards.first.get_attribute("title").endswith(
                f"rank {side['answers'][0]['otherWords']} in the other list"
            )
            assert page.locator(f"#answers .column.{column} h3 span").nth(1).inner_text() == side["note"]
            bars = page.locator(f"#answers .column.{column} .bars").first.get_attribute("title")
            assert bars == side["answers"][0]["softness"]

    # The maps follow the chosen clip, and a clip that is picked there asks.
    rows = page.evaluate("() => JSON.parse(document.getElementById('data').textContent).mapRows")
    asks = rows.index(clip) + len(rows)
    canvas = "document.querySelector('#maps').shadowRoot.querySelector('canvas.marks')"
    page.wait_for_function(f"point => {canvas}.inspect().picked === point", arg=asks)
    page.locator("#maps canvas.marks").first.focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):  # a point may have no neighbor on one side
        page.keyboard.press(key)
        picked = page.evaluate(f"() => {canvas}.inspect().picked")
        if picked != asks:
            break
    assert picked != asks
    page.wait_for_function("row => document.getElementById('query').value === row", arg=str(rows[picked % len(rows)]))
    assert page.input_value("#direction") == ("audio-to-visual" if picked < len(rows) else "visual-to-audio")
    assert said == []
    assert "script-src" in page.locator("meta[http-equiv]").get_attribute("content")
    context.close()


@pytest.mark.browser
def test_the_page_may_request_nothing_even_if_it_tried(run: tuple[Made, Path], browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto((run[1] / "index.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    tried = "() => fetch('https://example.org/').then(() => 'reached', (error) => error.name)"
    assert page.evaluate(tried) == "TypeError"
    page.close()


def test_what_the_evaluation_says_is_what_the_table_says(run: tuple[Made, Path], monkeypatch: Any) -> None:
    made, folder = run
    monkeypatch.setenv("AVEXPLORE_HOME", str(made.home))
    report = Workbench().get(EvaluationConfig(made.student))
    table = pd.read_csv(folder / "tables" / "queries_with_lir.csv")
    assert table.ap_audio_to_visual.to_numpy() == pytest.approx(report.average_precision[0])
    assert table.clip_id.tolist() == [made.clips.clip_ids[row] for row in report.rows]
