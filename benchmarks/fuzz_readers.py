"""Throw mutated files at every reader: each must end in an AvexploreError or a valid result, within time and memory.

    python benchmarks/fuzz_readers.py --inputs 20000
    python benchmarks/fuzz_readers.py --inputs 500 --only npz --only tfrecord --seed 7

Each reader runs in worker processes of its own, so that a crash of a library is seen, counted and survived. Inputs that
end otherwise than they should are kept under --keep. A crash or endless loop of the HDF5 library is counted apart: the
app reads HDF5 in a process of its own, ends that process, and reports a damaged file.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import io
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from avexplore.artifacts import ClassGraph
from avexplore.config import Config, FeatureFileConfig, SoftLabelFileConfig, SyntheticConfig, from_json
from avexplore.data.files.container import Container
from avexplore.data.files.limits import DEFAULT_LIMITS, Limits
from avexplore.data.files.npy import NPZ
from avexplore.data.files.open import CONTAINERS
from avexplore.data.files.tfrecord import encode_example, frame
from avexplore.errors import AvexploreError

SECONDS_PER_INPUT = 3
MEMORY = 4 << 30
Input = tuple[tuple[str, bytes], ...]
"""Files of one input: name and content."""


# --- valid inputs -------------------------------------------------------------------------------------------------


def clips() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "audio": rng.normal(size=(24, 4)).astype(np.float32),
        "visual": rng.normal(size=(24, 5)).astype(np.float16),
        "labels": np.arange(24) % 3,
        "classes": np.array(["Bus", "Cat", "Dog"]),
        "split": np.array(["train"] * 15 + ["test"] * 9),
        "clip_ids": np.array([f"clip {i}" for i in range(24)]),
    }


def container_samples(container: Container) -> Callable[[], list[Input]]:
    """A data set in each way in which the container is written, and in each layout that it can hold."""

    def samples() -> list[Input]:
        arrays = clips()
        suffix = container.suffixes[0]
        if container.holds == "array":
            write = container.writers[0]
            return [tuple((f"{name}{suffix}", write({name: values})) for name, values in arrays.items())]
        if container.holds == "table":
            base = ("clips.npz", NPZ.writers[0]({k: v for k, v in arrays.items() if k != "classes"}))
            return [(base, (f"table{suffix}", write(arrays))) for write in container.writers]
        if container.holds == "records":
            names = next(c for c in CONTAINERS if c.holds == "table")
            shards = [(f"train0{suffix}", write(many_clips())) for write in container.writers]
            table = (f"names{names.suffixes[0]}", names.writers[0](arrays))
            return [files for shard in shards for files in ((shard,), (shard, table))]
        return [((f"clips{suffix}", write(layout)),) for layout in layouts() for write in container.writers]

    return samples


def many_clips() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.eye(5, dtype=np.uint8)[np.arange(30) % 3]
    labels[np.arange(30), 3 + np.arange(30) % 2] = 1
    return {"audio": rng.normal(size=(30, 4)), "visual": rng.normal(size=(30, 5)), "labels": labels}


def layouts() -> list[dict[str, np.ndarray]]:
    arrays = clips()
    more: dict[str, np.ndarray] = {
        "labels": np.eye(3, dtype=np.uint8)[np.arange(24) % 3],
        "true_graph": np.zeros((6, 6), np.int8),
        "annotated_random": np.arange(24) % 3,
    }
    halves = {
        f"{short}_{part}": arrays[name][rows]
        for short, name in (("audio", "audio"), ("visual", "visual"), ("lab", "labels"))
        for part, rows in (("train", slice(0, 15)), ("test", slice(15, 24)))
    }
    columns = {
        "audio_feat": arrays["audio"],
        "visual_feat": arrays["visual"],
        "Label_ID": arrays["labels"][:, None],
        "Train_test": np.array(["1"] * 15 + ["0"] * 9),
    }
    masked = {name: arrays[name] for name in ("audio", "visual", "labels")} | {"is_train": np.arange(24) < 15}
    return [arrays, arrays | more, halves, columns, masked]


def record(i: int) -> bytes:
    rng = np.random.default_rng(i)
    return encode_example(
        {
            "video_id": [b"v%03d" % i],
            "labels": np.array([i % 3, 3 + i % 2]),
            "mean_rgb": rng.normal(size=5).astype(np.float32),
            "mean_audio": rng.normal(size=4).astype(np.float32),
        }
    )


def soft_label_samples() -> list[Input]:
    npz, stored = NPZ.writers
    rng = np.random.default_rng(0)
    shares: dict[str, np.ndarray] = {
        "audio": rng.dirichlet(np.ones(4), 20),
        "visual": rng.dirichlet(np.ones(4), 20).astype(np.float32),
    }
    more: dict[str, np.ndarray] = {"classes": np.array(list("abcd")), "split": np.arange(20) % 3}
    more["hard_label"] = np.arange(20) % 4
    calibrated = {name: np.log(values) for name, values in shares.items()} | more
    calibrated |= {"kind": np.array("independent-logits"), "temperature": np.ones(2), "platt": np.ones((2, 4, 2))}
    return [(("soft.npz", npz(shares | more)),), (("soft.npz", stored(calibrated)),)]


def graph_samples(format: str) -> Callable[[], list[Input]]:
    def samples() -> list[Input]:
        from avexplore.graph.formats import ALL, WRITTEN, write_graph

        kind = next(kind for kind in ALL if kind.name == format)

        nodes = ("audio:Bus", "audio:Cat, small", 'audio:"Dog"', "visual:Bus", "visual:Cat, small", 'visual:"Dog"')
        adjacency = np.zeros((6, 6), np.int8)
        adjacency[0, 3] = adjacency[3, 0] = adjacency[0, 1] = adjacency[2, 5] = 1
        chain = ClassGraph(("audio:A", "audio:B", "visual:A", "visual:B"), np.eye(4, k=1, dtype=np.int8))
        graphs = [ClassGraph(nodes, adjacency), chain]
        found: list[Input] = [(("graph.txt", text.encode()),) for text in kind.samples]
        for graph in graphs if format in WRITTEN else []:
            try:
                found.append((("graph.txt", write_graph(graph, format).encode()),))
            except AvexploreError:
                continue  # not every format can hold every name
        return found

    return samples


def config_samples() -> list[Input]:
    from avexplore.config import AffinityConfig as Affinity
    from avexplore.config import GraphConfig, RegularizerConfig, StabilityConfig, StudentConfig, TeacherConfig

    data = SyntheticConfig()
    stability = StabilityConfig(graph=GraphConfig(soft_labels=TeacherConfig(data=data)))
    student = StudentConfig(data=data, regularizer=RegularizerConfig(affinity=Affinity(stability=stability)))
    return [(("config.json", json.dumps(config.to_json()).encode()),) for config in (data, student)]


def weight_samples() -> list[Input]:
    from avexplore.store.weights_file import weights_to_bytes

    arrays: dict[str, np.ndarray] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b.c": np.zeros(4, np.int64),
        "d": np.array(True),
    }
    return [(("weights.safetensors", weights_to_bytes(arrays)),)]


# --- readers ------------------------------------------------------------------------------------------------------


def read_features(paths: list[Path]) -> None:
    from avexplore.artifacts import FeatureSet
    from avexplore.data.loading import feature_file, load_features

    config: FeatureFileConfig = feature_file(*paths)
    features = load_features(config)
    assert isinstance(features, FeatureSet)
    assert features.audio.dtype == np.float32
    assert np.isfinite(features.audio).all()
    assert all(name.isprintable() for name in (*features.classes, *features.clip_ids))


def read_soft_labels(paths: list[Path]) -> None:
    from avexplore.data.soft_labels import load_soft_labels, soft_label_file

    config: SoftLabelFileConfig = soft_label_file(paths[0])
    soft = load_soft_labels(config)
    assert np.isfinite(soft.probabilities()).all()


def read_graph_text(format: str) -> Callable[[list[Path]], None]:
    def read(paths: list[Path]) -> None:
        from avexplore.graph.formats import read_graph

        graph = read_graph(paths[0].read_bytes(), format)
        assert isinstance(graph, ClassGraph)
        assert all(node.partition(":")[0] in ("audio", "visual") for node in graph.nodes)

    return read


def read_config(paths: list[Path]) -> None:
    try:
        content = json.loads(paths[0].read_bytes().decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return  # the callers parse JSON themselves
    config = from_json(content)
    assert isinstance(config, Config)
    assert from_json(config.to_json()).address == config.address


def read_weights_file(paths: list[Path]) -> None:
    from avexplore.store.weights_file import read_weights

    assert all(isinstance(values, np.ndarray) for values in read_weights(paths[0]).values())


@dataclass(frozen=True)
class Target:
    samples: Callable[[], list[Input]]
    read: Callable[[list[Path]], None]
    kind: str


def targets() -> dict[str, Target]:
    """Every reader: of containers and graph formats those of their registries, and what else reads files."""
    from avexplore.graph.formats import FORMATS

    return {
        **{
            c.name: Target(container_samples(c), read_features, "text" if c.holds == "table" else "binary")
            for c in CONTAINERS
        },
        "soft-labels": Target(soft_label_samples, read_soft_labels, "binary"),
        "safetensors": Target(weight_samples, read_weights_file, "binary"),
        "config": Target(config_samples, read_config, "text"),
        **{f"graph-{name}": Target(graph_samples(name), read_graph_text(name), "text") for name in FORMATS},
    }


TARGETS = targets()


# --- mutations ----------------------------------------------------------------------------------------------------

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1)
TOKENS = [
    *b"0 -1 1e999 nan inf 99999999999999999999 { } < > &lol; \" ' ; , = ../ ( |O <f8 >U9 True None -> -- {}".split(),
    *(b"\x00", b"\n", b"\r", b"\xff\xfe", b"\xe2\x80\xae", b"\xed\xa0\x80", b"[" * 50, b"(" * 80, b"{" * 2000),
    b"=cmd|' /C calc'!A0",
    b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A few random edits of a byte string."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(9)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            width = rng.choice((1, 2, 4, 8))
            value = rng.choice(EXTREMES) & (2 ** (8 * width) - 1)
            out[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))
        elif kind == 3:
            del out[at : at + rng.choice((1, 2, 7, 64, 1000))]
        elif kind == 4:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 5:
            start = rng.randrange(len(out) + 1)
            out[at:at] = out[start : start + rng.choice((1, 8, 100, 2000))]
        elif kind == 6 and rng.random() < 0.3:
            del out[at:]
        elif kind == 7:
            numbers = list(re.finditer(rb"\d+", bytes(out[:20_000])))
            if numbers:
                hit = rng.choice(numbers)
                out[hit.start() : hit.end()] = str(rng.choice(EXTREMES)).encode()
        elif kind == 8:
            start = rng.randrange(len(out) + 1)
            out[at : at + 16] = out[start : start + 16]
    return bytes(out)


def mutate_npy(data: bytes, rng: random.Random) -> bytes:
    """Edits that leave the frame of an npy file in place, so that they reach what lies behind it."""
    length = int.from_bytes(data[8:10], "little")
    header, body = data[10 : 10 + length], data[10 + length :]
    if rng.random() < 0.6:
        header = mutate(header.rstrip(), rng)
    if rng.random() < 0.6:
        body = mutate(body, rng)
    if rng.random() < 0.3:
        body = body[: rng.randrange(len(body) + 1)] + bytes(rng.randrange(64))
    return data[:8] + (len(header) & 0xFFFF).to_bytes(2, "little") + header + body


def mutate_npz(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.4 or not zipfile.is_zipfile(io.BytesIO(data)):
        return mutate(data, rng)
    out = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        warnings.simplefilter("ignore")  # that a name occurs twice is intended
        for entry in source.namelist():
            content, name = source.read(entry), entry
            if rng.random() < 0.3:
                content = mutate_npy(content, rng) if rng.random() < 0.8 else mutate(content, rng)
            if rng.random() < 0.03:
                name = rng.choice(source.namelist())
            if rng.random() > 0.02:
                target.writestr(name, content)
    return out.getvalue() if rng.random() < 0.9 else mutate(out.getvalue(), rng)


def mutate_tfrecord(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return mutate(data, rng)
    records = [record(i) for i in range(rng.choice((1, 10, 30)))]
    for _ in range(rng.choice((1, 2, 5))):
        i = rng.randrange(len(records))
        records[i] = mutate(records[i], rng)
    return frame(records)


def mutate_input(files: Input, kind: str, rng: random.Random) -> Input:
    """Change one file of an input (rarely several, or leave one out)."""
    changed = list(files)
    free = [i for i, (name, _) in enumerate(changed) if kind != "text" or name.endswith((".csv", ".txt", ".json"))]
    for i in rng.sample(free, min(len(free), 1 if rng.random() < 0.9 else 2)):
        name, content = changed[i]
        by_suffix = {".npz": mutate_npz, ".npy": mutate_npy, ".tfrecord": mutate_tfrecord}
        changed[i] = (name, by_suffix.get(Path(name).suffix, mutate)(content, rng))
    if len(changed) > 1 and rng.random() < 0.05:
        del changed[rng.randrange(len(changed))]
    return tuple(changed)


# --- running ------------------------------------------------------------------------------------------------------


def one(target: Target, files: Input, folder: Path) -> str:
    """Read one input. Returns "valid" or "refused"; anything else raises."""
    paths = []
    for name, content in files:
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    try:
        target.read(paths)
    except AvexploreError as error:
        if not error.what.strip():
            raise RuntimeError("an error without words") from error
        return "refused"
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    return "valid"


def inputs(name: str, seed: int, start: int, stop: int) -> Iterator[tuple[int, Input]]:
    """Input i of a target depends on the seed and i only."""
    target = TARGETS[name]
    samples = target.samples()
    for i in range(start, stop):
        rng = random.Random(f"{name} {seed} {i}")
        yield i, mutate_input(rng.choice(samples), target.kind, rng)


@contextmanager
def hdf5_in_this_process() -> Iterator[None]:
    """A process per input would make 20,000 of them slow; a worker that dies is restarted instead."""
    from avexplore.data.files import hdf5
    from avexplore.data.files import open as containers
    from avexplore.data.files.hdf5_process import Hdf5File

    @contextmanager
    def open_here(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[Hdf5File]:
        file = Hdf5File(path, limits)
        try:
            yield file
        finally:
            file.close()

    usual = containers.CONTAINERS
    opener: Any = open_here
    containers.CONTAINERS = tuple(dataclasses.replace(c, open=opener) if c is hdf5.HDF5 else c for c in usual)
    try:
        yield
    finally:
        containers.CONTAINERS = usual


def work(name: str, seed: int, start: int, stop: int, keep: Path) -> None:
    """Run inputs start..stop and print one line per event; what was going on last is known from the last line."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")

    def too_slow(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS_PER_INPUT} s")

    # Counted in processor time: other work on the machine is no fault of the reader.
    signal.signal(signal.SIGPROF, too_slow)
    slowest = 0.0
    counts = {"valid": 0, "refused": 0, "failed": 0}
    with tempfile.TemporaryDirectory() as folder, hdf5_in_this_process():
        for i, files in inputs(name, seed, start, stop):
            print(json.dumps({"at": i, "counts": counts}), flush=True)
            signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_INPUT)
            # A loop inside a library never comes back to see the signal; then the worker ends, as the app's would.
            faulthandler.dump_traceback_later(4 * SECONDS_PER_INPUT, exit=True)
            began = time.process_time()
            try:
                counts[one(TARGETS[name], files, Path(folder))] += 1
            except BaseException as error:  # whatever it is, it is a finding
                if isinstance(error, KeyboardInterrupt):
                    raise
                counts["failed"] += 1
                place = traceback.extract_tb(error.__traceback__)[-1]
                text = f"{type(error).__name__}: {str(error)[:200]} ({Path(place.filename).name}:{place.lineno})"
                print(json.dumps({"failure": i, "error": text}), flush=True)
                for file, content in files:
                    (keep / f"{name}-{i}-{file}").write_bytes(content)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"done": stop, "counts": counts, "slowest": slowest, "peak_mib": peak}), flush=True)


def fuzz(name: str, count: int, seed: int, keep: Path) -> dict[str, Any]:
    """Run one target to its end, restarting workers that die."""
    total: dict[str, Any] = {"valid": 0, "refused": 0, "failed": 0, "crashed": 0, "slowest_s": 0.0, "peak_mib": 0.0}
    failures: list[str] = []
    start, began = 0, time.perf_counter()
    while start < count:
        stop = min(count, start + 2500)
        command = [sys.executable, __file__, "--work", name, str(seed), str(start), str(stop), str(keep)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
        failures += [f"input {line['failure']}: {line['error']}" for line in lines if "failure" in line]
        if lines and "done" in lines[-1]:
            last = lines[-1]
            for key, value in last["counts"].items():
                total[key] += value
            total["slowest_s"] = max(total["slowest_s"], round(last["slowest"], 3))
            total["peak_mib"] = max(total["peak_mib"], round(last["peak_mib"]))
            start = stop
            continue
        reached = [line for line in lines if "at" in line]
        if not reached:
            raise SystemExit(f"The worker for {name} did not start:\n{process.stderr[-2000:]}")
        at = reached[-1]["at"]
        for key, value in reached[-1]["counts"].items():
            total[key] += value
        total["crashed"] += 1
        failures.append(f"input {at}: the process died or hung ({process.returncode})")
        for file, content in dict(inputs(name, seed, at, at + 1))[at]:
            (keep / f"{name}-{at}-{file}").write_bytes(content)
        start = at + 1
    total |= {"inputs": count, "seconds": round(time.perf_counter() - began, 1), "failures": failures[:20]}
    return total


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        name, seed, start, stop, folder = sys.argv[2:7]
        work(name, int(seed), int(start), int(stop), Path(folder))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, help="per reader")
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), help="this reader only; can be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="folder for inputs that should not have ended so")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in arguments.only or TARGETS:
        results[name] = result = fuzz(name, arguments.inputs, arguments.seed, keep)
        if not arguments.json:
            shown = {key: value for key, value in result.items() if key != "failures"}
            print(f"{name:14}", "  ".join(f"{key} {value}" for key, value in shown.items()), flush=True)
            for failure in result["failures"]:
                print("    ", failure)
    if arguments.json:
        print(json.dumps(results))
    if not any(keep.iterdir()):
        shutil.rmtree(keep)
    elif not arguments.json:
        print(f"Kept under {keep}")
    bad = sum(r["failed"] + (0 if name == "hdf5" else r["crashed"]) for name, r in results.items())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
