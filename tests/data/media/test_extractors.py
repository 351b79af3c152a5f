"""Extractors: what they are given, what comes out, and what is said of wrong names and wrong weights."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from avexplore.data.media import extractors, weights
from avexplore.data.media.descriptors import ColorTextureStatistics, LogMelStatistics
from avexplore.data.media.extractors import ExtractorSpec, load, parse
from avexplore.data.media.inception import InceptionV3
from avexplore.data.media.pictures import SIZE, SoundPicture
from avexplore.data.media.spectra import LogMel
from avexplore.data.media.vggish import VGGish
from avexplore.errors import AvexploreError, ConfigError, DataError


def test_log_mel_by_its_definition() -> None:
    spectra = LogMel()
    samples = np.random.default_rng(0).normal(size=900)
    got = spectra(samples)

    def mel(hertz: float) -> float:
        return 1127.0 * np.log(1 + hertz / 700)

    edges = [mel(125) + i * (mel(7500) - mel(125)) / 65 for i in range(66)]
    for t in range(len(got)):
        piece = samples[160 * t : 160 * t + 400] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400))
        for band in (0, 17, 63):
            total = 0.0
            for k in range(1, 257):
                magnitude = abs(sum(piece * np.exp(-2j * np.pi * k * np.arange(400) / 512)))
                low, middle, high = edges[band : band + 3]
                at = mel(k * 16_000 / 512)
                total += magnitude * max(0.0, min((at - low) / (middle - low), (high - at) / (high - middle)))
            assert got[t, band] == pytest.approx(np.log(total + 0.01), abs=1e-3)


@pytest.mark.parametrize("extractor", [LogMelStatistics(), ColorTextureStatistics()], ids=lambda e: e.name)
def test_descriptors_keep_their_word(extractor: Any) -> None:
    rng = np.random.default_rng(0)
    if hasattr(extractor, "window"):
        batch: Any = rng.normal(size=(3, extractor.window)).astype(np.float32)
    else:
        batch = rng.integers(0, 256, (3, extractor.side, extractor.side, 3)).astype(np.uint8)
    vectors = extractor(batch)
    assert vectors.shape == (3, extractor.width)
    assert np.isfinite(vectors).all()
    for i in range(3):
        assert np.allclose(extractor(batch[i : i + 1])[0], vectors[i], atol=1e-5), "a batch is no more than its members"
    assert np.isfinite(extractor(np.zeros_like(batch))).all(), "silence and black are sounds and pictures, too"


def test_an_edge_across_and_an_edge_down_differ() -> None:
    frames = np.zeros((2, 128, 128, 3), np.uint8)
    frames[0, ::8] = 255
    frames[1, :, ::8] = 255
    across, down = ColorTextureStatistics()(frames)
    assert np.abs(across - down).max() > 0.3


@pytest.mark.parametrize("seconds", [0.3, 5.0, 70.0])
def test_the_picture_of_a_sound_is_bounded_and_in_order(seconds: float) -> None:
    picture = SoundPicture(16_000)
    t = np.arange(int(seconds * 16_000)) / 16_000
    samples = (0.5 * np.sin(2 * np.pi * np.where(t < seconds / 2, 300, 5000) * t)).astype(np.float32)
    for first in range(0, len(samples), 1000):
        picture.hear(samples[first : first + 1000])
    import io

    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(picture.jpeg())).convert("L"), float)
    assert pixels.shape == SIZE[::-1]
    low, high = pixels[60:], pixels[:40]
    half = SIZE[0] // 2
    assert low[:, 20 : half - 20].max() > 1.5 * low[:, half + 20 : -20].max()
    assert high[:, half + 20 : -20].max() > 1.5 * high[:, 20 : half - 20].max()
    assert SoundPicture(16_000).jpeg() == b""


def test_vggish_is_as_large_as_reported_and_gives_128_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = VGGish()
    assert sum(p.numel() for p in net.parameters()) == 72_141_184
    path = tmp_path / "vggish.pth"
    path.touch()
    monkeypatch.setattr(weights, "read_weights", lambda path: net.state_dict())
    extractor = extractors._BUILDERS["audio"]["vggish"](ExtractorSpec("audio", "vggish", str(path)), "cpu")
    assert (extractor.width, extractor.rate, extractor.window, extractor.hop) == (128, 16_000, 15_600, 15_360)
    samples = np.random.default_rng(0).normal(size=(2, 15_600)).astype(np.float32)
    with torch.inference_mode():
        expected = net(torch.from_numpy(LogMel()(samples)))
    assert np.allclose(extractor(samples), expected.numpy(), atol=1e-5)


def test_inception_and_its_reduction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = InceptionV3().eval()
    assert sum(p.numel() for p in net.parameters()) == 21_785_568, "as in the paper's network, without its classifiers"
    path = tmp_path / "inception.pth"
    path.touch()
    spec = ExtractorSpec("visual", "inception", str(path))
    build = extractors._BUILDERS["visual"]["inception"]
    pca = {"pca.mean": torch.rand(2048), "pca.components": torch.rand(1024, 2048) / 2048}
    monkeypatch.setattr(weights, "read_weights", lambda path: net.state_dict() | pca)
    reduced = build(spec, "cpu")
    assert (reduced.width, reduced.side) == (1024, 299)
    frames = np.random.default_rng(0).integers(0, 256, (1, 299, 299, 3)).astype(np.uint8)
    with torch.inference_mode():
        whole = net(torch.from_numpy(frames.transpose(0, 3, 1, 2) / np.float32(127.5) - np.float32(1)).float())
    expected = (whole - pca["pca.mean"]) @ pca["pca.components"].T
    assert np.allclose(reduced(frames), expected.numpy(), atol=1e-5)
    wrong = net.state_dict() | {"pca.mean": torch.rand(1024)}
    monkeypatch.setattr(weights, "read_weights", lambda path: wrong)
    with pytest.raises(DataError, match=r"mean of shape \(1024,\)"):
        build(spec, "cpu")


def test_inception_equals_torchvisions() -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    torch.manual_seed(0)
    theirs = models.inception_v3(weights=None, init_weights=False).eval()
    for part in theirs.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)  # type: ignore[union-attr, operator]
            part.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr, operator]
    theirs.fc = torch.nn.Identity()
    ours = InceptionV3()
    weights.put_in(ours, theirs.state_dict(), where="", what="")
    frames = torch.rand(1, 3, 299, 299) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(ours(frames), theirs(frames))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(
    ("modality", "kind", "net"), [("audio", "vggish", VGGish), ("visual", "inception", InceptionV3)]
)
def test_batches_on_a_gpu_give_what_the_processor_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modality: Any, kind: str, net: Any
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(0)
    save_file(net().state_dict(), tmp_path / "net.safetensors")
    spec = parse(modality, f"{kind}:{tmp_path / 'net.safetensors'}")
    here, there, unasked = (load(spec, device) for device in ("cpu", "cuda", None))
    assert unasked._run._device.type == "cuda", "a GPU is taken where there is one"
    rng = np.random.default_rng(0)
    batch: Any = rng.normal(size=(16, 15_600)) / 10 if modality == "audio" else rng.integers(0, 256, (16, 299, 299, 3))
    batch = batch.astype(np.float32 if modality == "audio" else np.uint8)
    expected = here(batch)
    np.testing.assert_allclose(there(batch), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("modality", "text", "said"),
    [
        ("audio", "resnet", "no audio extractor 'resnet'.*log-mel, vggish:FILE, clap:FOLDER, onnx:FILE"),
        ("visual", "vggish:x", "no visual extractor 'vggish'"),
        ("audio", "log-mel:x", "built in and takes no weights"),
        ("audio", "vggish", "vggish needs its weights.*vggish:PATH; nothing is fetched"),
        ("visual", "inception:nowhere.pth", "no weights at this place"),
        ("visual", "clip:{file}", "expects a folder"),
        ("visual", "inception:{folder}", "expects a file"),
        ("visual", "torchvision:{file}", "no visual extractor 'torchvision'"),
    ],
)
def test_wrong_names_get_a_sentence(tmp_path: Path, modality: Any, text: str, said: str) -> None:
    (tmp_path / "w.pth").touch()
    text = text.format(file=tmp_path / "w.pth", folder=tmp_path)
    with pytest.raises(AvexploreError) as refused:
        parse(modality, text)
    assert isinstance(refused.value, (ConfigError, DataError))
    assert re.search(said, str(refused.value))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("touched"),)


def test_wrong_weights_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def refusal(name: str, kind: str = "vggish") -> str:
        modality: Any = "audio" if kind == "vggish" else "visual"
        with pytest.raises(DataError) as refused:
            load(parse(modality, f"{kind}:{tmp_path / name}"), "cpu")
        return str(refused.value)

    (tmp_path / "text.pth").write_text("hello")
    assert "no plain weights" in refusal("text.pth") or "cannot be read" in refusal("text.pth")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    assert "no plain weights" in refusal("evil.pth") or "cannot be read" in refusal("evil.pth")
    torch.save({"net": Evil()}, tmp_path / "evil.pt")
    refusal("evil.pt")
    assert not (tmp_path / "touched").exists()
    torch.save([1, 2], tmp_path / "list.pth")
    assert "something else than named weights" in refusal("list.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00")
    assert "cannot be read" in refusal("cut.safetensors")
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    assert "no weights of VGGish: features.0.weight is not among them" in refusal("other.safetensors")
    assert "no weights of Inception v3" in refusal("other.safetensors", "inception")
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "shape.safetensors")
    assert "has shape (64, 3, 3, 3), not (64, 1, 3, 3)" in refusal("shape.safetensors")


def test_missing_libraries_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "w.pth").touch()
    for module in ("torchvision.models", "transformers", "onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    for text in (f"torchvision/resnet18:{tmp_path / 'w.pth'}", f"onnx:{tmp_path / 'w.pth'}", f"clip:{tmp_path}"):
        with pytest.raises(DataError, match="cannot be imported here"):
            load(parse("visual", text), "cpu")


def test_the_digest_of_a_folder_follows_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = weights.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert weights.digest(tmp_path) != first
    assert re.fullmatch("[0-9a-f]{64}", first)


def frames_of(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)


def normalized(frames: np.ndarray, mean: Any, deviation: Any) -> torch.Tensor:
    values = torch.from_numpy(frames.transpose(0, 3, 1, 2)).float() / 255
    return (values - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]


def test_any_classifier_of_torchvision(tmp_path: Path) -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    net = models.resnet18(weights=None).eval()
    torch.save(net.state_dict(), tmp_path / "w.pth")
    got = load(parse("visual", f"torchvision/resnet18:{tmp_path / 'w.pth'}"), "cpu")(frames_of(224))
    net.fc = torch.nn.Identity()
    with torch.inference_mode():
        assert np.allclose(got, net(normalized(frames_of(224), *extractors.IMAGENET)).numpy(), atol=1e-4)


def test_a_folder_of_clip(tmp_path: Path) -> None:
    lib = pytest.importorskip("transformers", reason="transformers is not installed")
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = lib.CLIPConfig(
        text_config=small | {"vocab_size": 100},
        vision_config=small | {"image_size": 64, "patch_size": 16},
        projection_dim=24,
    )
    net = lib.CLIPModel(config).eval()
    net.save_pretrained(tmp_path / "net")
    got = load(parse("visual", f"clip:{tmp_path / 'net'}"), "cpu")
    with torch.inference_mode():
        expected = net.get_image_features(pixel_values=normalized(frames_of(64), *extractors.CLIP))
    expected = getattr(expected, "pooler_output", expected)
    assert got.width == 24
    assert np.allclose(got(frames_of(64)), expected.numpy(), atol=1e-5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no CLIP model"):
        load(parse("visual", f"clip:{tmp_path / 'empty'}"), "cpu")
    text = lib.CLIPTextModel(config.text_config)
    text.save_pretrained(tmp_path / "text")
    with pytest.raises(DataError, match="CLIP"):
        load(parse("visual", f"clip:{tmp_path / 'text'}"), "cpu")


def test_an_onnx_network_and_its_metadata(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    tensor, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    mean = onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    graph = onnx.helper.make_graph([mean], "g", [tensor("x", kind, ["b", 3, 64, 64])], [tensor("y", kind, ["b", 3])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=9)
    onnx.helper.set_model_props(model, {"mean": "0,0,0", "std": "1,1,1"})
    onnx.save(model, tmp_path / "net.onnx")
    got = load(parse("visual", f"onnx:{tmp_path / 'net.onnx'}"))
    assert (got.width, got.side) == (3, 64)
    assert np.allclose(got(frames_of(64)), frames_of(64).mean(axis=(1, 2)) / 255, atol=1e-5)
    with pytest.raises(DataError, match="its input has 4 dimensions"):
        load(parse("audio", f"onnx:{tmp_path / 'net.onnx'}"))
