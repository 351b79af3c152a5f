"""Which files may be read: every door that a path can come through, with the folders named at start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avexplore.config import FeatureFileConfig, SoftLabelFileConfig, from_json
from avexplore.data import feature_file, load_features, load_soft_labels, soft_label_file
from avexplore.errors import DataError
from avexplore.folders import ALONE, NAMED, allowed, may_read
from avexplore.store import Store
from avexplore.workbench import Failed, Workbench

Name = Callable[..., None]


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Name:
    """Name folders, as `avexplore app --folder` does."""

    def set_folders(*folders: Path) -> None:
        monkeypatch.setenv(NAMED, os.pathsep.join(map(str, folders)))

    return set_folders


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Soft labels and features of one class each, in a folder that nobody named."""
    folder = tmp_path / "outside"
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.savez(folder / "labels.npz", audio=rng.random((60, 3)), visual=rng.random((60, 3)))
    np.savez(
        folder / "features.npz",
        audio=rng.normal(size=(60, 4)).astype(np.float32),
        visual=rng.normal(size=(60, 5)).astype(np.float32),
        labels=np.arange(60) % 3,
    )
    return folder


def test_in_a_terminal_any_file_may_be_read(monkeypatch: pytest.MonkeyPatch, outside: Path) -> None:
    monkeypatch.delenv(NAMED)
    assert allowed(outside / "labels.npz") == (outside / "labels.npz").resolve()
    assert may_read("/etc/hostname")


def test_the_data_folder_and_the_named_ones_are_open_and_nothing_else(
    avexplore_home: Path, outside: Path, tmp_path: Path, name: Name
) -> None:
    named = tmp_path / "named"
    named.mkdir()
    name(named)
    for path in (avexplore_home / "uploads" / "x.npz", named / "deep" / "y.h5", named / "a" / ".." / "z.csv"):
        assert may_read(path), path
    for path in (
        outside / "labels.npz",
        named / ".." / "outside" / "labels.npz",
        named.with_name("named-not"),
        "/etc/passwd",
        "~/.ssh/id_rsa",
        "relative.npz",
        "",
    ):
        assert not may_read(path), path


@pytest.mark.parametrize("path", ["a\0b", "x" * 10_000, "\udcff"])
def test_paths_that_make_no_sense_are_refused_in_words(path: str, name: Name) -> None:
    name()
    with pytest.raises(DataError):
        allowed(path)


def test_a_link_in_an_open_folder_leads_nowhere_else(outside: Path, tmp_path: Path, name: Name) -> None:
    named = tmp_path / "named"
    named.mkdir()
    (named / "link.npz").symlink_to(outside / "labels.npz")
    (named / "folder").symlink_to(outside, target_is_directory=True)
    (named / "circle").symlink_to(named / "circle")
    name(named)
    for path in (named / "link.npz", named / "folder" / "labels.npz"):
        with pytest.raises(DataError, match="outside the folders"):
            soft_label_file(path)
    assert not may_read(named / "circle" / "x")


def test_a_named_folder_may_itself_be_a_link(outside: Path, tmp_path: Path, name: Name) -> None:
    (tmp_path / "named").symlink_to(outside, target_is_directory=True)
    name(tmp_path / "named")
    assert soft_label_file(tmp_path / "named" / "labels.npz").fingerprint


def test_a_config_from_elsewhere_cannot_name_a_file_outside(
    monkeypatch: pytest.MonkeyPatch, outside: Path, name: Name
) -> None:
    monkeypatch.delenv(NAMED)
    features, labels = feature_file(outside / "features.npz"), soft_label_file(outside / "labels.npz")
    name()
    for config, read in ((features, load_features), (labels, load_soft_labels)):
        arrived = from_json(config.to_json())
        assert isinstance(arrived, (FeatureFileConfig, SoftLabelFileConfig))
        with pytest.raises(DataError, match="outside the folders"):
            read(arrived)


def test_the_message_does_not_say_whether_there_is_such_a_file(outside: Path, name: Name) -> None:
    name()
    said = []
    for path in (outside / "labels.npz", outside / "no such file.npz"):
        with pytest.raises(DataError) as caught:
            soft_label_file(path)
        said.append(str(caught.value).replace(path.name, "X"))
    assert said[0] == said[1]
    assert str(outside) not in said[0]


def test_a_workbench_neither_follows_nor_remembers_what_lies_outside(
    monkeypatch: pytest.MonkeyPatch, avexplore_home: Path, outside: Path, name: Name
) -> None:
    monkeypatch.delenv(NAMED)
    config = soft_label_file(outside / "labels.npz")
    Store().remember_files(config.fingerprint, (str(outside / "labels.npz"),))
    assert Store().known_files(config.fingerprint)
    name()
    assert Store().known_files(config.fingerprint) == (), "the folder is no longer named"
    answer = Workbench().ask(config)
    assert isinstance(answer, Failed)
    assert "outside the folders" in answer.message
    name(outside)
    assert not isinstance(Workbench().ask(config), Failed)


def test_who_sits_alone_at_the_machine_finds_what_a_command_was_given(
    monkeypatch: pytest.MonkeyPatch, avexplore_home: Path, outside: Path, name: Name
) -> None:
    monkeypatch.delenv(NAMED)
    config = soft_label_file(outside / "labels.npz")
    Workbench().ask(config)
    name()
    assert not may_read(outside / "labels.npz"), "visitors of an app do not"
    monkeypatch.setenv(ALONE, "1")
    assert not isinstance(Workbench().ask(config), Failed)
    assert not may_read(outside / "features.npz"), "that very file, and no other beside it"
    (outside / "labels.npz").unlink()
    (outside / "labels.npz").symlink_to(outside / "features.npz")
    assert not may_read(outside / "labels.npz")


def test_an_app_gives_itself_no_file(monkeypatch: pytest.MonkeyPatch, outside: Path, name: Name) -> None:
    monkeypatch.setenv(ALONE, "1")
    name(outside)
    config = soft_label_file(outside / "labels.npz")
    Workbench().ask(config)
    name()
    assert not may_read(outside / "labels.npz")


def test_a_damaged_note_gives_nothing(monkeypatch: pytest.MonkeyPatch, avexplore_home: Path, name: Name) -> None:
    (avexplore_home / "given").mkdir(parents=True)
    for k, text in enumerate(("", "{", '{"a": 1}', "[1, null]", "[" * 10_000)):
        (avexplore_home / "given" / f"{k}.json").write_text(text)
    name()
    monkeypatch.setenv(ALONE, "1")
    assert not may_read("/etc/passwd")


def test_a_moved_copy_inside_is_found_instead(
    monkeypatch: pytest.MonkeyPatch, avexplore_home: Path, outside: Path, name: Name
) -> None:
    monkeypatch.delenv(NAMED)
    config = soft_label_file(outside / "labels.npz")
    inside = avexplore_home / "uploads" / "labels.npz"
    inside.parent.mkdir(parents=True)
    inside.write_bytes((outside / "labels.npz").read_bytes())
    Store().remember_files(config.fingerprint, (str(inside),))
    name()
    assert not isinstance(Workbench().ask(config), Failed)
