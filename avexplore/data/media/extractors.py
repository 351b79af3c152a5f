"""What turns stretches of sound and frames into vectors: one small protocol, and every way to name an extractor.

| name | what | width |
|---|---|---|
| `log-mel`, `color-texture` | plain descriptors, built in | 128, 256 |
| `vggish:FILE` | VGGish | 128 |
| `inception:FILE` | Inception v3 | 2048, or 1024 where the file holds a PCA |
| `clap:FOLDER`, `clip:FOLDER` | as `transformers` keeps them | their own |
| `torchvision/NAME:FILE` | any classifier of torchvision, without its last layer | its own |
| `onnx:FILE` | any network with one input and one output | its own |

Weights are local files. Nothing is fetched: where they are missing, the message says what to put where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from avexplore.artifacts import Modality
from avexplore.data.media.descriptors import ColorTextureStatistics, LogMelStatistics
from avexplore.data.media.spectra import FloatArray, LogMel
from avexplore.errors import ConfigError, DataError

if TYPE_CHECKING:
    import torch

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class SoundExtractor(Protocol):
    """From stretches of sound to vectors.

    Attributes:
        name: For people.
        width: Numbers per vector.
        rate: Samples per second.
        window, hop: Samples of a stretch, and from stretch to stretch.
        batch: Stretches that are handed over at once, at most.
    """

    name: str
    width: int
    rate: int
    window: int
    hop: int
    batch: int

    def __call__(self, samples: FloatArray, /) -> FloatArray:
        """From shape (b, window), one channel in [-1, 1], to shape (b, width)."""


class PictureExtractor(Protocol):
    """From frames to vectors.

    Attributes:
        name: For people.
        width: Numbers per vector.
        side: Pixels along each side of a frame.
        crop: Whether the middle of a frame is cut out, or the whole is squeezed into the square.
        batch: Frames that are handed over at once, at most.
    """

    name: str
    width: int
    side: int
    crop: bool
    batch: int

    def __call__(self, frames: NDArray[np.uint8], /) -> FloatArray:
        """From shape (b, side, side, 3), RGB, to shape (b, width)."""


@dataclass(frozen=True)
class ExtractorSpec:
    """An extractor as it is named: its kind, and where its weights lie.

    Attributes:
        modality: What it describes.
        kind: As in the table above, such as "vggish" or "torchvision/resnet50".
        path: Its weights; "" for none.
    """

    modality: Modality
    kind: str
    path: str = ""

    @property
    def identity(self) -> str:
        """Its kind, and the SHA-256 of its weights if it has any."""
        from avexplore.data.media.weights import digest

        return f"{self.kind} {digest(Path(self.path))}" if self.path else self.kind


_WEIGHTS: Mapping[str, str] = {
    "vggish": "its PyTorch state dict (features.0.weight ... embeddings.4.bias) as .safetensors or .pth",
    "inception": "torchvision's state dict of inception_v3 as .safetensors or .pth",
    "clap": "a folder with config.json, preprocessor_config.json and model.safetensors, as transformers saves it",
    "clip": "a folder with config.json and model.safetensors, as transformers saves it",
    "torchvision": "the state dict of that model as .safetensors or .pth",
    "onnx": "an .onnx file",
}


def parse(modality: Modality, text: str) -> ExtractorSpec:
    """Read an extractor's name.

    Raises:
        ConfigError: If there is none of this name, or its weights are not named.
        DataError: If the weights are not there.

    >>> parse("audio", "log-mel")
    ExtractorSpec(modality='audio', kind='log-mel', path='')
    """
    kind, _, path = text.partition(":")
    known = _BUILDERS[modality]
    family = kind.partition("/")[0]
    if family not in known or (family == "torchvision") != ("/" in kind):
        raise ConfigError(
            f"There is no {modality} extractor {kind[:60]!r}",
            where=modality,
            fix="Use one of " + ", ".join(_usage(modality)),
        )
    needed = _WEIGHTS.get(family)
    if needed is None:
        if path:
            raise ConfigError(f"{kind} is built in and takes no weights", where=modality, fix=f"Write {kind}")
        return ExtractorSpec(modality, kind)
    fix = f"Put {needed} on this machine and write {kind}:PATH; nothing is fetched"
    if not path:
        raise ConfigError(f"{kind} needs its weights", where=modality, fix=fix)
    place = Path(path).expanduser()
    if not place.exists():
        raise DataError("There are no weights at this place", where=path, fix=fix)
    if place.is_dir() != (family in ("clap", "clip")):
        raise DataError(f"{kind} expects a {'file' if place.is_dir() else 'folder'}", where=path, fix=fix)
    return ExtractorSpec(modality, kind, str(place.absolute()))


def _usage(modality: Modality) -> list[str]:
    shown = {"torchvision": "torchvision/NAME:FILE", "clap": "clap:FOLDER", "clip": "clip:FOLDER"}
    return [shown.get(k, k if k not in _WEIGHTS else f"{k}:FILE") for k in _BUILDERS[modality]]


@lru_cache(maxsize=4)
def load(spec: ExtractorSpec, device: str | None = None) -> Any:
    """The extractor itself: a `SoundExtractor` or a `PictureExtractor`.

    Args:
        spec: From `parse`.
        device: What a network runs on; None takes a GPU where there is one.

    Raises:
        DataError: If the weights are of something else, or a library is missing.
    """
    return _BUILDERS[spec.modality][spec.kind.partition("/")[0]](spec, device)


# --- networks -----------------------------------------------------------------------------------------------------


class _OnDevice:
    """A torch network, on its device, without gradients; called itself, or by one of its methods."""

    def __init__(self, net: torch.nn.Module, device: str | None, method: Callable[..., Any] | None = None) -> None:
        import torch

        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        net.eval().requires_grad_(False).to(self._device)
        self._call: Callable[..., Any] = method or net

    def __call__(self, values: FloatArray) -> FloatArray:
        import torch

        with torch.inference_mode():
            out = self._call(torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._device))
        # Newer releases of transformers return the vectors among other things.
        found = out if isinstance(out, torch.Tensor) else out.pooler_output
        result: FloatArray = found.float().flatten(1).cpu().numpy()
        return result


class _SoundNet:
    """A network of stretches of sound."""

    def __init__(
        self,
        name: str,
        rate: int,
        window: int,
        run: Callable[[FloatArray], FloatArray],
        *,
        hop: int = 0,
        prepare: Callable[[FloatArray], FloatArray] = lambda samples: samples,
        batch: int = 16,
    ) -> None:
        self.name, self.rate, self.window, self.hop, self.batch = name, rate, window, hop or window, batch
        self._run, self._prepare = run, prepare
        self.width = self(np.zeros((1, window), np.float32)).shape[1]

    def __call__(self, samples: FloatArray) -> FloatArray:
        return self._run(self._prepare(samples))


class _PictureNet:
    """A network of frames, channels first, normalized by the mean and deviation that it was trained with."""

    def __init__(
        self,
        name: str,
        side: int,
        run: Callable[[FloatArray], FloatArray],
        *,
        normal: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET,
    ) -> None:
        self.name, self.side, self.crop, self.batch = name, side, True, 16
        self._run = run
        self._mean, self._deviation = (np.array(values, np.float32)[:, None, None] for values in normal)
        self.width = self(np.zeros((1, side, side, 3), np.uint8)).shape[1]

    def __call__(self, frames: NDArray[np.uint8]) -> FloatArray:
        values = frames.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255.0)
        return self._run((values - self._mean) / self._deviation)


def _vggish(spec: ExtractorSpec, device: str | None) -> SoundExtractor:
    from avexplore.data.media.vggish import VGGish
    from avexplore.data.media.weights import put_in, read_weights

    path = Path(spec.path)
    net = VGGish()
    put_in(net, read_weights(path), where=path.name, what="VGGish")
    # .96 s of frames of 25 ms every 10 ms: 15,600 samples, a new stretch every 15,360.
    return _SoundNet("VGGish", 16_000, 15_600, _OnDevice(net, device), hop=15_360, prepare=LogMel())


def _inception(spec: ExtractorSpec, device: str | None) -> PictureExtractor:
    from avexplore.data.media.inception import InceptionV3
    from avexplore.data.media.weights import put_in, read_weights

    path = Path(spec.path)
    weights = read_weights(path)
    net = InceptionV3()
    put_in(net, weights, where=path.name, what="Inception v3")
    run: Callable[[FloatArray], FloatArray] = _OnDevice(net, device)
    if "pca.mean" in weights or "pca.components" in weights:
        run = _reduced(run, weights, path.name)
    return _PictureNet("Inception v3", 299, run, normal=((0.5,) * 3, (0.5,) * 3))


def _reduced(
    run: Callable[[FloatArray], FloatArray], weights: Mapping[str, torch.Tensor], where: str
) -> Callable[[FloatArray], FloatArray]:
    names = ("pca.mean", "pca.components")
    mean, components = (weights[n].float().numpy() if n in weights else np.zeros(0) for n in names)
    if mean.shape != (2048,) or components.ndim != 2 or components.shape[1] != 2048:
        raise DataError(
            f"The PCA has a mean of shape {mean.shape} and components of shape {components.shape}",
            where=where,
            fix="Store pca.mean (2048,) and pca.components (1024, 2048)",
        )
    return lambda values: (run(values) - mean) @ components.T


def _torchvision(spec: ExtractorSpec, device: str | None) -> PictureExtractor:
    from avexplore.data.media.weights import put_in, read_weights

    models = _library("torchvision.models", "torchvision", spec.kind)
    name = spec.kind.partition("/")[2]
    if name not in models.list_models(module=models):
        raise ConfigError(f"torchvision has no classifier {name[:60]!r}", where="visual", fix="Check its name")
    import torch

    path = Path(spec.path)
    extra = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
    net = models.get_model(name, weights=None, **extra)
    put_in(net, read_weights(path), where=path.name, what=name)
    # The last linear layer tells ImageNet's classes; what goes into it describes the picture.
    last = [key for key, part in net.named_modules() if isinstance(part, torch.nn.Linear)][-1]
    above, _, leaf = last.rpartition(".")
    setattr(net.get_submodule(above), leaf, torch.nn.Identity())
    return _PictureNet(f"torchvision {name}", 299 if name == "inception_v3" else 224, _OnDevice(net, device))


def _clip(spec: ExtractorSpec, device: str | None) -> PictureExtractor:
    import json

    transformers = _library("transformers", "transformers", spec.kind)
    folder = Path(spec.path)
    net = _from_folder(transformers.CLIPModel, folder, "clip", ("vision_model", "visual_projection"))
    normal: tuple[tuple[float, ...], tuple[float, ...]] = CLIP
    try:
        told = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        normal = tuple(map(float, told["image_mean"])), tuple(map(float, told["image_std"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # without the file, CLIP's own
    run = _OnDevice(net, device, net.get_image_features)
    return _PictureNet(f"CLIP {folder.name}", int(net.config.vision_config.image_size), run, normal=normal)


def _clap(spec: ExtractorSpec, device: str | None) -> SoundExtractor:
    transformers = _library("transformers", "transformers", spec.kind)
    folder = Path(spec.path)
    net = _from_folder(transformers.ClapModel, folder, "clap", ("audio_model", "audio_projection"))
    try:
        features = transformers.ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise DataError("The folder lacks preprocessor_config.json", where=folder.name, fix=_WEIGHTS["clap"]) from error
    rate, seconds = int(features.sampling_rate), int(features.max_length_s)

    def prepare(samples: FloatArray) -> FloatArray:
        # No sound is longer than the window, so that nothing is cut out at random.
        found = features(list(samples), sampling_rate=rate, return_tensors="np", truncation="rand_trunc")
        return np.asarray(found["input_features"], np.float32)

    run = _OnDevice(net, device, net.get_audio_features)
    return _SoundNet(f"CLAP {folder.name}", rate, rate * seconds, run, prepare=prepare, batch=4)


def _from_folder(kind: Any, folder: Path, name: str, needed: tuple[str, ...]) -> Any:
    """A model as `transformers` keeps it: from the folder alone, and never from pickled weights or code in it."""
    try:
        net, told = kind.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32",
            output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # the library raises OSError, ValueError, RuntimeError and kinds of its own
        raise DataError(
            f"The folder holds no {name.upper()} model that can be read", where=folder.name, fix=f"Use {_WEIGHTS[name]}"
        ) from error
    # What is not in the file would be drawn at random.
    lacking = sorted(str(key) for key in told["missing_keys"] if str(key).startswith(needed))
    if lacking:
        raise DataError(
            f"These are no weights of {name.upper()}: {lacking[0]} is not among them",
            where=folder.name,
            fix=f"Use {_WEIGHTS[name]}",
        )
    return net


def _onnx(spec: ExtractorSpec, device: str | None) -> Any:
    """The file's metadata may say `sample_rate` and `window` (samples), or `mean` and `std` (three numbers each)."""
    runtime = _library("onnxruntime", "onnxruntime", spec.kind)
    path = Path(spec.path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = runtime.InferenceSession(str(path), options, providers=_providers(runtime, device))
        (entry,), (out, *_) = session.get_inputs(), session.get_outputs()
        told = dict(session.get_modelmeta().custom_metadata_map)
        shape = [size if isinstance(size, int) else None for size in entry.shape]

        def run(values: FloatArray) -> FloatArray:
            found = np.asarray(session.run([out.name], {entry.name: np.ascontiguousarray(values, np.float32)})[0])
            return found.reshape(len(found), -1)

        if spec.modality == "audio":
            rate = int(told.get("sample_rate", 16_000))
            window = int(told.get("window", 0)) or shape[-1] or rate
            if len(shape) != 2:
                raise ValueError(f"its input has {len(shape)} dimensions, sound has 2: (batch, samples)")
            return _SoundNet(f"ONNX {path.name}", rate, window, run)
        if len(shape) != 4:
            raise ValueError(f"its input has {len(shape)} dimensions, frames have 4: (batch, 3, height, width)")
        normal = tuple(
            tuple(float(v) for v in told[key].strip("[]() ").split(",")) if key in told else default
            for key, default in zip(("mean", "std"), IMAGENET, strict=True)
        )
        return _PictureNet(f"ONNX {path.name}", shape[-1] or 224, run, normal=(normal[0], normal[1]))
    except Exception as error:  # what the runtime raises depends on the network
        text = "".join(c for c in str(error) if c.isprintable())[:160]
        raise DataError(
            f"The network cannot be used: {text}",
            where=path.name,
            fix="Its one input is (batch, samples) for sound or (batch, 3, height, width) for frames",
        ) from error


def _providers(runtime: Any, device: str | None) -> list[str]:
    wanted = ["CPUExecutionProvider"]
    if device != "cpu" and "CUDAExecutionProvider" in runtime.get_available_providers():
        wanted.insert(0, "CUDAExecutionProvider")
    return wanted


def _library(module: str, package: str, kind: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except (ImportError, RuntimeError, OSError) as error:
        raise DataError(
            f"{kind} needs the library {package}, which cannot be imported here",
            where="extractor",
            fix=f"Install one that goes with the installed torch: pip install {package}",
        ) from error


_BUILDERS: Mapping[Modality, Mapping[str, Callable[[ExtractorSpec, str | None], Any]]] = {
    "audio": {
        "log-mel": lambda spec, device: LogMelStatistics(),
        "vggish": _vggish,
        "clap": _clap,
        "onnx": _onnx,
    },
    "visual": {
        "color-texture": lambda spec, device: ColorTextureStatistics(),
        "inception": _inception,
        "clip": _clip,
        "torchvision": _torchvision,
        "onnx": _onnx,
    },
}
