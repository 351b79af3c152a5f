"""Sessions of visitors who have left: kept a while, so that a broken line can be taken up again, then given back."""

from __future__ import annotations

import asyncio

from streamlit.runtime import memory_session_storage
from streamlit.runtime.session_manager import SessionInfo

MOST = 100
"""So many are kept; each holds three open files."""


class LeftSessions(memory_session_storage.MemorySessionStorage):
    """Ends a session, with its uploads and open files, as soon as its time is over or too many have left after it.

    Streamlit's own storage waits with that until somebody else leaves: hundreds of megabytes stay on a quiet night.
    What has no room there it drops without ending it: some hundred reconnects use up the files that a process may open.

    Args:
        ttl_seconds: How long a visitor may be away.
    """

    def __init__(self, ttl_seconds: int = 120) -> None:
        super().__init__(ttl_seconds=ttl_seconds)
        self._seconds = ttl_seconds

    def save(self, session_info: SessionInfo) -> None:
        """A visitor has left."""
        self._end_expired()
        for name in list(self._cache)[: 1 - MOST]:
            self._cache.pop(name).session.shutdown()
        super().save(session_info)
        asyncio.get_running_loop().call_later(self._seconds + 0.5, self._end_expired)

    def _end_expired(self) -> None:
        for _, found in self._cache.expire():  # type: ignore[attr-defined]
            found.session.shutdown()


def use() -> None:
    """Have the server that is started next keep its sessions so."""
    memory_session_storage.MemorySessionStorage = LeftSessions  # type: ignore[misc, assignment]
