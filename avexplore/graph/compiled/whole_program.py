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

from typing import Any

from llvmlite import binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

_Library: Any = JITCodeLibrary  # untyped, as is the next
_Compiler: Any = Compiler


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

    return IntoLibrary


PartCompiler = _compiler(_Part)
WholeCompiler = _compiler(_Whole)
