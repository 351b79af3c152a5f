"""VGGish beside its common PyTorch port, whose code a package manager fetches; no package holds the weights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from avexplore.data.media.clip_list import Clip
from avexplore.data.media.decoding import Decoder
from avexplore.data.media.describe import describe
from avexplore.data.media.extractors import load, parse
from avexplore.data.media.spectra import LogMel

PACKAGE = "torchvggish==0.2"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The port's modules."""
    folder = tmp_path_factory.mktemp("port")
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    try:
        subprocess.run(fetch, check=True, capture_output=True, timeout=180)
        [archive] = folder.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    except (subprocess.SubprocessError, OSError, ValueError):
        pytest.skip(f"{PACKAGE} cannot be fetched here")
    return folder / "torchvggish-0.2" / "torchvggish"


def module(port: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"port_{name}", port / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.slow
def test_a_file_of_weights_describes_a_sound_as_the_port_does(tmp_path: Path, port: Path, media: Any) -> None:
    mel, reported = module(port, "mel_features"), module(port, "vggish_params")
    torch.manual_seed(0)
    net = module(port, "torchvggish")._vgg(False).eval()
    pca = {"pproc.pca_eigen_vectors": torch.eye(128), "pproc.pca_means": torch.zeros(128, 1)}
    torch.save(net.state_dict() | pca, tmp_path / "vggish.pth")

    def published(samples: np.ndarray) -> np.ndarray:
        spectra = mel.log_mel_spectrogram(
            samples, reported.SAMPLE_RATE, reported.LOG_OFFSET,
            reported.STFT_WINDOW_LENGTH_SECONDS, reported.STFT_HOP_LENGTH_SECONDS,
            num_mel_bins=reported.NUM_MEL_BINS, lower_edge_hertz=reported.MEL_MIN_HZ,
            upper_edge_hertz=reported.MEL_MAX_HZ,
        )  # fmt: skip
        return np.asarray(spectra)

    samples = np.random.default_rng(0).normal(scale=0.1, size=16_000 * 3)
    assert np.abs(LogMel()(samples) - published(samples)).max() < 1e-5

    extractor = load(parse("audio", f"vggish:{tmp_path / 'vggish.pth'}"), "cpu")
    heard: list[np.ndarray] = []

    class Kept:
        width, rate, window, hop, batch = extractor.width, extractor.rate, extractor.window, extractor.hop, 2

        def __call__(self, stretches: np.ndarray) -> np.ndarray:
            heard.append(stretches)
            return np.asarray(extractor(stretches))

    path = str(media.video("a.wav", seconds=4.0, hertz=700.0))
    with Decoder() as decoder:
        got = describe(Clip("a", path, ""), decoder, Kept(), None)  # type: ignore[arg-type]
    stretches = np.concatenate(heard)
    whole = np.concatenate([stretches[0], *(one[-15_360:] for one in stretches[1:])])
    examples = mel.frame(published(whole.astype(np.float64)), reported.NUM_FRAMES, reported.NUM_FRAMES)
    assert len(examples) == len(stretches) == 4
    with torch.inference_mode():
        expected = net(torch.tensor(np.array(examples))[:, None].float()).mean(0).numpy()
    assert got.audio is not None
    np.testing.assert_allclose(got.audio, expected, atol=1e-5)
