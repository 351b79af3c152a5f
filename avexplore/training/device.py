"""Where training runs."""

from __future__ import annotations

import torch

from avexplore.errors import ConfigError


def choose_device(name: str | None = None) -> torch.device:
    """The device asked for, or the fastest there is.

    Args:
        name: "cuda", "cuda:1", "cpu", "mps" (untested), or None or "auto" for CUDA if there is one, else the CPU.

    Raises:
        ConfigError: If the device is not there.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name in (None, "auto"):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(str(name))
    except RuntimeError as error:
        raise ConfigError(f"{name!r} is not a device", where="device", fix="Use cpu, cuda or mps") from error
    count = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    if (device.index or 0) >= count.get(device.type, 0):
        raise ConfigError(f"This machine has no {name} device", where="device", fix="Use cpu, or leave it out")
    return device


def device_name(name: str | None = None) -> str:
    """What `choose_device` chooses, as people call it: "cpu", or the model of the GPU.

    >>> device_name("cpu")
    'cpu'
    """
    device = choose_device(name)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
