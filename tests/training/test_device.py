from __future__ import annotations

import pytest
import torch

from avexplore.errors import ConfigError
from avexplore.training.device import choose_device, device_name


def test_auto_takes_cuda_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device().type == choose_device("auto").type == expected
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["gpu9", "xla", "meta"])
def test_other_devices_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        choose_device(name)


@pytest.mark.parametrize("name", ["cuda:99", "mps:7"])
def test_a_device_beyond_the_last_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"no {name} device"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_a_missing_device_is_named() -> None:
    with pytest.raises(ConfigError, match="no cuda device"):
        choose_device("cuda")


def test_a_device_is_called_by_what_it_really_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_name() == device_name("auto") == device_name("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Accelerator {device.index}")
    assert device_name("cuda:1") == "Accelerator 1"
    assert device_name("cpu") == "cpu"
