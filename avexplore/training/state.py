"""The state of a stopped training on disk: one safetensors file, swapped in whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from avexplore.artifacts import History, TrainState

_HISTORY = "history."


def save_state(state: TrainState, path: Path, address: str) -> None:
    """Write a training state; a reader sees the old file or the new one, never a half.

    Args:
        state: What to write.
        path: Where; its folder is made.
        address: Address of the config that is being trained, so that no other training picks it up.

    Raises:
        OSError: If it cannot be written, as on a full disk. An older file is still there then, and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.asarray(values, order="C") for name, values in state.tensors.items()}
    arrays |= {_HISTORY + name: np.asarray(values, order="C") for name, values in state.history.columns.items()}
    waiting = path.with_name(f"{path.name}.{os.getpid()}.part")
    about = {
        "epoch": state.epoch,
        "address": address,
        "columns": list(state.history.columns),
        "order": list(state.tensors),
    }
    # Not by the library's save_file: killed, that leaves a file under a name of its own, which nobody would clear away.
    try:
        waiting.write_bytes(save(arrays, metadata={"training": json.dumps(about)}))
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


def load_state(path: Path | None, address: str) -> TrainState | None:
    """Read a training state.

    Args:
        path: Where it may lie.
        address: Address of the config to be trained.

    Returns:
        The state; None if there is none, if it cannot be read or belongs to another config (training then starts over).
    """
    if path is None or not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("training", "{}"))
            if about.get("address") != address:
                return None
            # The file sorts by name; a resumed training must end with its weights in the order of an undisturbed one.
            tensors = {name: file.get_tensor(name) for name in about["order"]}
            history = {name: file.get_tensor(_HISTORY + name) for name in about["columns"]}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return TrainState(tensors=tensors, history=History(history), epoch=int(about["epoch"]))
