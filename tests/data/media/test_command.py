"""`avexplore features` from the command line to a run whose clips have files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from avexplore import cli
from avexplore.config import ClipsConfig
from avexplore.data import feature_file
from avexplore.workbench import Workbench
from avexplore.workbench.media_files import attached


@pytest.fixture
def clips(tmp_path: Path, media: Any) -> Path:
    """A folder of 24 clips of two classes, and one file that is no video."""
    lines = ["file,label"]
    for i in range(24):
        red = i % 2
        media.video(
            f"clips/{i:02d}.webm", seconds=0.6, hertz=400.0 + 20 * i + 2000 * red, color=(250 * red, 10 * i, 250), fps=5
        )
        lines.append(f"{i:02d}.webm,{'Bell' if red else 'Siren'}")
    (tmp_path / "clips" / "bad.webm").write_text("no video")
    lines.append("bad.webm,Bell")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def test_from_a_folder_to_clips_that_play(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["features", str(clips / "clips"), str(clips / "labels.csv"), "-o", str(clips / "made.npz")]
    assert cli.main([*arguments, "--workers", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["clips"], told["used"], told["decoded_now"]) == (25, 24, 25)
    assert told["widths"] == {"audio": 128, "visual": 256}
    assert [one["clip_id"] for one in told["skipped"]] == ["bad"]
    assert cli.main([*arguments, "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert "Left out: 1 of 25 clips" in said.out
    assert "24 of 25 clips" in said.err

    assert cli.main(["data", told["features"], "-q"]) == 0
    assert "manifest.csv names media files for 24 of 24 clips." in capsys.readouterr().err
    bench = Workbench()
    known = bench.get(ClipsConfig(feature_file(told["features"])))
    entries = attached(bench.store.root, known)
    assert Path(entries["03"].video).name == "03.webm"
    assert all(Path(path).is_file() for entry in entries.values() for path in entry.files)

    (clips / "clips" / "03.webm").unlink()
    assert cli.main(["data", told["features"], "-q"]) == 0
    assert "1 of them are not there, the first is" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_and_a_cluster_give_the_same_bytes(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from distributed import LocalCluster

    made = []
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        for name, how in (
            ("one", ["--workers", "1"]),
            ("two", ["--workers", "2"]),
            ("cluster", ["--scheduler", cluster.scheduler_address]),
        ):
            out = clips / f"{name}.npz"
            given = [str(clips / "clips"), str(clips / "labels.csv"), "-o", str(out), "-q", *how]
            assert cli.main(["features", *given]) == 0, capsys.readouterr().err
            made.append(out.read_bytes())
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--audio", "vggish"], "vggish needs its weights"),
        (["--visual", "inception:nowhere.pth"], "no weights at this place"),
        (["--audio", "birdnet"], "no audio extractor 'birdnet'"),
        (["-o", "out.h5"], "Features are written as npz"),
    ],
)
def test_what_cannot_be_done_is_said(
    clips: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert cli.main(["features", str(clips / "clips"), str(clips / "labels.csv"), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_without_pyav_it_says_what_to_install(
    clips: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "av" else find(name, *more))
    assert cli.main(["features", str(clips / "clips"), str(clips / "labels.csv")]) == 1
    assert "pip install 'avexplore[media]'" in capsys.readouterr().err
