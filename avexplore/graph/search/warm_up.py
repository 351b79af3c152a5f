"""Compile the engine ahead of the first search: in the background, or into the cache."""

from __future__ import annotations

import threading

from avexplore.apart import beside
from avexplore.graph.compiled.numba_cache import cache_folder, is_compiled, mark_compiled

_starting = threading.Lock()
_thread: threading.Thread | None = None


def warm_up() -> None:
    """Compile, or load from the cache, everything that is called from Python."""
    from avexplore.graph.algebra import cpdag
    from avexplore.graph.search import search

    search.warm_up()
    cpdag.warm_up()
    mark_compiled()


def compile_in_background() -> threading.Thread:
    """Begin to make the engine ready, and return the thread that is at it; a second call returns the same thread.

    What is not in the cache yet is compiled in a process of its own: compiling holds the interpreter's lock, and
    pages are to stay quick meanwhile.
    """
    global _thread
    with _starting:
        if _thread is None:
            _thread = threading.Thread(target=_prepare, name="avexplore-compile", daemon=True)
            _thread.start()
        return _thread


def fill_cache() -> None:
    """Compile everything into the cache, unless it is there; of several processes that try, one does it."""
    from filelock import FileLock

    with FileLock(cache_folder().with_suffix(".lock")):
        if not is_compiled():
            warm_up()


def _prepare() -> None:
    if not is_compiled():
        # Should it fail, the next line compiles here and says why it cannot.
        beside("graph.search.warm_up").wait()
    warm_up()
