"""Compiled code: where it is kept, how it is warmed in the background, and whether it is ready.

numba compiles a function at its first call, which for the whole engine takes some seconds. The result is kept in a
folder of ours, one per state of the engine's sources: numba itself looks only at the file of the function that is
called, and would go on using code compiled from an older callee in another file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numba.core.cgutils
import numba.core.config
import numba.extending
import platformdirs
from llvmlite import binding as llvm

Function = TypeVar("Function", bound=Callable[..., Any])

# Scalars of compiled code are machine types, which type checkers take for neither int nor NumPy scalar.
Int = Any  # int64
Real = Any  # float64
Truth = Any  # bool

ROOMS = ("compiled", "scores", "search")
"""Folders of `graph/` whose functions are compiled into callers in other files."""

_settings: Any = numba.core.config  # its entries are made at run time

_njit: Any = numba.njit  # its types know only some of its options
_types: Any = numba.types  # untyped, as is the next
_cgutils: Any = numba.core.cgutils

KEPT_FOLDERS = 8

IS_PLAIN = bool(os.environ.get("AVEXPLORE_PLAIN_NUMBA"))
"""Whether numba compiles as it always does: slower, but free of what `whole_program` overrides inside numba."""


def pipeline(kind: Literal["part", "whole"]) -> dict[str, Any]:
    """numba's options for the parts of a program, or for its entry points."""
    if IS_PLAIN:
        return {}
    from avexplore.graph.compiled.whole_program import PartCompiler, WholeCompiler

    return {"pipeline_class": PartCompiler if kind == "part" else WholeCompiler}


@cache
def cache_folder() -> Path:
    """The folder of compiled code for this engine, numba and processor; `AVEXPLORE_COMPILED` moves its parent."""
    parent = Path(os.environ.get("AVEXPLORE_COMPILED") or platformdirs.user_cache_path("avexplore") / "compiled")
    key = hashlib.sha256(f"{numba.__version__} {llvm.get_host_cpu_name()} {IS_PLAIN}".encode())
    graph = Path(__file__).parents[1]
    for source in sorted(file for room in ROOMS for file in (graph / room).glob("*.py")):
        key.update(source.read_bytes())
    folder = parent / key.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)
        _forget_old(parent)
    except OSError:  # a read-only home: compile anew in every process rather than not at all
        folder = Path(tempfile.mkdtemp(prefix="avexplore-compiled-"))
    return folder


def _forget_old(parent: Path) -> None:
    folders = sorted((f for f in parent.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    for folder in folders[KEPT_FOLDERS:]:
        shutil.rmtree(folder, ignore_errors=True)


def compiled(function: Function) -> Function:
    """Compile for use from other compiled code only; no reference counting, so nothing may be allocated in it.

    Indices count from the front: `array[-1]` reads what lies before the array (`whole_program`).
    """
    wrapped: Any = _njit(
        function,
        error_model="numpy",
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
        **pipeline("part"),
    )
    template = wrapped.get_call_template

    def without_literals(arguments: Any, keywords: Any) -> Any:
        # Otherwise numba compiles the function once more for each constant that it is called with.
        plain = {name: _types.unliteral(kind) for name, kind in keywords.items()}
        return template(tuple(_types.unliteral(kind) for kind in arguments), plain)

    wrapped.get_call_template = without_literals
    result: Function = wrapped
    return result


def entry_point(function: Function) -> Function:
    """Compile for calls from Python; releases the GIL. The machine code is kept in `cache_folder`."""
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = str(cache_folder())
    try:
        wrapped: Function = _njit(
            function, nogil=True, error_model="numpy", cache=True, no_cfunc_wrapper=True, **pipeline("whole")
        )
    finally:
        _settings.CACHE_DIR = before
    return wrapped


def _borrow(context: Any, arrays: Any) -> Any:
    """Inside an entry point: its argument, a (nested) tuple of arrays, without their reference counters.

    numba counts references to every array of a tuple at every call that passes the tuple on, which would take half
    of the time. The entry point itself keeps the arrays alive.
    """

    def strip(lowering: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, _types.Array):
            array = _cgutils.create_struct_proxy(kind)(lowering, builder, value=value)
            for name in ("meminfo", "parent"):
                setattr(array, name, _cgutils.get_null_value(getattr(array, name).type))
            return array._getvalue()
        if hasattr(kind, "types"):
            for index, member in enumerate(list(kind.types)):
                stripped = strip(lowering, builder, member, builder.extract_value(value, index))
                value = builder.insert_value(value, stripped, index)
        return value

    def generate(lowering: Any, builder: Any, signature: Any, values: Any) -> Any:
        return strip(lowering, builder, arrays, values[0])

    return arrays(arrays), generate


borrow: Any = numba.extending.intrinsic(_borrow)


_ready = threading.Event()


def is_compiled() -> bool:
    """Whether a search would start at once: compiled in this process, or kept from an earlier one."""
    return _ready.is_set() or _marker().exists()


def mark_compiled() -> None:
    """Say, to this process and to later ones, that everything called from Python is compiled."""
    _marker().touch()
    _ready.set()


def _marker() -> Path:
    return cache_folder() / "complete"
