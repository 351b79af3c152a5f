"""Where a result comes from: enough to make it again, or to know why that would differ."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import avexplore
from avexplore.config import Config, upstream

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "torch", "umap-learn", "causal-learn", "safetensors", "h5py")


@dataclass(frozen=True)
class Provenance:
    """Who made a result, from what, on what.

    Attributes:
        avexplore: Version of this package.
        code: First 16 digits of the SHA-256 over its source files: tells an edited checkout from the release.
        seeds: Seed of each stage that has one, by stage name.
        data: Fingerprints of the files it was made from; empty for generated data.
        libraries: Versions of what computed it.
        python, platform: The interpreter and the machine's kind (no names of hosts or users).
        device: "cpu", or the accelerator's name; results are only bit-identical on the same kind.
        threads: How many torch used on the CPU: sums are added up in another order with another number. 0 where no
            network was trained, or where it was not noted.
        seconds: Wall time of this stage alone; NaN where unknown.
        created: UTC, ISO 8601.
        note: What else a reader must know, such as rounding.
    """

    avexplore: str
    code: str
    seeds: Mapping[str, int]
    data: tuple[str, ...]
    libraries: Mapping[str, str]
    python: str
    platform: str
    device: str = "cpu"
    threads: int = 0
    seconds: float = float("nan")
    created: str = ""
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        content = asdict(self)
        content["seconds"] = None if self.seconds != self.seconds else round(self.seconds, 3)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Provenance:
        """From JSON values; fields that a newer version added are dropped."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        values["data"] = tuple(values.get("data", ()))
        if values.get("seconds") is None:
            values["seconds"] = float("nan")
        return cls(**values)


def provenance(
    config: Config, *, device: str = "cpu", threads: int = 0, seconds: float = float("nan"), note: str = ""
) -> Provenance:
    """Describe a result of `config` that this process just made."""
    parts = list(upstream(config))
    return Provenance(
        avexplore=avexplore.__version__,
        code=code_fingerprint(),
        seeds={c.stage: seed for c in reversed(parts) if isinstance(seed := getattr(c, "seed", None), int)},
        data=tuple(dict.fromkeys(f for c in parts if isinstance(f := getattr(c, "fingerprint", None), str))),
        libraries=_versions(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=device,
        threads=threads,
        seconds=seconds,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        note=note,
    )


@cache
def code_fingerprint() -> str:
    """First 16 digits of the SHA-256 over the package's Python files, by name."""
    package = Path(avexplore.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def _versions() -> Mapping[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found
