from __future__ import annotations

import errno
import json
import logging
import os
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from filelock import FileLock

from avexplore.artifacts import Artifact, FloatArray, History
from avexplore.config import Config, SoftLabelFileConfig
from avexplore.errors import StoreError
from avexplore.store import Store, entries
from avexplore.store.leftovers import staging


@dataclass(frozen=True)
class NumbersConfig(Config):
    stage: ClassVar[str] = "test_numbers"
    seed: int = 0
    note: str = ""


@dataclass(frozen=True)
class Numbers(Artifact):
    values: FloatArray


def numbers(config: NumbersConfig, size: int = 1000) -> Numbers:
    return Numbers(np.random.default_rng(config.seed).normal(size=size))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home", tmp_path / "models")


def damage(path: Path, at: int = -5) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def test_a_result_comes_back_with_where_it_came_from(store: Store) -> None:
    config = NumbersConfig(seed=3)
    assert store.get(config) is None
    assert config not in store
    store.put(config, numbers(config), seconds=1.5)
    found = Store(store.root, store.shipped).get(config)
    assert found is not None
    assert config in store
    np.testing.assert_array_equal(found.artifact.values, numbers(config).values)
    assert found.provenance.seeds == {"test_numbers": 3}
    assert found.provenance.seconds == 1.5
    assert found.provenance.libraries["numpy"] == np.__version__
    assert found.provenance.created.endswith("Z")
    assert not found.shipped


def test_equal_results_have_equal_contents_whenever_they_were_made(tmp_path: Path) -> None:
    config = NumbersConfig()
    first, second = Store(tmp_path / "1"), Store(tmp_path / "2")
    contents = {s.put(config, numbers(config), seconds=t).content for s, t in ((first, 1.0), (second, 2.0))}
    assert len(contents) == 1
    other = Store(tmp_path / "3").put(config, numbers(NumbersConfig(seed=1)))
    assert other.content not in contents


@pytest.mark.parametrize("name", ["values.npy", "manifest.json"])
@pytest.mark.parametrize("kind", ["flip", "cut", "empty", "gone"])
def test_damage_is_named_set_aside_and_never_served(
    store: Store, caplog: pytest.LogCaptureFixture, name: str, kind: str
) -> None:
    config = NumbersConfig()
    path = store.put(config, numbers(config)).path / name
    match kind:
        case "flip":
            damage(path)
        case "cut":
            path.write_bytes(path.read_bytes()[:-7])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
    with caplog.at_level(logging.WARNING):
        assert store.get(config) is None
    if (name, kind) == ("manifest.json", "gone"):
        # Without its manifest a folder is no entry; writing the address again sets it aside.
        store.put(config, numbers(config))
    else:
        assert "test_numbers" in caplog.text
    [aside] = store.quarantine()
    assert aside.reason
    assert aside.bytes > 0
    assert store.put(config, numbers(config)).path == path.parent
    assert store.get(config) is not None
    assert store.empty_quarantine() > 0
    assert store.quarantine() == []


def test_a_changed_number_in_the_manifest_is_noticed(store: Store) -> None:
    config = NumbersConfig()
    path = store.put(config, numbers(config)).path / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    assert store.get(config) is None
    assert "checksum" in store.quarantine()[0].reason


def test_each_file_is_hashed_once_per_process_and_again_after_a_change(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NumbersConfig()
    store.put(config, numbers(config))
    hashed: list[Path] = []
    original = entries.file_digest
    monkeypatch.setattr(entries, "file_digest", lambda path: hashed.append(path) or original(path))
    for _ in range(3):
        assert store.get(config) is not None
    assert hashed == []
    path = store.folder(config) / "values.npy"
    os.utime(path, ns=(1, 1))
    assert store.get(config) is not None
    assert hashed == [path]


def rewrite(store: Store, config: Config, **changes: Any) -> None:
    path = store.folder(config) / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    manifest["checksum"] = entries._manifest_digest(manifest)
    path.write_text(json.dumps(manifest))


def test_an_older_format_is_set_aside_without_a_migration_and_read_with_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NumbersConfig()
    store.put(config, numbers(config))
    rewrite(store, config, format=0)
    monkeypatch.setitem(entries.MIGRATIONS, 0, lambda manifest: manifest | {"format": entries.FORMAT})
    assert store.get(config) is not None
    monkeypatch.delitem(entries.MIGRATIONS, 0)
    assert store.get(config) is None
    assert "format 0" in store.quarantine()[0].reason


def test_an_entry_at_the_wrong_address_or_of_an_unknown_kind_is_set_aside(store: Store) -> None:
    one, two = NumbersConfig(seed=1), NumbersConfig(seed=2)
    store.put(one, numbers(one))
    store.folder(one).rename(store.folder(two))
    assert store.get(two) is None
    store.put(one, numbers(one))
    rewrite(store, one, artifact={"$type": "Nothing", "fields": {}})
    assert store.get(one) is None
    assert {"another address" in s.reason or "Nothing" in s.reason for s in store.quarantine()} == {True}


@pytest.mark.parametrize("kind", ["manifest", "no manifest", "array", "older version", "moved"])
def test_a_check_finds_the_damage_of_every_folder_and_sets_it_aside(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (1, 2):
        store.put(NumbersConfig(seed=seed), numbers(NumbersConfig(seed=seed)))
    place = store.folder(NumbersConfig(seed=1))
    match kind:
        case "manifest":
            (place / "manifest.json").write_text("{")
        case "no manifest":
            (place / "manifest.json").unlink()
        case "array":
            damage(place / "values.npy")
        case "older version":
            damage(place / "values.npy")
            monkeypatch.setattr(NumbersConfig, "format_version", 2)
        case "moved":
            place = place.rename(place.with_name("0" * 64))
    fresh = Store(store.root, store.shipped)
    assert fresh.check() == (2, [f"{place.parent.name}/{place.name[:12]}"])
    assert not place.exists()
    assert len(fresh.quarantine()) == 1
    assert fresh.check() == (1, [])


def test_shipped_damage_is_found_and_left_where_it_is(store: Store) -> None:
    config = NumbersConfig()
    shipped = store.shipped / config.stage / config.address
    shipped.parent.mkdir(parents=True)
    store.put(config, numbers(config)).path.rename(shipped)
    assert store.check() == (1, [])
    damage(shipped / "values.npy")
    assert store.check() == (1, [f"{config.stage}/{config.address[:12]}"])
    assert store.check()[1], "it is still there"


def test_a_damaged_entry_that_cannot_be_moved_counts_as_absent(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Windows moves no folder with an open file in it, such as a mapped array."""
    config = NumbersConfig()
    damage(store.put(config, numbers(config)).path / "values.npy")
    moves = Path.rename

    def refuses(self: Path, target: Path) -> Path:
        if self == store.folder(config):
            raise PermissionError(errno.EACCES, "Access is denied")
        return moves(self, target)

    monkeypatch.setattr(Path, "rename", refuses)
    assert store.get(config) is None
    assert "cannot be moved (Access is denied)" in caplog.text
    with pytest.raises(StoreError, match=r"in the way.*\n?.*Stop what has it open"):
        store.put(config, numbers(config))
    with pytest.raises(StoreError, match="Access is denied"):
        store.remove(config.address)
    monkeypatch.undo()
    assert store.put(config, numbers(config)).path == store.folder(config)


def test_what_is_synced_may_be_written_as_windows_wants_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    synced: list[bool] = []

    def commit(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            synced.append(True)

    monkeypatch.setattr(os, "fsync", commit)
    store.put(NumbersConfig(), numbers(NumbersConfig()))
    assert len(synced) == 2, "the array and the manifest"


def test_paths_in_a_manifest_do_not_lead_outside(store: Store, tmp_path: Path) -> None:
    config = NumbersConfig()
    store.put(config, numbers(config))
    np.save(tmp_path / "secret.npy", np.zeros(1000))
    size = (tmp_path / "secret.npy").stat().st_size
    files = {"../../../../secret.npy": {"bytes": size, "sha256": entries.file_digest(tmp_path / "secret.npy")}}
    tree = {"$type": "Numbers", "fields": {"values": {"$array": next(iter(files)), "dtype": "<f8"}}}
    rewrite(store, config, files=files, artifact=tree)
    assert store.get(config) is None
    assert "outside" in store.quarantine()[0].reason


def test_an_entry_of_an_earlier_stage_version_is_listed_as_unreadable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NumbersConfig()
    store.put(config, numbers(config))
    assert [s.config for s in store.entries()] == [config]
    monkeypatch.setattr(NumbersConfig, "format_version", 2)
    assert store.get(NumbersConfig()) is None, "another version has another address"
    [old] = Store(store.root, store.shipped).entries()
    assert old.config is None
    assert store.remove(old.address[:12]) > 0
    assert store.entries() == []


def test_shipped_entries_are_read_but_never_moved(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    config = NumbersConfig()
    made = store.put(config, numbers(config)).path
    shipped = store.shipped / config.stage / config.address
    shipped.parent.mkdir(parents=True)
    made.rename(shipped)
    found = store.get(config)
    assert found is not None
    assert found.shipped
    assert [s.shipped for s in store.entries()] == [True]
    assert store.remove(config.address) == 0
    damage(shipped / "values.npy")
    assert store.get(config) is None
    assert shipped.is_dir()
    assert "Not used" in caplog.text
    assert not store.put(config, numbers(config)).shipped, "computed again beside it"


def test_only_showing_refuses_to_write(store: Store) -> None:
    with pytest.raises(StoreError, match="only shows"):
        Store(store.root, store.shipped, read_only=True).put(NumbersConfig(), numbers(NumbersConfig()))
    assert not store.root.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    config = NumbersConfig()
    real = entries.pack

    def fails(artifact: Any, folder: Path, packing: Any) -> Any:
        real(artifact, folder, packing)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(entries, "pack", fails)
    with pytest.raises(StoreError, match="disk is full"):
        store.put(config, numbers(config))
    assert [p for p in store.root.rglob("*") if p.is_file()] == []
    monkeypatch.setattr(entries, "pack", real)
    assert store.put(config, numbers(config))


CUT_OFF = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from avexplore.artifacts import History
from avexplore.config import SoftLabelFileConfig
from avexplore.errors import StoreError
from avexplore.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
root = Path(sys.argv[1])
try:
    Store(root).put(SoftLabelFileConfig("f"), History({"loss": np.arange(200_000.0)}))
except StoreError as error:
    print(error, [str(p) for p in root.rglob("*") if p.is_file()])
"""


def test_a_write_that_the_system_cuts_off_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A real limit on file size stands in for a full disk: the system itself refuses the bytes."""
    done = subprocess.run([sys.executable, "-c", CUT_OFF, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "disk is full" in done.stdout
    assert done.stdout.strip().endswith("[]"), "no file is left"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="AVEXPLORE_HOME"):
        Store(tmp_path / "file").put(NumbersConfig(), numbers(NumbersConfig()))


CONTENDED = SoftLabelFileConfig("contended")
WRITER = """
import sys
from pathlib import Path
import numpy as np
from avexplore.artifacts import History
from avexplore.config import SoftLabelFileConfig
from avexplore.store import Store
root, seed, times = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store, config = Store(root), SoftLabelFileConfig("contended")
(root / f"ready{seed}").touch()
while not (root / f"ready{1 - seed}").exists():
    pass
for turn in range(times):
    if (turn + seed) % 5 == 0:
        store.remove(config.address)
    store.put(config, History({"loss": np.full(2000, 7.0)}), durable=False)
    found = store.get(config)
    assert found is None or (found.artifact.columns["loss"] == 7.0).all()
"""


def test_two_processes_writing_one_address_leave_one_whole_entry(tmp_path: Path) -> None:
    arguments = [[sys.executable, "-c", WRITER, str(tmp_path), str(seed), "60"] for seed in (0, 1)]
    writers = [subprocess.Popen(a, stderr=subprocess.PIPE, text=True) for a in arguments]
    outcomes = [(writer.communicate(timeout=100)[1], writer.returncode) for writer in writers]
    assert outcomes == [("", 0), ("", 0)]
    store = Store(tmp_path)
    store.put(CONTENDED, History({"loss": np.full(2000, 7.0)}))
    assert store.get(CONTENDED) is not None
    assert len(list((tmp_path / "artifacts" / CONTENDED.stage).iterdir())) == 1
    assert list((tmp_path / "staging").iterdir()) == []
    assert store.quarantine() == []


def test_what_dead_writers_left_is_swept_and_living_ones_are_left(store: Store) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leftover = staging(store.root).name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    for name in (leftover, staging(store.root).name):
        (store.root / "staging" / name).mkdir(parents=True)
    assert store.sweep() == 1
    assert not (store.root / "staging" / leftover).exists()
    assert len(list((store.root / "staging").iterdir())) == 1


def test_leftovers_that_nobody_uses_are_swept_and_states_and_held_locks_are_left(store: Store) -> None:
    config = NumbersConfig()
    state, locked = store.state_file(config), store.lock_file(config)
    unfinished = state.with_name(f"{state.name}.1234.part")
    just_begun = state.with_name(f"{state.name}.5678.part")
    unlocked = store.lock_file(NumbersConfig(seed=1))
    for path in (state, unfinished, just_begun, locked, unlocked):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with FileLock(locked):
        for path in (state, unfinished, locked, unlocked):
            os.utime(path, (1, 1))
        assert store.sweep() == 2
        assert sorted(path for path in store.root.rglob("*") if path.is_file()) == sorted((state, just_begun, locked))
        [saved] = store.states()
        assert (saved.stage, saved.path) == (config.stage, state)
        assert config.address.startswith(saved.address)
        assert store.is_being_made(saved)
    assert not store.is_being_made(saved)


def test_threads_may_share_a_store(store: Store) -> None:
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for turn in range(20):
                config = NumbersConfig(seed=(seed + turn) % 5)
                store.put(config, numbers(config), durable=False)
                found = store.get(config)
                assert found is not None
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.entries("test_numbers")) == 5
    assert store.size() > 5 * 8000


@pytest.mark.parametrize("address", ["", "..", "../..", "abc", "A" * 64, "*" * 64])
def test_an_address_to_remove_must_be_meant(store: Store, address: str) -> None:
    config = NumbersConfig()
    store.put(config, numbers(config))
    with pytest.raises(StoreError):
        store.remove(address)
    assert config in store


def test_files_are_found_again_by_their_content(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "clips.npz"
    path.write_text("x")
    assert store.known_files("f1") == ()
    store.remember_files("f1", (str(path),))
    assert store.known_files("f1") == (str(path),)
    path.unlink()
    assert store.known_files("f1") == ()


def test_what_no_config_of_this_version_asks_for_is_named_with_its_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, older = NumbersConfig(seed=1), NumbersConfig(seed=2)
    monkeypatch.setattr(NumbersConfig, "format_version", 7)
    store.put(older, numbers(older))
    monkeypatch.undo()
    stranger = NumbersConfig(seed=3, note="x")
    place = store.put(stranger, numbers(stranger)).path / "manifest.json"
    manifest = json.loads(place.read_text())
    manifest["config"]["color"] = "blue"
    manifest["checksum"] = entries._manifest_digest(manifest)
    place.write_text(json.dumps(manifest))
    torn = NumbersConfig(seed=4)
    (store.put(torn, numbers(torn)).path / "manifest.json").write_text("{")
    store.put(current, numbers(current))
    found = {one.address: one.reason for one in store.unlisted()}
    assert current.address not in found
    assert "Another version" in found.pop(next(a for a in found if a not in (stranger.address, torn.address)))
    assert "'color'" in found[stranger.address]
    assert "not JSON" in found[torn.address]
