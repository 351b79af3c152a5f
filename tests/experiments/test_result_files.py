from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avexplore import cli
from avexplore.analysis.run_tables import experiment_table, write_table
from avexplore.artifacts import ExperimentReport
from avexplore.errors import DataError
from avexplore.experiments import compare_measures
from avexplore.experiments.result_files import pair_tables, read_table
from avexplore.retrieval.significance import exchange_tests, holm, permutation_test


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def files(folder: Path, pairs: int = 10, **gains: float) -> list[str]:
    """Files of arms whose seeds differ far more than they do; rows in different orders."""
    rng = np.random.default_rng(0)
    level = 0.4 + 0.1 * rng.standard_normal(pairs)
    paths = []
    for arm, gain in gains.items():
        order = rng.permutation(pairs)
        figures = {name: level + g + 0.002 * rng.standard_normal(pairs) for name, g in (("map", gain), ("mrr", 0.0))}
        rows = [f"{k},{figures['map'][k]},{figures['mrr'][k]},{arm}" for k in order]
        paths.append(str(write(folder / f"{arm}.csv", "\n".join(["seed,map,mrr,name", *rows]))))
    return paths


def by_slow_loop(differences: list[float]) -> float:
    """Every exchange of every pair, counted one by one."""
    observed = abs(sum(differences))
    exchanges = list(itertools.product((1, -1), repeat=len(differences)))
    far = sum(abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= observed for signs in exchanges)
    return far / len(exchanges)


@given(st.lists(st.integers(-8, 8), min_size=2, max_size=8))
def test_the_exact_test_is_the_slow_loop(values: list[int]) -> None:
    assert permutation_test(values, [0] * len(values)) == pytest.approx(by_slow_loop([float(v) for v in values]))


def test_sampled_tests_share_exchanges_and_are_scipys() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal([[0.2], [0.0], [-0.3]], 1.0, (3, 60))
    found = exchange_tests(differences)
    for row, p in zip(differences, found, strict=True):
        expected = stats.permutation_test((row,), np.mean, permutation_type="samples", n_resamples=9_999, rng=2).pvalue
        assert p == pytest.approx(expected, abs=0.015)
        assert p == permutation_test(row, 0 * row)
    many = rng.normal(0.02, 0.3, 6000)
    assert exchange_tests(many[None]) == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.01)


def test_a_false_alarm_is_as_rare_as_the_level_says() -> None:
    rng = np.random.default_rng(3)
    p = exchange_tests(rng.standard_normal((2000, 12)))
    assert 0.035 < (p <= 0.05).mean() < 0.065


def test_what_the_command_prints_is_what_scipy_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = files(tmp_path, base=0.0, same=0.0, better=0.02)
    assert cli.main(["compare", *paths, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    tables = {Path(p).stem: pd.read_csv(p).set_index("seed").sort_index() for p in paths}
    raw = []
    for measure, rows in found["comparisons"].items():
        assert [row["arm"] for row in rows] == ["same", "better"]
        for row in rows:
            change = (tables[row["arm"]][measure] - tables["base"][measure]).to_numpy()
            ends = stats.ttest_1samp(change, 0).confidence_interval(0.95)
            assert (row["difference"], row["low"], row["high"]) == pytest.approx((change.mean(), ends.low, ends.high))
            raw.append(
                stats.permutation_test((change,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
            )
    corrected = [row["p_value"] for rows in found["comparisons"].values() for row in rows]
    assert corrected == pytest.approx(holm(raw)), "over files and measures together"
    assert found["comparisons"]["map"][1]["verdict"] == "higher"
    assert found["alike"]["map"] == [["better"], *[g for g in found["alike"]["map"] if "better" not in g]]
    assert {"base", "same"} in [set(group) for group in found["alike"]["map"]]
    assert [set(group) for group in found["alike"]["mrr"]] == [{"base", "same", "better"}]
    assert found["left_out"] == ["name: holds no numbers"]
    assert found["pairs"] == 10


def test_for_people_it_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    paths = files(tmp_path, pairs=5, base=0.0, better=0.02)
    assert cli.main(["compare", *paths]) == 0
    caught = capsys.readouterr()
    assert "map, against base, 5 pairs by seed" in caught.out
    assert "higher, not confirmed" in caught.out
    assert "5 pairs are too few to confirm anything here: it takes 7." in caught.err
    assert cli.main(["compare", *files(tmp_path, base=0.0, same=0.0, better=0.02), "--measure", "map"]) == 0
    assert "map: cannot be told apart, highest first: better; " in capsys.readouterr().err


def test_queries_of_several_seeds_are_paired_by_both_or_averaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for arm in "ab":
        rows = [f"{seed};q{q};{rng.random()}" for seed in range(8) for q in range(5)]
        write(tmp_path / f"{arm}.csv", "\n".join(["seed;query;ap", *rows]))
    arguments = ["compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert cli.main(arguments) == 0
    told = capsys.readouterr()
    assert "40 pairs by seed, query" in told.out
    assert "Rows that share a seed are not independent" in told.err
    assert cli.main([*arguments, "--on", "seed"]) == 1
    assert "5 rows are about seed 0 (a)" in capsys.readouterr().err
    assert cli.main([*arguments, "--on", "seed", "--average", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    means = [pd.read_csv(tmp_path / f"{arm}.csv", sep=";").groupby("seed").ap.mean() for arm in "ab"]
    assert found["pairs"] == 8
    assert found["comparisons"]["ap"][0]["difference"] == pytest.approx((means[1] - means[0]).mean())


def test_pandas_tables_pair_as_files_do() -> None:
    one = pd.DataFrame({"query": ["x", "y", "z"], "ap": [0.1, 0.2, 0.3], "epochs": [5, 5, 5]})
    other = one.assign(ap=one.ap + 0.1).iloc[::-1]
    paired = pair_tables({"one": one, "other": other})
    assert paired.ids == ("x", "y", "z")
    assert paired.left_out == ("epochs: the same in every table",)
    [found] = compare_measures(paired.report, reference="one")["ap"]
    assert (found.difference, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert pair_tables({"a": {"seed": [1.0], "m": [1]}, "b": {"seed": [1], "m": [2]}}).ids == ("1",)


BASE = "seed,map\n0,0.5\n1,0.6\n"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("seed,map\n0,0.5\n2,0.6\n", [], "1 of 2 rows of a are not in b: '1'"),
        ("seed,map\n0,0.5\n1,0.6\n2,0.7\n", [], "1 of 3 rows of b are not in a: '2'"),
        ("seed,map\n0,0.5\n1,\n", [], "map of 1 is missing (b)"),
        ("seed,map\n0,nan\n1,0.5\n", [], "map of 0 is missing (b)"),
        ("seed,map\n0,inf\n1,0.5\n", [], "map of 0 is 'inf' (b)"),
        ("seed,map\n0,o.5\n1,0.5\n", [], "map of 0 is 'o.5' (b)"),
        ("seed,map\n0,0.5\n0,0.6\n", [], "2 rows are about seed 0 (b)"),
        ("seed,map\n0,0.5\n,0.6\n", [], "A row has no seed (b)"),
        ("seed,ap\n0,0.5\n1,0.6\n", [], "No measure is in all tables (map: not in b; ap: not in a)"),
        ("number,map\n0,0.5\n1,0.6\n", [], "No column that all tables have says what a row is about"),
        (BASE, ["--measure", "mrr"], "There is no column 'mrr' (a). It has seed, map"),
        (BASE, ["--on", "query"], "There is no column 'query'"),
        ("seed,map,map\n0,1,2\n", [], "The column 'map' is there twice"),
        ("seed,map\n0\n", [], "Row 2 has 1 cells, the header 2"),
        ("seed,map\n", [], "There are no rows below a header"),
        ('seed,map\n"0,1\n', [], "The table cannot be read"),
        ("", [], "The file is empty"),
    ],
)
def test_what_does_not_pair_is_refused_in_words(
    text: str, options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = write(tmp_path / "a.csv", BASE), write(tmp_path / "b.csv", text)
    assert cli.main(["compare", str(one), str(other), *options]) == 1
    assert message in capsys.readouterr().err


def test_one_file_or_none_is_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", str(write(tmp_path / "a.csv", BASE))]) == 1
    assert "There is one table" in capsys.readouterr().err
    assert cli.main(["compare", str(tmp_path / "a.csv"), str(tmp_path / "none.csv")]) == 1
    assert "There is no such file" in capsys.readouterr().err
    (tmp_path / "b.csv").write_bytes(b"seed,map\n0,\xff\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_table(tmp_path / "b.csv")


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "map.csv", f"seed,map\n0,0.{len(folder)}\n1,0.2\n")
    assert cli.main(["compare", *(str(tmp_path / f / "map.csv") for f in ("one", "other")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reference"].endswith("one/map.csv")


def test_one_file_of_an_experiment_is_split_by_its_arms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    arms, seeds, metrics = ("without LIR", "graph+I"), np.arange(8), ("map", "hidden_pair_ap")
    values = rng.random((1, 8, 1)) + rng.normal(0, 0.01, (2, 8, 2)) + np.array([0.0, 0.05])[:, None, None]
    report = ExperimentReport(arms, seeds, metrics, values)
    for ending in ("csv", "parquet"):
        write_table(experiment_table(report), tmp_path / f"all.{ending}")
    parquet = pd.read_parquet(tmp_path / "all.parquet")
    assert np.allclose(parquet.pivot(index="seed", columns="arm", values="map")["graph+I"], values[1, :, 0])
    assert cli.main(["compare", str(tmp_path / "all.csv"), "--by", "arm", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reference"] == "without LIR"
    [row] = found["comparisons"]["map"]
    assert (row["arm"], row["verdict"]) == ("graph+I", "higher")
    [expected] = compare_measures(report, metrics, "without LIR")["map"]
    assert (row["difference"], row["p_value"]) == pytest.approx((expected.difference, expected.p_value))
    assert cli.main(["compare", str(tmp_path / "all.csv"), "--by", "loss"]) == 1
    assert "There is no column 'loss' (all). It has arm, seed, map, hidden_pair_ap" in capsys.readouterr().err
