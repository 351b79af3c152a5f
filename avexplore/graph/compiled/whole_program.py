"""An entry point and all it calls, optimized together once.

numba optimizes each function with all that it calls, and translates it to machine code, before the next caller does the
same again: with calls ten deep most of the work is repeated, and since any of the functions might be called from
elsewhere, each call passes all members of its tuples. Here the parts stay as they are until the entry point holds them
all, and there they are private, so that a call passes what it uses. That halves the time to compile, and the searches
get faster, too.

These classes use numba's extension point for compilers; what they override of its code libraries is internal to it.
With `AVEXPLORE_PLAIN_NUMBA=1` numba compiles as it always does instead: `benchmarks/graph_search.py --only start`
measures both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import binding as llvm
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.np import arrayobj

_Library: Any = JITCodeLibrary  # untyped, as is the next
_Compiler: Any = Compiler
_arrays: Any = arrayobj


@contextmanager
def _indices_from_the_front() -> Iterator[None]:
    """While numba compiles: an index is an offset, and a negative one is an error.

    Otherwise each access compares its index with 0, and keeps the array's length at hand to add it. Dispatchers hold
    numba's compiler lock meanwhile.
    """
    before = _arrays.fix_integer_index

    def as_it_is(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        return context.cast(builder, index, kind, types.intp)

    _arrays.fix_integer_index = as_it_is
    try:
        yield
    finally:
        _arrays.fix_integer_index = before


class _NoMachineCode:
    """In place of the code generator of a part: there is nothing to register."""

    def set_env(self, name: str, environment: object) -> None:
        """Do nothing."""


class _Part(_Library):
    """A function with what it calls, as it comes from numba: neither optimized nor translated."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 0

    @property
    def codegen(self) -> _NoMachineCode:
        return _NoMachineCode()


class _Whole(_Library):
    """An entry point with its parts, which nobody else can call."""

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = llvm.Linkage.internal
        super()._optimize_final_module()


def _compiler(library: Any) -> Any:
    class IntoLibrary(_Compiler):
        def define_pipelines(self) -> Any:
            if self.state.library is None:
                self.state.library = library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
                self.state.library.enable_object_caching()
            return super().define_pipelines()

        def _compile_core(self) -> Any:
            with _indices_from_the_front():
                return super()._compile_core()

    return IntoLibrary


PartCompiler = _compiler(_Part)
WholeCompiler = _compiler(_Whole)
